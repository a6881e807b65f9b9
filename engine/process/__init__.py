"""the engine as a child process: wire format, parent and child."""
