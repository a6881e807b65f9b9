"""jobs: what they are, who may ask for how many, and the queue."""
