"""jobs: their states, the limits, and the queue."""
