"""the engine in a process of its own: the wire, its parent and its child."""
