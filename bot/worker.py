"""claims jobs and feeds the engine: checkpoints, resume after a crash, partial pictures."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from bot.errors import NotStored
from bot.jobs.changes import Changes
from bot.jobs.estimate import Company, Load
from bot.jobs.job import Draw, Job, Status, Unreadable, Upscale
from bot.jobs.queue import Queue
from bot.jobs.rows import UNREADABLE
from bot.metrics import RecordMetric
from bot.moderation.verdicts import PictureCheck, Verdict
from bot.storage.pictures import PictureStore
from bot.storage.store import FIRST_PAUSE, LONGEST_PAUSE, Store, outlast
from engine import (
    Checkpoint,
    EngineDied,
    EngineState,
    Event,
    Failed,
    Finished,
    Inputs,
    Preview,
    Progress,
    Request,
    Started,
    Steered,
    UpscaleRequest,
    backoff,
    png_size,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
NO_INPUTS = Inputs()
MOST_LOSSES = 20  # of machines that one job survives without a checkpoint in between
FAILURES = {  # class name in the engine's errors → id of the sentence
    "NumericalError": "failed-numbers",
    "OutOfMemory": "failed-memory",
    "MissingWeights": "failed-weights",
    "CorruptWeights": "failed-weights",
    "BadRequest": "failed-request",
    "BadPicture": "failed-picture",
    "Unreadable": UNREADABLE,
}


class Watcher(Protocol):
    """What the worker needs of delivery."""

    def on_start(self, job: Job, seconds_left: float | None) -> None: ...
    def on_preview(self, job: Job, preview: Preview, seconds_left: float | None) -> None: ...
    def on_interruption(self, job: Job, *, by_the_bot: bool) -> None: ...
    def on_end(self, job: Job) -> None: ...
    async def answer_changes(self, job: int) -> None: ...


class Engine(Protocol):
    """The engine process, or all engines of a cluster, as the worker sees it."""

    at_once: int  # pictures that it draws at a time with profit; 0 while no engine can be reached
    engines: tuple[EngineState, ...]  # those of a cluster
    on_change: Callable[[], None]  # called when `at_once` has changed

    @property
    def widest(self) -> int: ...  # pictures that it gives up for one that is drawn alone
    async def start(self) -> None: ...
    def events(
        self,
        request: Request | UpscaleRequest,
        resume: bytes | None = None,
        inputs: Inputs = NO_INPUTS,
        parent: str | None = None,
        *,
        key: Hashable = None,
        alone: bool = False,
    ) -> AsyncGenerator[Event, None]: ...
    async def stop(self, key: Hashable = None) -> None: ...
    async def steer(self, key: Hashable, number: int, words: str) -> None: ...
    async def close(self) -> None: ...


@dataclass
class Running:
    """A job that the engine has."""

    job: Job
    preview: bytes | None = None  # the newest
    expected: float | None = None  # seconds from its beginning to its end
    left: float | None = None  # seconds that it still took, at the time …
    left_at: float = 0.0
    stopped: bool = False  # it was cancelled or deleted
    deaths: int = 0  # of the engine while it was drawn
    losses: int = 0  # of the machine that drew it, in a row
    begun: bool = False  # the engine has begun, and listens to changes
    said: set[int] = field(default_factory=set)  # ids of the changes that it was told
    answered: list[Steered] = field(default_factory=list)  # what it has answered since the last checkpoint

    def note_left(self, seconds: float | None) -> None:
        self.left, self.left_at = seconds, time.monotonic()

    def seconds_left(self) -> float | None:
        """None when nobody knows."""
        return None if self.left is None else max(0.0, self.left - (time.monotonic() - self.left_at))


class Paused(Exception):
    """The bot is shutting down and the job has a checkpoint."""


class Worker:
    """Draws jobs with the engine, as many at a time as it can take."""

    def __init__(
        self,
        *,
        queue: Queue,
        store: Store,
        pictures: PictureStore,
        engine: Engine,
        watcher: Watcher,
        moved: Callable[[], Coroutine[Any, Any, None]],
        attempts: int,
        record: RecordMetric,
        picture_check: PictureCheck,
    ) -> None:
        """Claims nothing yet.

        Args:
            moved: called when a job has left the queue.
            attempts: engine restarts allowed per job.
            picture_check: says which pictures may be shown.
        """
        self._queue, self._store, self._pictures, self._engine = queue, store, pictures, engine
        self._watcher, self._moved, self._attempts, self._record = watcher, moved, attempts, record
        self._picture_check, self._changes = picture_check, Changes(store)
        self._running: dict[int, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_death = 0  # number of the engine process that died last
        self._unclaimed = 0  # claims in a row that could not be stored
        self._closing = False
        self._reachable = engine.at_once > 0  # as the messages say
        engine.on_change = self._on_engine_change

    def company(self) -> Company:
        """What is drawn now."""
        running = [
            Load(owner=each.job.account, pictures=each.job.pictures, seconds=each.seconds_left())
            for each in self._running.values()
        ]
        return Company(running=running, at_once=self._engine.at_once)

    def _on_engine_change(self) -> None:
        self._queue.filled.set()
        if (self._engine.at_once > 0) != self._reachable:
            self._reachable = not self._reachable
            self._tasks.add(asyncio.create_task(self._moved()))

    async def run(self) -> None:
        """Work until `close`; a database or a disk that takes nothing is waited for."""
        try:
            while not self._closing:
                self._queue.filled.clear()
                job = await self._claim() if self._has_room() else None
                if job is None:
                    await self._queue.filled.wait()
                else:
                    self._begin(job)
                self._raise_faults()
            if self._tasks:
                await asyncio.wait(self._tasks)
            self._raise_faults()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _claim(self) -> Job | None:
        try:
            job = await self._queue.claim()
        except NotStored as error:
            self._unclaimed += 1
            if self._unclaimed == 1:
                log.warning("the queue waits: %s", error)
            pause = backoff(self._unclaimed, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
            asyncio.get_running_loop().call_later(pause, self._queue.filled.set)
            return None
        self._unclaimed = 0
        return job

    def _has_room(self) -> bool:
        """A job that may be what the engine dies of takes up a whole engine."""
        widest = self._engine.widest
        pictures = (max(each.job.pictures, widest * self._suspected(each)) for each in self._running.values())
        return sum(pictures) < self._engine.at_once

    def _begin(self, job: Job) -> None:
        running = self._running[job.id] = Running(job, deaths=job.attempts)
        task = asyncio.create_task(self._work(running))
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._queue.filled.set())  # there is room for another

    def _raise_faults(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.remove(task)
            task.result()

    def _suspected(self, running: Running) -> bool:
        """It was there each time that the engine died, as others may have been: from now on it is drawn alone."""
        return running.deaths >= max(1, min(2, self._attempts))

    async def stop(self, job: Job) -> None:
        """Stop a cancelled or deleted job's drawing; keep the partial picture if it may be kept."""
        if (running := self._running.get(job.id)) is not None:
            running.stopped = True
            await self._engine.stop(job.id)
        else:
            await self._keep_partial(job)

    async def steer(self, job: int) -> None:
        """Words were stored for a job: if it is drawn now, the engine hears them, else when it begins."""
        if (running := self._running.get(job)) is not None and running.begun:
            await self._pass_on(running)

    async def tidy(self) -> None:
        """After a restart: requeue running jobs and finish interrupted cancellations."""
        await self._queue.requeue_all()
        for job in await self._queue.undelivered():
            if job.status is Status.CANCELLED and not job.partial:
                await self._save_partial(job)

    def close(self) -> None:
        """Stop at the next checkpoint; cancel `run` if that takes too long."""
        self._closing = True
        self._queue.filled.set()

    async def _work(self, running: Running) -> None:
        job = running.job
        try:
            running.expected = await self._queue.expected_seconds(job)
            running.note_left(running.expected)
            await self._moved()
            await self._draw(running)
        except (Paused, asyncio.CancelledError) as end:
            with suppress(NotStored):  # else the next start does it
                await self._queue.requeue(job.id)
            self._watcher.on_interruption(running.job, by_the_bot=True)
            if isinstance(end, asyncio.CancelledError):
                raise
        except Exception:
            log.exception("job %d: a fault in the bot", job.id)
            await self._fail(job, "failed-engine")
        finally:
            del self._running[job.id]

    async def _draw(self, running: Running) -> None:
        """Run the engine until the job has ended, again from the last checkpoint each time the engine dies."""
        job = running.job
        while not running.stopped:
            try:
                return await self._conclude(running, await self._run_engine(running))
            except EngineDied as death:
                if not await self._count_death(running, death) and not running.stopped:
                    return await self._fail(job, "failed-engine")
                self._watcher.on_interruption(running.job, by_the_bot=False)
        await self._keep_partial(job)

    async def _count_death(self, running: Running, death: EngineDied) -> bool:
        """Whether the job may go on."""
        job = running.job
        if death.lost:
            running.losses += 1
        else:
            running.deaths = await self._keep(job, lambda: self._queue.count_attempt(job.id))
        log.warning("job %d, death %d of its engine: %s", job.id, running.deaths + running.losses, death)
        if not death.process or death.process != self._last_death:
            self._record("engine_restarts", 1)
        self._last_death = death.process
        return running.deaths <= self._attempts and running.losses <= MOST_LOSSES

    async def _run_engine(self, running: Running) -> Finished | Failed | None:
        """Draw from the last checkpoint on; None when stopped. Raises EngineDied, Paused."""
        job = running.job
        running.begun, running.said, running.answered = False, set(), []
        checkpoint = await self._keep(job, lambda: self._store.row("checkpoint", job=job.id))
        if checkpoint is not None:
            running.preview = checkpoint["preview"]
        if isinstance(job.work, Unreadable):
            return Failed(kind="Unreadable", sentence="This version cannot read what was asked for.")
        if (asked := await self._load_request(job)) is None:
            return Failed(kind="BadPicture", sentence="The picture to draw from is gone.")
        request, inputs = asked
        last: tuple[int, float] | None = None  # step and time of the last Progress that came further
        state = checkpoint["state"] if checkpoint else None
        parent = str(job.parent) if job.parent else None
        alone = self._suspected(running)
        stream = self._engine.events(request, state, inputs=inputs, parent=parent, key=job.id, alone=alone)
        async with aclosing(stream) as events:
            async for event in events:
                if running.stopped:
                    await self._engine.stop(job.id)
                elif isinstance(event, Finished | Failed):
                    return event
                elif isinstance(event, Progress):
                    last = self._measure_step(event, last)
                    running.note_left(event.seconds_left)
                else:
                    await self._handle(running, event)
        if not running.stopped:
            raise EngineDied("The engine died while drawing: it ended without a picture.")
        return None

    def _measure_step(self, event: Progress, last: tuple[int, float] | None) -> tuple[int, float]:
        """The duration of a step; an adaptive sampler may take several that come no further than one."""
        now = time.monotonic()
        if last is None:
            return event.step, now
        if event.step <= last[0]:
            return last
        self._record("step_seconds", (now - last[1]) / (event.step - last[0]))
        return event.step, now

    async def _handle(self, running: Running, event: Event) -> None:
        job = running.job
        if isinstance(event, Started):
            left = running.expected and running.expected * (1 - event.first_step / event.steps)
            running.note_left(left)
            self._watcher.on_start(job, left)
            with suppress(NotStored):  # only estimates need it
                await self._queue.mark_started(job.id, event.steps)
            running.begun = True
            await self._pass_on(running)
        elif isinstance(event, Preview):
            unchecked = self._picture_check.unfinished
            if unchecked is Verdict.WITHHOLD:
                event = replace(event, png=b"")
            running.preview = event.png or None
            shown = replace(job, hidden=unchecked is Verdict.SPOILER)
            self._watcher.on_preview(shown, event, running.seconds_left())
        elif isinstance(event, Steered):
            running.answered.append(event)
        elif isinstance(event, Checkpoint):
            await self._keep_checkpoint(running, event)
            running.losses = 0
            if self._closing:
                raise Paused

    async def _pass_on(self, running: Running) -> None:
        """Tell the engine what was said to the drawing and what it has not heard."""
        for number, words in await self._keep(running.job, lambda: self._changes.to_pass_on(running.job.id)):
            if number not in running.said:
                running.said.add(number)
                await self._engine.steer(running.job.id, number, words)

    async def _keep_checkpoint(self, running: Running, checkpoint: Checkpoint) -> None:
        """Store it with the changes that hold in it, so that they hold from the same step after a death."""
        job, answers = running.job.id, list(running.answered)
        try:
            if not answers:
                await self._store.write("put_checkpoint", job=job, state=checkpoint.state, preview=running.preview)
                return
            await self._changes.settle(job, answers, checkpoint, running.preview)
        except NotStored as error:  # the drawing goes on; after a restart it would do so from an earlier one
            return log.warning("job %d: a checkpoint is lost: %s", job, error)
        running.answered = running.answered[len(answers) :]
        running.job = replace(running.job, steered=answers[-1].then)
        await self._watcher.answer_changes(job)

    async def _conclude(self, running: Running, outcome: Finished | Failed | None) -> None:
        job = running.job
        if outcome is None:
            await self._keep_partial(job)
        elif isinstance(outcome, Finished):
            await self._finish(running, outcome)
        elif outcome.kind == "BadCheckpoint":  # the models have changed meanwhile: start over
            await self._keep(job, lambda: self._changes.start_over(job.id))
            running.job = await self._queue.find(job.id) or job
            raise EngineDied(outcome.sentence)
        else:
            log.warning("job %d failed: %s: %s", job.id, outcome.kind, outcome.sentence)
            await self._fail(job, FAILURES.get(outcome.kind, "failed-engine"))

    async def _finish(self, running: Running, finished: Finished) -> None:
        """Save files before the row: a drawn job always has its picture."""
        job = running.job
        verdict = self._picture_check.of(job.id, finished.score)
        if verdict is Verdict.WITHHOLD:
            return await self._fail(job, "failed-withheld")
        hidden = verdict is Verdict.SPOILER or await self._source_hidden(job)
        files = {f"{job.id}.{number}.png": png for number, png in enumerate(finished.pictures, 1)}
        files |= {f"{job.id}.png": finished.png} | ({f"{job.id}.gif": finished.gif} if finished.gif else {})
        try:
            for name, content in files.items():
                await self._keep(job, partial(self._pictures.save, name, content))
        except OSError as error:
            log.error("job %d: the picture cannot be stored: %s", job.id, error)
            return await self._fail(job, "failed-disk")

        def mark_drawn() -> Awaitable[bool]:
            size = {"width": finished.width, "height": finished.height}
            return self._queue.mark_drawn(job.id, seconds=finished.seconds, steps=finished.steps, **size, hidden=hidden)

        if await self._keep(job, mark_drawn):
            await self._drop_checkpoint(job)
            self._watcher.on_end(job)
        else:  # cancelled or deleted at the last moment
            running.preview = finished.png
            await self._keep_partial(job)

    async def _fail(self, job: Job, failure: str) -> None:
        if await self._keep(job, lambda: self._queue.mark_failed(job.id, failure)):
            await self._drop_checkpoint(job)
            self._watcher.on_end(job)
        else:
            await self._keep_partial(job)

    async def _keep_partial(self, job: Job) -> None:
        try:
            await self._save_partial(job)
        except (NotStored, OSError) as error:
            log.warning("job %d: what was drawn of it is lost: %s", job.id, error)
        self._watcher.on_end(job)

    async def _save_partial(self, job: Job) -> None:
        """Save the newest preview as the picture of a cancelled job, unless it was deleted."""
        running = self._running.get(job.id)
        checkpoint = await self._store.row("checkpoint", job=job.id)
        preview = running.preview if running else checkpoint["preview"] if checkpoint else None
        if preview:
            await self._pictures.save(f"{job.id}.png", preview)
            width, height = png_size(preview)
            hidden = self._picture_check.unfinished is Verdict.SPOILER
            if not await self._queue.keep_partial(job.id, width=width, height=height, hidden=hidden):
                await self._pictures.remove(job.id)
        await self._store.write("drop_checkpoint", job=job.id)

    async def _drop_checkpoint(self, job: Job) -> None:
        await self._keep(job, lambda: self._store.write("drop_checkpoint", job=job.id))

    async def _keep(self, job: Job, write: Callable[[], Awaitable[T]]) -> T:
        """What comes of a job is not lost to a full disk or a locked database."""
        return await outlast(write, f"job {job.id}")

    async def _load_request(self, job: Job) -> tuple[Request | UpscaleRequest, Inputs] | None:
        """The engine's request; None when a picture it needs is gone."""
        match job.work:
            case Draw(request=request):
                inputs = await self._inputs(job)
                return None if request.init is not None and inputs.init is None else (request, inputs)
            case Upscale(request=request, source=source, picture=picture):
                png = await self._pictures.read(f"{source}.{picture}.png" if picture else f"{source}.png")
                return (UpscaleRequest(png=png, models=request.models), NO_INPUTS) if png else None
            case Unreadable():
                return None

    async def _inputs(self, job: Job) -> Inputs:
        """The job's inputs; stored under the update's key if the bot died before the job had a number."""
        await self._pictures.adopt(job.key, job.id)
        found = await self._pictures.inputs(job.id)
        init = found.pop("init", None)
        return Inputs(init=init, targets=tuple((png, 1.0) for png in found.values()))

    async def _source_hidden(self, job: Job) -> bool:
        """An upscale of a hidden picture is hidden too."""
        source = await self._queue.find(job.work.source) if isinstance(job.work, Upscale) else None
        return source is not None and source.hidden
