"""the networks, how they are set up for a device, and how their libraries are imported."""
