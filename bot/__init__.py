"""the bot: chat outside, queue inside; knows nothing of torch."""
