"""limits per person and per server: pure checks; a refusal names the limit."""

from dataclasses import dataclass

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.messages import Person

DAY = 86400.0  # seconds
NOBODY = Person(platform="", id="")


@dataclass(kw_only=True)
class Load:
    """What one person (or one server) has in the queue now and has requested in the last 24 hours.

    In normal pictures: a larger one counts as several.
    """

    queued: float = 0
    today: float = 0

    def add(self, weight: float) -> None:
        """One more job."""
        self.queued += weight
        self.today += weight


def admit(
    load: Load, limits: LimitsConfig, person: Person = NOBODY, place: Load | None = None, weight: float = 1.0
) -> None:
    """Count one more job in, or raise UserError. Whoever is below a limit may go over it by one job.

    Args:
        person: who asks, with the limits of the server or page.
        place: the load of that server or page.
        weight: of the job, in normal pictures.
    """
    queued, place = _lower(limits.queued, person.queued), place or Load()
    if queued and load.queued >= queued:
        raise UserError("too-many-queued", limit=queued)
    if limits.per_day and load.today >= limits.per_day:
        raise UserError("too-many-today", limit=limits.per_day)
    if person.server_queued and place.queued >= person.server_queued:
        raise UserError("too-many-queued-here", limit=person.server_queued)
    there = _lower(limits.server_per_day, person.server_today)
    if there and place.today >= there:
        raise UserError("too-many-here", limit=there)
    load.add(weight)
    place.add(weight)


def _lower(one: int, other: int) -> int:
    """The lower of two limits, where 0 means no limit."""
    return min(one or other, other or one)
