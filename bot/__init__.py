"""the chat bot: platforms, queue and delivery. It never imports torch."""
