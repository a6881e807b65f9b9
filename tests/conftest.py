"""settings that hold for every test."""

from hypothesis import settings

# A busy machine is slow, not wrong.
settings.register_profile("imago", deadline=None)
settings.load_profile("imago")
