"""who may ask for how much: pure checks that refuse with the number in the sentence."""

from dataclasses import dataclass

from bot.config import LimitsConfig
from bot.errors import UserError

DAY = 86400.0  # seconds


@dataclass(kw_only=True)
class Load:
    """What one person has in the queue now and has asked for in the last 24 hours."""

    queued: int = 0
    today: int = 0


def admit(load: Load, limits: LimitsConfig, here: int = 0) -> None:
    """Count one more job in, or raise UserError; `here` is the limit of the chat it comes from, 0 for none."""
    queued = min(limits.queued or here, here or limits.queued)
    if queued and load.queued >= queued:
        raise UserError("too-many-queued", limit=queued)
    if limits.per_day and load.today >= limits.per_day:
        raise UserError("too-many-today", limit=limits.per_day)
    load.queued += 1
    load.today += 1
