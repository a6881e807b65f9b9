"""the only sender: one message a job, edited from queued to final; exactly one final across crashes."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.adapters.base import Adapter
from bot.delivery.cards import Cards
from bot.delivery.outbox import Outbox, Parcel
from bot.errors import AddressGone, NotStored, Refused
from bot.jobs.changes import Change, Changes
from bot.jobs.job import DONE, Job, Status
from bot.jobs.queue import Queue
from bot.messages import Address, Reply, Stage
from bot.metrics import RecordMetric
from bot.storage.pictures import PictureStore
from bot.storage.store import Store
from engine import Preview

log = logging.getLogger(__name__)
REFRESHED = 10  # jobs at the front of the queue whose messages are refreshed
MANY_CHATS = 1000  # chats kept in memory before idle ones are dropped


async def _nothing() -> None:
    """For parcels whose loss does not matter."""


class Replies:
    """Shows jobs in their chats: renders, sends and edits their messages."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        pictures: PictureStore,
        cards: Cards,
        adapters: Mapping[str, Adapter],
        gone: Callable[[int], Awaitable[None]],
        record: RecordMetric,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Sends nothing yet.

        Args:
            adapters: by platform.
            gone: called when the message or the chat of a job is gone.
            clock, sleep: for pauses between calls.
        """
        self._store, self._queue, self._pictures, self._cards = store, queue, pictures, cards
        self._adapters, self._gone, self._record = adapters, gone, record
        self._clock, self._sleep = clock, sleep
        self._changes = Changes(store)
        self._outboxes: dict[str, Outbox] = {}
        self._removing: set[int] = set()  # removals in progress
        self._unrecorded: dict[tuple[int, str], str] = {}  # messages that the database has not taken, by job and role
        self._told_reachable = True

    def note(self, address: Address, reply: Reply, answers: str, about: int | None = None) -> None:
        """Send an answer outside a job's message; `about` is the job it shows, with which it is deleted."""
        nonce, message = secrets.token_hex(12), ""

        async def send() -> None:
            nonlocal message
            adapter = self._adapters[address.platform]
            message = message or await adapter.send(address, reply, nonce=nonce, answers=answers)
            await self._note_copy(address, message, about)

        self._outbox(address).put(Parcel(slot=f"note {nonce}", send=send, gone=_nothing))

    async def _note_copy(self, address: Address, message: str, about: int | None) -> None:
        if about is not None:
            where = {"platform": address.platform, "chat": address.chat, "thread": address.thread}
            if not await self._store.write("put_copy", job=about, **where, message=message):
                await self._adapters[address.platform].delete(address, message)  # the job was deleted meanwhile

    async def answer_changes(self, job: int | None = None) -> None:
        """Say what became of the words that were said to a drawing, or to any; retried until the chat has it."""
        try:
            changes = await self._changes.to_answer(job)
        except NotStored as error:
            return log.warning("changes are answered later: %s", error)
        for change in changes:
            if change.address.platform in self._adapters:
                self._put_change(change)

    def _put_change(self, change: Change) -> None:
        message = ""

        async def done() -> None:
            await self._changes.mark_answered(change.id)

        async def send() -> None:
            nonlocal message
            job = await self._queue.find(change.job)
            if job is not None and not await self._changes.is_answered(change.id):
                reply, nonce = self._cards.steered(job, change), f"change{change.id}"
                adapter = self._adapters[change.address.platform]
                message = message or await adapter.send(change.address, reply, nonce=nonce, answers=change.answers)
                await self._note_copy(change.address, message, job.id)
            await done()

        self._outbox(change.address).put(Parcel(slot=f"change {change.id}", send=send, gone=done, keep=True))

    def on_queued(self, job: Job) -> None:
        """Show position and wait, looked up when the message is sent."""

        async def send() -> None:
            place = await self._queue.position(job.id)
            if place is not None:
                await self._show(job, self._cards.waiting(job, place, reachable=self._reachable()))
            elif await self._queue.status(job.id) is Status.RUNNING:
                seconds = await self._queue.expected_seconds(job)
                await self._show(job, self._cards.starting(job, seconds))  # the engine may still load its weights

        self._put(job, send)

    def on_start(self, job: Job, seconds_left: float | None) -> None:
        """The engine has started."""
        self._put(job, lambda: self._show(job, self._cards.starting(job, seconds_left)))

    def on_preview(self, job: Job, preview: Preview, seconds_left: float | None) -> None:
        """Show a new preview; older ones not yet sent are dropped."""
        since = time.monotonic()

        async def send() -> None:
            await self._show(job, self._cards.drawing(job, preview, seconds_left))
            self._record("preview_seconds", time.monotonic() - since)

        self._put(job, send)

    def on_interruption(self, job: Job, *, by_the_bot: bool) -> None:
        """Show that the drawing will resume from its checkpoint."""
        card = self._cards.interrupted(job, by_the_bot=by_the_bot, reachable=self._reachable())
        self._put(job, lambda: self._show(job, card))

    def on_end(self, job: Job) -> None:
        """Show how a job ended, from database and picture files; retried until the chat has accepted it."""
        self._put(job, lambda: self._show_end(job.id), end=True)

    async def take_away(self) -> None:
        """Delete the messages marked for removal; unfinished removals continue after a restart."""
        for row in await self._store.rows("removals"):
            adapter = self._adapters.get(row["platform"])
            if adapter is None or row["id"] in self._removing:
                continue
            self._removing.add(row["id"])
            address = Address(platform=row["platform"], chat=row["chat"], thread=row["thread"])
            self._put_removal(adapter, address, row["id"], row["message"])

    def _put_removal(self, adapter: Adapter, address: Address, removal: int, message: str) -> None:
        async def done() -> None:
            await self._store.write("removed", removal=removal)
            self._removing.discard(removal)

        async def send() -> None:
            await adapter.delete(address, message)
            await done()

        self._outbox(address).put(Parcel(slot=f"removal {removal}", send=send, gone=done, keep=True))

    def _reachable(self) -> bool:
        """Whether there is an engine to draw with."""
        return self._queue.company().at_once > 0

    async def refresh(self) -> None:
        """The queue has moved: update the messages of those who are next, or of all when engines went or came."""
        changed, self._told_reachable = self._reachable() != self._told_reachable, self._reachable()
        for job in list(await self._queue.positions())[: None if changed else REFRESHED]:
            if found := await self._queue.find(job):
                self.on_queued(found)

    async def resume(self) -> None:
        """After a restart: finish outstanding messages and removals."""
        self._told_reachable = self._reachable()
        await self.take_away()
        await self.answer_changes()
        for job in await self._queue.undelivered():
            self.on_end(job)
        for job in await self._queue.with_status(Status.QUEUED):
            self.on_queued(job)

    async def close(self, grace: float) -> None:
        """Keep sending for `grace` seconds; the rest is sent after the next start."""
        senders = [asyncio.create_task(outbox.drain()) for outbox in self._outboxes.values()]
        if senders:
            await asyncio.wait(senders, timeout=grace)
        for sender, outbox in zip(senders, self._outboxes.values(), strict=True):
            await outbox.close()
            sender.cancel()

    def _put(self, job: Job, send: Callable[[], Awaitable[None]], *, end: bool = False) -> None:
        """Send a state of a job; the message or the chat may be gone: then nobody waits, or its end counts as shown."""

        async def gone() -> None:
            await (self._queue.mark_delivered(job.id) if end else self._gone(job.id))

        self._outbox(job.address).put(Parcel(slot=f"job {job.id}", send=send, gone=gone, keep=end))

    def _outbox(self, address: Address) -> Outbox:
        if address.key not in self._outboxes:
            if len(self._outboxes) >= MANY_CHATS:
                self._outboxes = {key: outbox for key, outbox in self._outboxes.items() if not outbox.idle}
            self._outboxes[address.key] = Outbox(self._clock, self._sleep)
        return self._outboxes[address.key]

    async def _show(self, job: Job, reply: Reply, role: str = "status", answers: str = "") -> None:
        """Send or edit one of a job's messages; its intent is stored before, its id after."""
        intent = await self._store.row("intent", job=job.id, role=role)
        if intent is None:  # deleted meanwhile
            return
        adapter = self._adapters[job.address.platform]
        if (there := intent["message"] or self._unrecorded.get((job.id, role))) is not None:
            await adapter.edit(job.address, there, reply)
            if intent["message"] is None:
                await self._record_sent(job, role, there)
            return
        # A kill between the platform's response and our record may double a message if it cannot be found by
        # nonce. A line of text may be doubled, the finished picture never: it is always an edit.
        first = reply if role == "gif" or reply.stage is not Stage.FINAL else _line_of(reply)
        message = await adapter.send(job.address, first, nonce=intent["nonce"], answers=answers or job.answers)
        self._unrecorded[job.id, role] = message
        if not await self._record_sent(job, role, message):
            await adapter.delete(job.address, message)  # deleted while it was being sent
        elif first is not reply:
            await adapter.edit(job.address, message, reply)

    async def _record_sent(self, job: Job, role: str, message: str) -> bool:
        """False when the job was deleted. Raises NotStored; the message is known all the same, and not sent twice."""
        known = await self._store.write("sent", job=job.id, role=role, message=message)
        self._unrecorded.pop((job.id, role), None)
        return bool(known)

    async def _show_end(self, number: int) -> None:
        job = await self._queue.find(number)
        if job is None:
            return
        png, inputs = await self._pictures.read(f"{job.id}.png"), await self._pictures.input_names(job.drawn_as)
        if job.status is Status.CANCELLED:
            await self._show(job, self._cards.stopped(job, png, inputs))
        elif job.status is Status.FAILED:
            await self._show(job, self._cards.failed(job, inputs))
        elif job.status in DONE:
            await self._show_final(job, png, await self._pictures.read(f"{job.id}.gif"), inputs)
        else:
            return
        await self._queue.mark_delivered(job.id)
        await self.answer_changes(job.id)

    async def _show_final(self, job: Job, png: bytes | None, gif: bytes | None, inputs: list[str]) -> None:
        apart = self._adapters[job.address.platform].gif_apart
        full = self._cards.final(job, png, None if apart else gif, inputs)
        less = [replace(full, gif=None)] if full.gif else []
        if not await self._show_first_accepted(job, [full, *less, self._cards.refused(job)]):
            log.error("job %d: the chat accepts neither the picture nor words about it", job.id)
            return
        if apart and gif:
            await self._store.write("put_intent", job=job.id, role="gif", platform=job.address.platform)
            picture = await self._store.row("intent", job=job.id, role="status")
            try:
                await self._show(job, self._cards.gif(job, gif), "gif", answers=picture["message"] if picture else "")
            except Refused as refusal:
                log.warning("job %d: the GIF is refused: %s", job.id, refusal)

    async def _show_first_accepted(self, job: Job, replies: list[Reply]) -> bool:
        """Show the first of these that the platform does not refuse for good; False when it refuses all.

        Raises: AddressGone when not even words may be written there.
        """
        for reply in replies:
            try:
                await self._show(job, reply)
                return True
            except (Refused, AddressGone) as refusal:
                log.warning("job %d: the platform refuses the final message: %s", job.id, refusal)
                if isinstance(refusal, AddressGone) and reply is replies[-1]:
                    raise
        return False


def _line_of(reply: Reply) -> Reply:
    """Its words alone."""
    return replace(reply, stage=Stage.DRAWING, picture=None, gif=None, buttons=())
