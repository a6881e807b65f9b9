"""the small world: renderer, captions, judge, and the training of the embedded models.

Nothing outside this package imports it at run time.
"""
