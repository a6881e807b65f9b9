"""words that a model set knows: its list of them, and what it understands of a text."""
