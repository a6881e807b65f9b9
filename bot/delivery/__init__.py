"""delivery: what a job's messages look like, and sending each exactly once."""
