"""limits per person and per server: pure checks; a refusal names the limit."""

from dataclasses import dataclass

from bot.config import LimitsConfig
from bot.errors import UserError

DAY = 86400.0  # seconds


@dataclass(kw_only=True)
class Load:
    """What one person (or one server) has in the queue now and has requested in the last 24 hours."""

    queued: int = 0
    today: int = 0


def admit(load: Load, limits: LimitsConfig, here: int = 0, place: Load | None = None, place_today: int = 0) -> None:
    """Count one more job in, or raise UserError.

    Args:
        here: the server's own limit on queued jobs per person; 0 for the bot's limit.
        place: the load of the server.
        place_today: the server's own limit in 24 hours; 0 for the bot's limit.
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
    """The lower of two limits, where 0 means no limit."""
    return min(one or other, other or one)
