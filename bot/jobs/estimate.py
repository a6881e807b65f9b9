"""how long those in the queue wait, where an engine draws several pictures at a time: pure arithmetic."""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Load:
    """A job that is drawn or waits: whose, how many pictures, and the seconds that it still takes, if that is known."""

    owner: str
    pictures: int
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Company:
    """What is drawn now."""

    running: Sequence[Load] = ()
    at_once: int = 1  # pictures that share the engines; a job begins while there are fewer


def waits(waiting: Iterable[Load], company: Company, per_person: int = 0) -> Iterator[float | None]:
    """Seconds until each begins, in the order of the queue; None where that is not known.

    Args:
        per_person: most jobs of one person that are drawn at the same time; 0 is no limit.
    """
    if not company.at_once:  # no engine can be reached
        yield from (None for _ in waiting)
        return
    ends: list[tuple[float, int]] = []  # (when, pictures) of what is drawn by then
    of_owner: dict[str, list[float]] = {}  # when the jobs of each person end
    drawn, now = 0, 0.0

    def begin(job: Load, at: float) -> None:
        nonlocal drawn
        end = math.inf if job.seconds is None else at + job.seconds
        heapq.heappush(ends, (end, job.pictures))
        heapq.heappush(of_owner.setdefault(job.owner, []), end)
        drawn += job.pictures

    for job in company.running:
        begin(job, 0.0)
    for job in waiting:
        while drawn >= company.at_once and ends:
            end, pictures = heapq.heappop(ends)
            now, drawn = max(now, end), drawn - pictures
        mine, at = of_owner.get(job.owner, []), now
        while per_person and len(mine) >= per_person:
            at = max(at, heapq.heappop(mine))
        yield None if math.isinf(at) else at
        begin(job, at)
