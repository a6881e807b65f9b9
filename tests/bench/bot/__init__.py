"""faults and load from outside: each module is a command that prints its figures, and has a short run in the tests."""
