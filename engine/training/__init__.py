"""training of the embedded model sets; nothing at run time imports it."""
