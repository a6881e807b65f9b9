"""who may ask for how much: pure checks that refuse with the number in the sentence."""

from dataclasses import dataclass

from bot.config import LimitsConfig
from bot.errors import UserError

DAY = 86400.0  # seconds


@dataclass(kw_only=True)
class Load:
    """What one person (or everybody in one place) has in the queue now and has asked for in the last 24 hours."""

    queued: int = 0
    today: int = 0


def admit(load: Load, limits: LimitsConfig, here: int = 0, place: Load | None = None, place_today: int = 0) -> None:
    """Count one more job in, or raise UserError.

    Args:
        here: most jobs of one person at a time where it comes from; 0 leaves it to the bot's own limit.
        place: what everybody there has asked for.
        place_today: most of that in 24 hours; 0 leaves it to the bot's own limit.
    """
    queued = _lower(limits.queued, here)
    if queued and load.queued >= queued:
        raise UserError("too-many-queued", limit=queued)
    if limits.per_day and load.today >= limits.per_day:
        raise UserError("too-many-today", limit=limits.per_day)
    there = _lower(limits.server_per_day, place_today)
    if place is not None and there and place.today >= there:
        raise UserError("too-many-here", limit=there)
    for counted in (load, place or Load()):
        counted.queued += 1
        counted.today += 1


def _lower(one: int, other: int) -> int:
    """The lower of two limits, where 0 is none."""
    return min(one or other, other or one)
