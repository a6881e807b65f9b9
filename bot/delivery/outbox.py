"""one chat's outgoing queue: latest preview wins, finals first, paced by the platform's retry-after."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import AddressGone, MessageGone, NotDelivered, RetryAfter
from engine import backoff

log = logging.getLogger(__name__)
LONGEST_PAUSE = 60.0  # longest pause in seconds between retries
_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One outgoing message or edit."""

    slot: str  # a newer parcel replaces a waiting one in the same slot
    send: Callable[[], Awaitable[None]]  # raises AdapterError
    gone: Callable[[], Awaitable[None]]  # called when message or chat are gone
    keep: bool = False  # never dropped, neither for a newer parcel nor after failures
    number: int = field(default_factory=lambda: next(_numbers))


class Outbox:
    """One chat's outgoing queue; sends in the background."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        """`clock` in seconds, with its matching `sleep`."""
        self._clock, self._sleep = clock, sleep
        self._waiting: dict[str, Parcel] = {}
        self._free_at = 0.0  # when the next parcel may be sent
        self._failures = 0  # in a row
        self._sender: asyncio.Task[None] | None = None

    def put(self, parcel: Parcel) -> None:
        """Queue a parcel; it is sent as soon as the chat allows."""
        old = self._waiting.get(parcel.slot)
        if old is not None and old.keep and not parcel.keep:
            return  # a final picture is waiting: the preview comes too late
        self._waiting[parcel.slot] = parcel
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
            while (pause := self._free_at - self._clock()) > 0:
                await self._sleep(pause)
            parcel = min(self._waiting.values(), key=lambda p: (not p.keep, p.number))
            del self._waiting[parcel.slot]
            await self._send(parcel)

    async def _send(self, parcel: Parcel) -> None:
        try:
            await parcel.send()
            self._failures = 0
        except RetryAfter as answer:
            self._put_back(parcel, answer.seconds)
        except NotDelivered as failure:
            self._failures += 1
            log.warning("%s not delivered, try %d: %s", parcel.slot, self._failures, failure)
            if parcel.keep:
                self._put_back(parcel, backoff(self._failures, longest=LONGEST_PAUSE))
        except (MessageGone, AddressGone) as answer:
            log.info("%s: %s", parcel.slot, type(answer).__name__)
            await parcel.gone()
        except Exception:  # a bug with one parcel must not block all others of this chat
            log.exception("%s could not be sent", parcel.slot)

    def _put_back(self, parcel: Parcel, pause: float) -> None:
        self._free_at = self._clock() + pause
        self._waiting.setdefault(parcel.slot, parcel)
