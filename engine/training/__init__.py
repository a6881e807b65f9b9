"""training of the embedded model sets; nothing imports it at run time."""
