"""bot/limits.py"""

import pytest

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.limits import Load, admit


def test_refuses_with_the_number_in_the_sentence() -> None:
    """A person should know what to wait for."""
    limits = LimitsConfig(queued=2, per_day=3)
    load = Load(today=1)
    admit(load, limits)
    admit(load, limits)
    with pytest.raises(UserError) as refused:
        admit(load, limits)
    assert (refused.value.text, refused.value.values) == ("too-many-queued", {"limit": 2})
    load.queued = 0
    with pytest.raises(UserError) as refused:
        admit(load, limits)
    assert (refused.value.text, refused.value.values) == ("too-many-today", {"limit": 3})


def test_zero_is_no_limit() -> None:
    """As the config says."""
    load = Load(queued=10_000, today=10_000)
    admit(load, LimitsConfig(queued=0, per_day=0))
    assert load.queued == 10_001
