"""the fair job queue: put, claim, cancel, finish, requeue; positions and expected waits."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.jobs import estimate
from bot.jobs.cost import check_cost, cost_of, weight_of
from bot.jobs.job import Job, NewJob, QueuePosition, Status, Upscale, Work
from bot.jobs.limits import DAY, Load, admit
from bot.jobs.rows import as_job, as_row, as_status, server_of
from bot.log import event
from bot.messages import Address, Person
from bot.storage.store import Row, Store, Transaction
from engine import Request

log = logging.getLogger(__name__)
LONG = 1000  # jobs in a queue whose positions are not worked out anew each time that it moves
SECONDS_A_PLACE = 0.00012  # that they hold for each job: ten times what it takes, see docs/scaling.md


Usual = Callable[[str], float | None]  # model set → seconds of a normal drawing, as far as they are known


def unknown(models: str) -> None:
    """Of the engines of other machines nothing is known here."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Measured on recently finished jobs: seconds of the work of a normal drawing, by model set."""

    drawing: Mapping[str, float] = field(default_factory=dict)
    upscaling: Mapping[str, float] = field(default_factory=dict)
    usual: Usual = field(default=unknown, compare=False)  # of a set with which nothing was drawn lately

    def seconds(self, cost: float, models: str, *, upscaling: bool) -> float | None:
        """Estimated seconds of a job; an upscale of unknown speed is short compared with a drawing."""
        pace = self.upscaling.get(models, 0.0) if upscaling else self.drawing.get(models) or self.usual(models)
        return None if pace is None else pace * cost


class Queue:
    """The job queue in the database, fair between people: in rounds, least recently served first."""

    def __init__(
        self, store: Store, limits: LimitsConfig, clock: Callable[[], float] = time.time, usual: Usual = unknown
    ) -> None:
        """`usual`: what a normal drawing takes with a model set that has drawn nothing lately."""
        self._store, self._usual = store, usual
        self._limits = limits
        self._clock = clock
        self._incoming: list[tuple[NewJob, asyncio.Future[tuple[Job, bool]]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._salt = ""  # of the database
        self._waiting: asyncio.Task[dict[int, estimate.Load]] | None = None  # None when outdated
        self._placing = asyncio.Lock()  # held while positions are worked out
        self._places: dict[int, QueuePosition] = {}  # of a long queue
        self._places_hold_until = 0.0  # monotonic time
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

    async def check_limits(self, owner: Person, address: Address, work: Work | None = None) -> None:
        """Raise the UserError that `put` would raise now: for what takes effort before there is a job to put."""
        if work is not None:
            check_cost(work, self._limits.per_job)
        where = server_of(owner, address)
        loads, places = await self._loads(self._store, {owner.counted}, {where})
        admit(loads[owner.counted], self._limits, owner, places[where])

    async def claim(self) -> Job | None:
        """Mark the next job as running and return it; None when the queue is empty."""
        async with self._store.transaction() as transaction:
            next_row = await transaction.rows("next_job", limit=self._limits.running or 1 << 30)
            if not next_row:
                return None
            (row,) = await transaction.rows("claim", job=next_row[0]["id"], now=self._clock())
            if next_row[0]["started"] is None:
                await transaction.rows("serve", account=row["account"], cost=row["cost"])
                await transaction.rows("next_turn", turn=next_row[0]["turn"])
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
        return as_status(row["status"]) if row else None

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

    async def active_of(self, account: str) -> list[Job]:
        """The queued and running jobs of one person or browser (Person.counted), oldest first."""
        return [as_job(row) for row in await self._store.rows("active_of", account=account)]

    async def account_of(self, owner: str) -> str:
        """Person.counted of a person, as of their newest job; the person where there is none."""
        row = await self._store.row("account_of", owner=owner)
        return str(row["account"]) if row else owner

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
        """At start-up: put back every job that the database says is running; mend rows whose numbers are none."""
        await self._store.write("mend_jobs", now=self._clock())
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
        return {Status(row["status"]): row["jobs"] for row in rows if row["status"] in frozenset(Status)}

    async def positions(self) -> dict[int, QueuePosition]:
        """The position of every queued job, in order, with the seconds until it starts.

        In a long queue they hold for a while, so that working them out takes no more than a tenth of the time.
        """
        async with self._placing:
            if time.monotonic() >= self._places_hold_until:
                self._places = await self._work_out_positions()
                if len(self._places) >= LONG:
                    self._places_hold_until = time.monotonic() + SECONDS_A_PLACE * len(self._places)
            return self._places

    async def position(self, job: int) -> QueuePosition | None:
        """Of one job; None when it is not queued. Waits until the positions of a long queue know of it."""
        places = await self.positions()
        if job not in places and await self.status(job) is Status.QUEUED:
            await asyncio.sleep(max(0.0, self._places_hold_until - time.monotonic()))
            places = await self.positions()
        return places.get(job)

    async def _work_out_positions(self) -> dict[int, QueuePosition]:
        if self._waiting is None or self._waiting.cancelled():
            self._waiting = asyncio.create_task(self._measure_waiting())
        waiting = await asyncio.shield(self._waiting)
        waits = estimate.waits(waiting.values(), self.company(), self._limits.running)
        return {job: (number, wait) for number, (job, wait) in enumerate(zip(waiting, waits, strict=True), start=1)}

    async def speed(self) -> Speed:
        """The engine's recent speed."""
        paces: tuple[dict[str, float], dict[str, float]] = {}, {}
        for row in await self._store.rows("speeds"):
            if row["cost"]:
                paces[row["upscaling"]][row["models"] or Request.models] = row["seconds"] / row["cost"]
        return Speed(drawing=paces[False], upscaling=paces[True], usual=self._usual)

    async def expected_seconds(self, job: Job) -> float | None:
        """What a job takes from its beginning, by the engine's recent speed; None when that is not known."""
        upscaling = isinstance(job.work, Upscale)
        return (await self.speed()).seconds(job.cost, job.request.models, upscaling=upscaling)

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
            seconds = speed.seconds(row["cost"], row["models"] or Request.models, upscaling=row["upscaling"])
            pictures = 1 if row["upscaling"] else row["count"]
            waiting[row["id"]] = estimate.Load(owner=row["account"], pictures=pictures, seconds=seconds)
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
        accounts, servers = {new.owner.counted for new in batch}, {server_of(new.owner, new.address) for new in batch}
        loads, places = await self._loads(transaction, accounts, servers)
        fresh: dict[str, NewJob] = {}
        refused: dict[str, UserError] = {}
        for new in batch:
            if new.key in known or new.key in fresh or new.key in refused:
                continue
            try:
                check_cost(new.work, self._limits.per_job)
                load, place = loads[new.owner.counted], places[server_of(new.owner, new.address)]
                admit(load, self._limits, new.owner, place, weight_of(cost_of(new.work)))
                fresh[new.key] = new
            except UserError as error:
                refused[new.key] = error
        if fresh:
            values = json.dumps(
                [as_row(new, await self.hash_of("person", new.owner.counted)) for new in fresh.values()]
            )
            await transaction.rows("put_people", jobs=values)
            await transaction.rows("put_jobs", jobs=values, now=self._clock())
            await transaction.rows("put_intents", jobs=values)
        rows = await transaction.rows("jobs_by_keys", keys=keys)
        jobs = {row["key"]: as_job(row, fresh.get(row["key"])) for row in rows}
        return [refused.get(new.key) or (jobs[new.key], fresh.pop(new.key, None) is not None) for new in batch]

    async def _loads(
        self, reader: Store | Transaction, accounts: set[str], servers: set[str]
    ) -> tuple[dict[str, Load], dict[str, Load]]:
        """What each has used, those who have been forgotten since included."""
        loads, places, since = {who: Load() for who in accounts}, {who: Load() for who in servers}, self._clock() - DAY
        for row in await reader.rows("loads", accounts=json.dumps(list(accounts)), since=since):
            loads[row["who"]] = Load(queued=row["queued"], today=row["today"])
        for row in await reader.rows("server_loads", servers=json.dumps(list(servers)), since=since):
            places[row["who"]] = Load(queued=row["queued"], today=row["today"])
        hashes = {await self.hash_of("person", who): load for who, load in loads.items()}
        hashes |= {await self.hash_of("server", who): load for who, load in places.items()}
        for row in await reader.rows("spent", hashes=json.dumps(list(hashes)), since=since):
            hashes[row["who"]].today += row["today"]
        return loads, places

    async def keep_spent(self, transaction: Transaction, rows: list[Row]) -> None:
        """Before jobs are erased: what they took of the limits of the last 24 hours, without names."""
        used = [
            {"job": row["id"], "who": await self.hash_of(kind, row[name])}
            for row in rows
            for kind, name in (("person", "account"), ("server", "server"))
        ]
        await transaction.rows("keep_spent", used=json.dumps(used), since=self._clock() - DAY)

    async def forget_spent(self) -> None:
        """What is older than the limits look back."""
        await self._store.write("forget_spent", before=self._clock() - DAY)

    async def hash_of(self, kind: str, who: str) -> str:
        """What stands for a person or a server where they may not be named."""
        if not self._salt:
            row = await self._store.row("turns")
            self._salt = str(row["salt"]) if row else ""
        return hashlib.sha256(f"{self._salt} {kind} {who}".encode("utf-8", "surrogatepass")).hexdigest()
