"""delivery: what the messages of a job look like, and how they are sent exactly once."""
