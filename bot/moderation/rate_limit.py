"""rate limit: how many messages a minute one person, or one browser, may send."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from cachetools import TTLCache

MINUTE = 60.0  # seconds
MANY = 100_000  # people kept in memory


class RateVerdict(Enum):
    """What happens to a message."""

    TAKEN = auto()
    REFUSED = auto()  # the first one over the limit: it is answered
    DROPPED = auto()  # answered already


@dataclass
class _Bucket:
    tokens: float
    at: float
    told: bool = False


class RateLimit:
    """A token bucket for each person: so many messages at once, then as many as a minute refills."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`per_minute` is 0 for no limit."""
        self.per_minute, self._clock = per_minute, clock
        # A bucket that was not used for a minute is full, as a new one is.
        self._buckets: TTLCache[str, _Bucket] = TTLCache(MANY, MINUTE, timer=clock)

    def take(self, who: str) -> RateVerdict:
        """Count one message."""
        if not self.per_minute:
            return RateVerdict.TAKEN
        now = self._clock()
        bucket = self._buckets.get(who) or _Bucket(tokens=self.per_minute, at=now)
        bucket.tokens = min(self.per_minute, bucket.tokens + (now - bucket.at) * self.per_minute / MINUTE)
        bucket.at = now
        self._buckets[who] = bucket
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            bucket.told = False
            return RateVerdict.TAKEN
        told, bucket.told = bucket.told, True
        return RateVerdict.DROPPED if told else RateVerdict.REFUSED
