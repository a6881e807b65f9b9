"""the time by which old data is deleted: a host clock that jumps ahead is believed after a day."""

import logging
import time
from collections.abc import Callable

from bot.jobs.limits import DAY
from bot.storage.store import Store

log = logging.getLogger(__name__)
LEAP = DAY  # seconds by which the clock may be ahead of what must have passed


class TrustedTime:
    """Compares the host's clock with what was stored last and with the time that has passed since the start."""

    def __init__(self, store: Store, clock: Callable[[], float], steady: Callable[[], float] = time.monotonic) -> None:
        """`clock` is the host's, in Unix seconds, `steady` one that nobody sets."""
        self._store, self._clock, self._steady = store, clock, steady
        self._known: float | None = None  # what the time was …
        self._at = 0.0  # … when the steady clock said this
        self._doubted: float | None = None  # since when, by the steady clock, the host's is too far ahead

    async def now(self) -> float:
        """Unix time; not later than the host's clock."""
        host, steady = self._clock(), self._steady()
        if self._known is None:
            row = await self._store.row("latest_time")
            self._known, self._at = (row["at"] if row and row["at"] is not None else host), steady
        passed = self._known + max(0.0, steady - self._at)
        if host <= passed + LEAP:
            self._doubted = None
        elif self._doubted is None:
            self._doubted = steady
            log.error(
                "the host's clock is %.1f days ahead of the last time known: nothing is deleted for its age until that "
                "has been so for a day",
                (host - passed) / DAY,
            )
        if self._doubted is not None and steady - self._doubted < DAY:
            return min(host, passed)
        self._known, self._at, self._doubted = host, steady, None
        await self._store.write("put_note", platform="bot", key="time", value=f"{host:.0f}")
        return host
