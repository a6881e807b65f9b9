"""bot/jobs/limits.py"""

import pytest

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.jobs.limits import Load, admit
from bot.messages import Person


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


def test_a_place_has_a_limit_of_its_own_for_everybody_together() -> None:
    """The lower one of what the config and the place say; whoever is refused counts for nobody."""
    place, limits = Load(), LimitsConfig(queued=0, server_per_day=3)
    here = Person(platform="fake", id="ann", server_today=2, server_queued=3)
    for _ in range(2):
        admit(Load(), limits, here, place)
    with pytest.raises(UserError) as refused:
        admit(Load(), limits, here, place)
    assert (refused.value.text, refused.value.values) == ("too-many-here", {"limit": 2})
    admit(Load(), limits, place=place)
    with pytest.raises(UserError, match="too-many-here"):
        admit(Load(), limits, place=place)
    assert place.today == 3
    with pytest.raises(UserError, match="too-many-queued-here"):
        admit(Load(), limits, here, place)


def test_a_large_job_counts_as_several_and_may_be_the_last_one() -> None:
    """Else four pictures at once could never be asked for where three may wait."""
    load, limits = Load(), LimitsConfig(queued=3, per_day=0)
    admit(load, limits, weight=2.5)
    admit(load, limits, weight=40)
    assert load.queued == 42.5
    with pytest.raises(UserError, match="too-many-queued"):
        admit(load, limits)
