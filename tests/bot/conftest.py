"""settings that hold for every test of the bot."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """`imago serve` narrows its own, which in a test's process would hide a file that is open to others."""
    before = os.umask(0o022)
    yield
    os.umask(before)
