"""the time by which old data is deleted: a host clock that jumps ahead is believed after a day."""

import logging
import time
from collections.abc import Callable

from bot.jobs.limits import DAY
from bot.storage.store import Row, Store

log = logging.getLogger(__name__)
LEAP = DAY  # seconds by which the clock may be ahead of what must have passed
DOUBTED = 0.9 * DAY  # seconds for which it must have been so, a little less as it is looked at once a day …
AT_MOST = 3 * DAY  # … and where the bot was stopped meanwhile, more than this is another jump


class TrustedTime:
    """Compares the host's clock with what was stored last and with the time that has passed since the start."""

    def __init__(self, store: Store, clock: Callable[[], float], steady: Callable[[], float] = time.monotonic) -> None:
        """`clock` is the host's, in Unix seconds, `steady` one that nobody sets."""
        self._store, self._clock, self._steady = store, clock, steady
        self._known: float | None = None  # what the time was …
        self._at = 0.0  # … when the steady clock said this
        self._doubted_at: float | None = None  # steady time of the first doubt, if that was since the start

    async def now(self) -> float:
        """Unix time; not later than the host's clock."""
        host, steady = self._clock(), self._steady()
        if self._known is None:
            self._known, self._at = _time_in(await self._store.row("latest_time")) or host, steady
        passed = self._known + max(0.0, steady - self._at)
        if host > passed + LEAP and not await self._has_been_so(host, steady):
            return passed
        self._known, self._at, self._doubted_at = host, steady, None
        await self._note("time", host)
        await self._note("doubted", 0.0)
        return host

    async def _has_been_so(self, host: float, steady: float) -> bool:
        """Whether the host's clock was as far ahead a day ago; the doubt is kept over a restart."""
        since = _time_in(await self._store.row("doubted_since"))
        if self._doubted_at is not None and steady - self._doubted_at >= DOUBTED:
            return True
        if since and self._doubted_at is None and DOUBTED <= host - since <= AT_MOST:
            return True
        if not since or (self._doubted_at is None and not 0 <= host - since < DOUBTED):
            log.warning(
                "more than a day seems to have passed since the bot looked at the clock last: in case the host's clock "
                "is wrong, nothing is deleted for its age before tomorrow"
            )
            self._doubted_at = steady
            await self._note("doubted", host)
        return False

    async def _note(self, key: str, at: float) -> None:
        await self._store.write("put_note", platform="bot", key=key, value=f"{at:.0f}")


def _time_in(row: Row | None) -> float:
    """0 for none."""
    return float(row["at"]) if row and row["at"] is not None else 0.0
