"""settings that hold for every test."""

import os

from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers that all compute on all cores wait for each other

# A busy machine is slow, not wrong.
settings.register_profile("imago", deadline=None)
settings.load_profile("imago")
