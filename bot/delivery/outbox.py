"""one chat's outgoing queue: latest preview wins, finals first, paced by the platform's retry-after."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import AddressGone, MessageGone, NotDelivered, NotStored, Refused, RetryAfter
from engine import backoff

log = logging.getLogger(__name__)
LONGEST_PAUSE = 60.0  # longest pause in seconds between retries
MOST_TRIES = 12  # of words that our own database does not take: about ten minutes
_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One outgoing message or edit."""

    slot: str  # a newer parcel replaces a waiting one in the same slot
    send: Callable[[], Awaitable[None]]  # raises AdapterError
    gone: Callable[[], Awaitable[None]]  # called when message or chat are gone
    keep: bool = False  # never dropped, neither for a newer parcel nor after failures
    number: int = field(default_factory=lambda: next(_numbers))


@dataclass(kw_only=True)
class _Retry:
    """How often a waiting parcel has failed, and when it may be tried again."""

    failures: int = 0
    at: float = 0.0


class Outbox:
    """One chat's outgoing queue; sends in the background. A parcel that fails waits by itself."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        """`clock` in seconds, with its matching `sleep`."""
        self._clock, self._sleep = clock, sleep
        self._waiting: dict[str, Parcel] = {}
        self._retries: dict[str, _Retry] = {}  # by slot
        self._free_at = 0.0  # when the chat may be written to again
        self._changed = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    def put(self, parcel: Parcel) -> None:
        """Queue a parcel; it is sent as soon as the chat allows."""
        old = self._waiting.get(parcel.slot)
        if old is not None and old.keep and not parcel.keep:
            return  # a final picture is waiting: the preview comes too late
        self._waiting[parcel.slot] = parcel
        self._retries.pop(parcel.slot, None)
        self._changed.set()
        if self.idle:
            self._sender = asyncio.create_task(self._send_waiting())

    @property
    def idle(self) -> bool:
        """Whether nothing is queued or being sent."""
        return self._sender is None or self._sender.done()

    async def drain(self) -> None:
        """Return when everything is sent."""
        while self._sender is not None and not self._sender.done():
            await asyncio.shield(self._sender)

    async def close(self) -> None:
        """Stop sending; what must not be lost is in the database."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def _send_waiting(self) -> None:
        while self._waiting:
            now = self._clock()
            ready = [parcel for parcel in self._waiting.values() if self._ready_at(parcel) <= now]
            if not ready or self._free_at > now:
                await self._pause(max(self._free_at, min(map(self._ready_at, self._waiting.values()))) - now)
                continue
            parcel = min(ready, key=lambda p: (not p.keep, p.number))
            del self._waiting[parcel.slot]
            await self._send(parcel)

    def _ready_at(self, parcel: Parcel) -> float:
        retry = self._retries.get(parcel.slot)
        return retry.at if retry else 0.0

    async def _pause(self, seconds: float) -> None:
        """Sleep, or until something new is queued."""
        self._changed.clear()
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({sleeping, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleeping, changed):
                task.cancel()
            await asyncio.gather(sleeping, changed, return_exceptions=True)

    async def _send(self, parcel: Parcel) -> None:
        try:
            await parcel.send()
            self._retries.pop(parcel.slot, None)
        except RetryAfter as answer:
            self._free_at = self._clock() + answer.seconds
            self._waiting.setdefault(parcel.slot, parcel)
        except NotDelivered as failure:
            self._put_back(parcel, f"not delivered: {failure}")
        except NotStored as failure:
            self._put_back(parcel, f"not stored: {failure}", worth=MOST_TRIES)
        except (MessageGone, AddressGone) as answer:
            log.info("%s: %s", parcel.slot, type(answer).__name__)
            await self._give_up(parcel)
        except Refused as answer:  # the place is there: what comes next may be taken
            log.warning("%s is refused: %s", parcel.slot, answer)
            if parcel.keep:
                await self._give_up(parcel)
            else:
                self._retries.pop(parcel.slot, None)
        except Exception:  # a bug with one parcel must not block the others, nor lose a final picture
            log.exception("%s could not be sent", parcel.slot)
            self._put_back(parcel, "a fault of the bot")

    async def _give_up(self, parcel: Parcel) -> None:
        self._retries.pop(parcel.slot, None)
        try:
            await parcel.gone()
        except Exception:
            log.exception("%s could not be given up", parcel.slot)
            self._put_back(parcel, "a fault of the bot")

    def _put_back(self, parcel: Parcel, why: str, worth: int = 0) -> None:
        """Retry what must not be lost, with growing pauses; drop the rest after `worth` tries."""
        retry = self._retries.setdefault(parcel.slot, _Retry())
        retry.failures += 1
        if not parcel.keep and retry.failures > worth:
            del self._retries[parcel.slot]
            return
        retry.at = self._clock() + backoff(retry.failures, longest=LONGEST_PAUSE)
        log.warning("%s, try %d: %s", parcel.slot, retry.failures, why)
        if parcel.slot not in self._waiting:
            self._waiting[parcel.slot] = parcel
        else:
            self._retries.pop(parcel.slot)
