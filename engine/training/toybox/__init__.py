"""the toybox: renderer, captions, judge, and training of the embedded models.

Nothing outside this package imports it at run time.
"""
