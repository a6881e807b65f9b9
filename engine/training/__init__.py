<<<<<<< HEAD
"""training of the embedded model sets; nothing at run time imports it."""
=======
"""what trains the embedded model sets; never imported by a drawing."""
>>>>>>> fc0f34b02e1e5767269d62d10868072bb0075e8d
