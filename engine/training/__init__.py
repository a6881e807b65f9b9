"""what trains the embedded model sets; never imported by a drawing."""
