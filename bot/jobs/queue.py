"""the fair job queue: put, claim, cancel, finish, requeue; positions and expected waits."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.jobs import estimate
from bot.jobs.job import Draw, Job, Kind, NewJob, QueuePosition, Status, Unreadable, Upscale, Work
from bot.jobs.limits import DAY, Load, admit
from bot.log import event
from bot.messages import Address, Person
from bot.storage.store import Row, Store, Transaction
from engine import BadRequest, Request

log = logging.getLogger(__name__)
UNREADABLE = "failed-unreadable"  # text id
_KINDS, _STATUSES = frozenset(Kind), frozenset(Status)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Measured on recently finished jobs; None before there are any."""

    step: float | None = None  # seconds a step of one picture
    steps: float | None = None  # a drawing, on average
    upscaling: float = 0.0  # seconds; short compared with a drawing

    def of(self, work: Work) -> float | None:
        """Estimated seconds of a job."""
        if isinstance(work, Upscale):
            return self.upscaling
        return self.drawing(work.request.steps, work.request.count)

    def drawing(self, steps: int | None, count: int = 1) -> float | None:
        """Estimated seconds of a drawing of `count` pictures."""
        if self.step is None or self.steps is None:
            return None
        return self.step * (steps or self.steps) * count


class Queue:
    """The job queue in the database, fair between people: in rounds, least recently served first."""

    def __init__(self, store: Store, limits: LimitsConfig, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._incoming: list[tuple[NewJob, asyncio.Future[tuple[Job, bool]]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[dict[int, estimate.Load]] | None = None  # None when outdated
        self.company: Callable[[], estimate.Company] = estimate.Company  # what is drawn now; set by whoever draws
        self.filled = asyncio.Event()  # set when something may be waiting

    async def put(self, new: NewJob) -> tuple[Job, bool]:
        """Store a job; it is on disk when this returns. For a known key: (the existing job, False).

        Jobs that arrive during a commit share the next transaction. Raises UserError over a limit.
        """
        done: asyncio.Future[tuple[Job, bool]] = asyncio.get_running_loop().create_future()
        self._incoming.append((new, done))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._store_incoming())
        return await done

    async def check_limits(self, owner: Person, address: Address) -> None:
        """Raise the UserError that `put` would raise now: for what takes work before there is a job to put."""
        owners = json.dumps([owner.key])
        loads = _loads(await self._store.rows("loads", owners=owners, since=self._clock() - DAY))
        where = _server_of(owner, address)
        found = await self._store.rows("server_loads", servers=json.dumps([where]), since=self._clock() - DAY)
        place = Load(today=found[0]["today"]) if found else Load()
        admit(loads.get(owner.key, Load()), self._limits, owner.queued, place, owner.server_today)

    async def claim(self) -> Job | None:
        """Mark the next job as running and return it; None when the queue is empty."""
        async with self._store.transaction() as transaction:
            next_row = await transaction.rows("next_job", limit=self._limits.running or 1 << 30)
            if not next_row:
                return None
            (row,) = await transaction.rows("claim", job=next_row[0]["id"], now=self._clock())
            await transaction.rows("serve", owner=row["owner"])
        event(log, "running", job=row["id"], waited=round(self._clock() - row["created"], 1))
        self._invalidate_positions()
        return as_job(row)

    async def find(self, job: int) -> Job | None:
        """A job, unless deleted."""
        row = await self._store.row("job", job=job) if 0 < job < 1 << 62 else None
        return as_job(row) if row else None

    async def status(self, job: int) -> Status | None:
        """A job's state, unless deleted."""
        row = await self._store.row("status", job=job)
        return (Status(row["status"]) if row["status"] in _STATUSES else Status.FAILED) if row else None

    async def with_status(self, status: Status) -> list[Job]:
        """All jobs in one state, oldest first."""
        return [as_job(row) for row in await self._store.rows("jobs_with_status", status=status)]

    async def undelivered(self) -> list[Job]:
        """Jobs that have ended but whose chat does not show it yet."""
        return [as_job(row) for row in await self._store.rows("untold")]

    async def newest_drawn_of(self, owner: str, most: int = 1) -> list[Job]:
        """The person's newest jobs that have a picture, newest first."""
        return [as_job(row) for row in await self._store.rows("newest_drawn_of", owner=owner, most=most)]

    async def newest_active_of(self, owner: str) -> Job | None:
        """The newest queued or running job of a person, for `/cancel` without a number."""
        row = await self._store.row("newest_active_of", owner=owner)
        return as_job(row) if row else None

    async def active_of(self, owner: str) -> list[Job]:
        """The queued and running jobs of one person, oldest first."""
        return [as_job(row) for row in await self._store.rows("active_of", owner=owner)]

    async def waiting_of(self, owner: str) -> list[Job]:
        """The queued jobs of one person, oldest first."""
        return [as_job(row) for row in await self._store.rows("waiting_of", owner=owner)]

    async def upscaling_of(self, parent: int, picture: int | None = None) -> Job | None:
        """The existing upscale of a job's picture, unless it failed."""
        row = await self._store.row("upscaling_of", parent=parent, picture=picture or 0)
        return as_job(row) if row else None

    async def first_time(self, key: str) -> bool:
        """Record an update that makes no job; False when it was seen before."""
        return bool(await self._store.write("see", key=key, now=self._clock()))

    async def forget_seen(self, before: float) -> None:
        """Forget old update keys, which are no longer redelivered."""
        await self._store.write("forget_seen", before=before)

    async def mark_started(self, job: int, steps: int) -> None:
        """Record that the drawing has started and its number of steps."""
        await self._store.write("begun", job=job, steps=steps)

    async def count_attempt(self, job: int) -> int:
        """Count an engine crash; returns how many the job has had."""
        (row,) = await self._store.write("count_attempt", job=job)
        return int(row["attempts"])

    async def mark_drawn(
        self, job: int, *, seconds: float, steps: int, width: int, height: int, hidden: bool = False
    ) -> bool:
        """Mark as drawn; False when it was cancelled or deleted meanwhile."""
        values = {"seconds": seconds, "steps": steps, "width": width, "height": height, "hidden": hidden}
        return await self._write_and_invalidate("drawn", job=job, **values)

    async def mark_failed(self, job: int, failure: str) -> bool:
        """Mark as failed; `failure` is the text id of the reason."""
        return await self._write_and_invalidate("failed", job=job, failure=failure)

    async def cancel(self, job: int) -> bool:
        """Cancel a job; True when it was queued or running."""
        return await self._write_and_invalidate("cancel", job=job)

    async def keep_partial(self, job: int, *, width: int, height: int, hidden: bool = False) -> bool:
        """Record the partial picture of a cancelled job."""
        return await self._write_and_invalidate("keep_partial", job=job, width=width, height=height, hidden=hidden)

    async def requeue(self, job: int) -> bool:
        """Put back to the front, to resume from its checkpoint."""
        return await self._write_and_invalidate("requeue", job=job)

    async def requeue_all(self) -> None:
        """At start-up: put back every job that the database says is running."""
        await self._write_and_invalidate("requeue_all")

    async def delete(self, job: int) -> bool:
        """Delete the prompt and hide the job; pictures and messages are removed elsewhere."""
        await self._store.write("drop_checkpoint", job=job)
        return await self._write_and_invalidate("delete_job", job=job)

    async def mark_delivered(self, job: int) -> None:
        """Mark as delivered: the chat shows how the job ended."""
        await self._write_and_invalidate("told", job=job)

    async def move_chat(self, old: Address, new: Address) -> None:
        """A chat has a new id."""
        values = {"platform": old.platform, "chat": old.chat}
        async with self._store.transaction() as transaction:
            await transaction.rows("forget_shown", **values)
            await transaction.rows("move_chat", **values, new=new.chat)
            await transaction.rows("move_bans", old=old.key, new=new.key)
            await transaction.rows("move_pauses", old=old.key, new=new.key)

    async def counts(self) -> dict[Status, int]:
        """Number of jobs in each state."""
        rows = await self._store.rows("counts")
        return {Status(row["status"]): row["jobs"] for row in rows if row["status"] in _STATUSES}

    async def positions(self) -> dict[int, QueuePosition]:
        """The position of every queued job, in order, with the seconds until it starts."""
        if self._waiting is None or self._waiting.cancelled():
            self._waiting = asyncio.create_task(self._measure_waiting())
        waiting = await asyncio.shield(self._waiting)
        waits = estimate.waits(waiting.values(), self.company(), self._limits.running)
        return {job: (number, wait) for number, (job, wait) in enumerate(zip(waiting, waits, strict=True), start=1)}

    async def speed(self) -> Speed:
        """The engine's recent speed."""
        rows = {bool(row["upscaling"]): row for row in await self._store.rows("speeds")}
        drawing, upscaling = rows.get(False), rows.get(True)
        return Speed(
            step=drawing["seconds"] / drawing["single_steps"] if drawing and drawing["single_steps"] else None,
            steps=drawing["steps"] / drawing["jobs"] if drawing else None,
            upscaling=upscaling["seconds"] / upscaling["jobs"] if upscaling else 0.0,
        )

    def _invalidate_positions(self) -> None:
        self._waiting = None
        self.filled.set()

    async def _write_and_invalidate(self, query: str, **values: object) -> bool:
        changed = await self._store.write(query, **values)
        if changed and "job" in values:
            event(log, query, **values)
        self._invalidate_positions()
        return bool(changed)

    async def _measure_waiting(self) -> dict[int, estimate.Load]:
        speed = await self.speed()
        waiting: dict[int, estimate.Load] = {}
        for row in await self._store.rows("waiting"):
            drawing = speed.drawing(row["steps"], row["count"])
            takes, pictures = (speed.upscaling, 1) if row["upscaling"] else (drawing, row["count"])
            waiting[row["id"]] = estimate.Load(owner=row["owner"], pictures=pictures, seconds=takes)
        return waiting

    async def _store_incoming(self) -> None:
        while self._incoming:
            batch, self._incoming = self._incoming, []
            try:
                async with self._store.transaction() as transaction:
                    outcomes = await self._put_batch(transaction, [new for new, _ in batch])
            except Exception as error:  # every caller gets the error; nothing of the batch is stored
                outcomes = [error for _ in batch]
            self._invalidate_positions()
            for (new, done), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, tuple) and outcome[1]:
                    event(log, "queued", job=outcome[0].id, kind=new.kind, prompt=new.work.request.prompt)
                if not done.cancelled():
                    done.set_exception(outcome) if isinstance(outcome, Exception) else done.set_result(outcome)

    async def _put_batch(self, transaction: Transaction, batch: list[NewJob]) -> list[tuple[Job, bool] | Exception]:
        keys = json.dumps([new.key for new in batch])
        known = {row["key"] for row in await transaction.rows("known_keys", keys=keys)}
        loads, places = await self._loads(transaction, batch), await self._server_loads(transaction, batch)
        fresh: dict[str, NewJob] = {}
        refused: dict[str, UserError] = {}
        for new in batch:
            if new.key in known or new.key in fresh or new.key in refused:
                continue
            try:
                load, place = loads.setdefault(new.owner.key, Load()), places.setdefault(_server(new), Load())
                admit(load, self._limits, new.owner.queued, place, new.owner.server_today)
                fresh[new.key] = new
            except UserError as error:
                refused[new.key] = error
        if fresh:
            values = json.dumps([_as_row(new) for new in fresh.values()])
            await transaction.rows("put_people", jobs=values)
            await transaction.rows("put_jobs", jobs=values, now=self._clock())
            await transaction.rows("put_intents", jobs=values)
        rows = await transaction.rows("jobs_by_keys", keys=keys)
        jobs = {row["key"]: as_job(row, fresh.get(row["key"])) for row in rows}
        return [refused.get(new.key) or (jobs[new.key], fresh.pop(new.key, None) is not None) for new in batch]

    async def _loads(self, transaction: Transaction, batch: list[NewJob]) -> dict[str, Load]:
        owners = json.dumps(sorted({new.owner.key for new in batch}))
        rows = await transaction.rows("loads", owners=owners, since=self._clock() - DAY)
        return _loads(rows)

    async def _server_loads(self, transaction: Transaction, batch: list[NewJob]) -> dict[str, Load]:
        servers = json.dumps(sorted({_server(new) for new in batch}))
        rows = await transaction.rows("server_loads", servers=servers, since=self._clock() - DAY)
        return {row["server"]: Load(today=row["today"]) for row in rows}


def _loads(rows: list[Row]) -> dict[str, Load]:
    return {row["owner"]: Load(queued=row["queued"], today=row["today"]) for row in rows}


def _server(new: NewJob) -> str:
    return _server_of(new.owner, new.address)


def _server_of(owner: Person, address: Address) -> str:
    return f"{address.platform}:{owner.server or address.chat}"


def _as_row(new: NewJob) -> dict[str, object]:
    return {
        "key": new.key,
        "owner": new.owner.key,
        "language": new.owner.language,
        "platform": new.address.platform,
        "chat": new.address.chat,
        "thread": new.address.thread,
        "server": _server(new),
        "answers": new.answers,
        "request": new.work.request.to_json(),
        "picture": new.work.picture if isinstance(new.work, Upscale) else None,
        "kind": new.kind,
        "parent": new.parent,
    }


def as_job(row: Row, new: NewJob | None = None) -> Job:
    """A Job from its row, whatever stands there; `new` is what it was made from, where available."""
    known = row["status"] in _STATUSES
    same = ("id", "owner", "language", "answers", "parent", "attempts", "created", "started", "steps", "seconds")
    return Job(
        **{name: row[name] for name in (*same, "width", "height", "key", "steered")},
        address=Address(platform=row["platform"], chat=row["chat"], thread=row["thread"]),
        work=new.work if new else _work_of(row),
        kind=Kind(row["kind"]) if row["kind"] in _KINDS else Kind.IMAGINE,
        status=Status(row["status"]) if known else Status.FAILED,
        failure=row["failure"] if known else UNREADABLE,
        hidden=bool(row["hidden"]),
    )


def _work_of(row: Row) -> Work:
    try:
        request = Request.from_json(row["request"])
        if row["steered"]:
            replace(request, then=row["steered"])  # refused now rather than later
    except BadRequest:
        return Unreadable()
    if row["kind"] not in _KINDS:
        return Unreadable()
    if row["kind"] == Kind.UPSCALE:
        return Upscale(request=request, source=row["parent"], picture=row["picture"])
    return Draw(request=request)
