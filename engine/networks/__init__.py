"""the networks, their device set-up, and lazy imports of their libraries."""
