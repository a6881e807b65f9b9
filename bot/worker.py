"""claims jobs and feeds the engine: checkpoints, resume after a crash, partial pictures."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from bot.jobs.job import Draw, Job, Status, Upscale
from bot.jobs.queue import Queue
from bot.metrics import RecordMetric
from bot.moderation.verdicts import PictureCheck, Verdict
from bot.storage.pictures import PictureStore
from bot.storage.store import Store
from engine import (
    Checkpoint,
    EngineDied,
    Event,
    Failed,
    Finished,
    Inputs,
    Preview,
    Progress,
    Request,
    Started,
    UpscaleRequest,
    png_size,
)

log = logging.getLogger(__name__)

NO_INPUTS = Inputs()
FAILURES = {  # class name in the engine's errors → id of the sentence
    "NumericalError": "failed-numbers",
    "OutOfMemory": "failed-memory",
    "MissingWeights": "failed-weights",
    "CorruptWeights": "failed-weights",
    "BadRequest": "failed-request",
    "BadPicture": "failed-picture",
}


class Watcher(Protocol):
    """What the worker needs of delivery."""

    def on_start(self, job: Job) -> None: ...
    def on_preview(self, job: Job, preview: Preview, seconds_left: float | None) -> None: ...
    def on_interruption(self, job: Job, *, by_the_bot: bool) -> None: ...
    def on_end(self, job: Job) -> None: ...


class Engine(Protocol):
    """The engine process, as the worker sees it."""

    async def start(self) -> None: ...
    def events(
        self,
        request: Request | UpscaleRequest,
        resume: bytes | None = None,
        inputs: Inputs = NO_INPUTS,
        parent: str | None = None,
    ) -> AsyncGenerator[Event, None]: ...
    async def stop(self) -> None: ...
    async def close(self) -> None: ...


class Paused(Exception):
    """The bot is shutting down and the job has a checkpoint."""


class Worker:
    """Draws jobs with the engine."""

    def __init__(
        self,
        *,
        queue: Queue,
        store: Store,
        pictures: PictureStore,
        engine: Engine,
        watcher: Watcher,
        moved: Callable[[], Awaitable[None]],
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
        self._picture_check = picture_check
        self._job: Job | None = None
        self._preview: bytes | None = None  # newest preview of the running job
        self._left: float | None = None  # seconds left of the running job, at the time …
        self._left_at = 0.0
        self._stopped = False  # the running job was cancelled or deleted
        self._closing = False

    def busy(self) -> float | None:
        """Seconds until the running job is done: 0 without one, None when unknown."""
        if self._job is None or self._left is None:
            return None if self._job else 0.0
        return max(0.0, self._left - (time.monotonic() - self._left_at))

    async def run(self) -> None:
        """Work until `close`."""
        while not self._closing:
            self._queue.filled.clear()
            job = await self._queue.claim()
            if job is None:
                await self._queue.filled.wait()
            else:
                await self._work(job)

    async def stop(self, job: Job) -> None:
        """Stop a cancelled or deleted job's drawing; keep the partial picture if it may be kept."""
        if self._job is not None and self._job.id == job.id:
            self._stopped = True
            await self._engine.stop()
        else:
            await self._keep_partial(job)

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

    async def _work(self, job: Job) -> None:
        self._job, self._preview, self._stopped = job, None, False
        self._note_left((await self._queue.speed()).of(job.work))
        await self._moved()
        try:
            await self._draw(job)
        except (Paused, asyncio.CancelledError) as end:
            await self._queue.requeue(job.id)
            self._watcher.on_interruption(job, by_the_bot=True)
            if isinstance(end, asyncio.CancelledError):
                raise
        except Exception:
            log.exception("job %d: a fault in the bot", job.id)
            await self._fail(job, "failed-engine")
        finally:
            self._job = None

    async def _draw(self, job: Job) -> None:
        """Run the engine until the job has ended, again from the last checkpoint each time the engine dies."""
        while not self._stopped:
            try:
                return await self._conclude(job, await self._run_engine(job))
            except EngineDied as death:
                attempt = await self._queue.count_attempt(job.id)
                log.warning("job %d, death %d of the engine: %s", job.id, attempt, death)
                self._record("engine_restarts", 1)
                if attempt > self._attempts and not self._stopped:
                    return await self._fail(job, "failed-engine")
                self._watcher.on_interruption(job, by_the_bot=False)
        await self._keep_partial(job)

    async def _run_engine(self, job: Job) -> Finished | Failed | None:
        """Draw from the last checkpoint on; None when stopped. Raises EngineDied, Paused."""
        checkpoint = await self._store.row("checkpoint", job=job.id)
        if checkpoint is not None:
            self._preview = checkpoint["preview"]
        if (asked := await self._asked(job)) is None:
            return Failed(kind="BadPicture", sentence="The picture to draw from is gone.")
        request, inputs = asked
        last: tuple[int, float] | None = None  # step and time of the last Progress
        state = checkpoint["state"] if checkpoint else None
        parent = str(job.parent) if job.parent else None
        async with aclosing(self._engine.events(request, state, inputs=inputs, parent=parent)) as events:
            async for event in events:
                if self._stopped:
                    await self._engine.stop()
                elif isinstance(event, Finished | Failed):
                    return event
                elif isinstance(event, Progress):
                    if last is not None:
                        self._record("step_seconds", (time.monotonic() - last[1]) / (event.step - last[0]))
                    last = event.step, time.monotonic()
                    self._note_left(event.seconds_left)
                else:
                    await self._handle(job, event)
        return None

    async def _handle(self, job: Job, event: Event) -> None:
        if isinstance(event, Started):
            await self._queue.mark_started(job.id, event.steps)
            self._watcher.on_start(job)
        elif isinstance(event, Preview):
            unchecked = self._picture_check.unfinished
            if unchecked is Verdict.WITHHOLD:
                event = replace(event, png=b"")
            self._preview = event.png or None
            self._watcher.on_preview(replace(job, hidden=unchecked is Verdict.SPOILER), event, self.busy())
        elif isinstance(event, Checkpoint):
            await self._store.write("put_checkpoint", job=job.id, state=event.state, preview=self._preview)
            if self._closing:
                raise Paused

    async def _conclude(self, job: Job, outcome: Finished | Failed | None) -> None:
        if outcome is None:
            await self._keep_partial(job)
        elif isinstance(outcome, Finished):
            await self._finish(job, outcome)
        elif outcome.kind == "BadCheckpoint":  # the models have changed meanwhile: start over
            await self._store.write("drop_checkpoint", job=job.id)
            raise EngineDied(outcome.sentence)
        else:
            log.warning("job %d failed: %s: %s", job.id, outcome.kind, outcome.sentence)
            await self._fail(job, FAILURES.get(outcome.kind, "failed-engine"))

    async def _finish(self, job: Job, finished: Finished) -> None:
        """Save files before the row: a drawn job always has its picture."""
        verdict = self._picture_check.of(job.id, finished.score)
        if verdict is Verdict.WITHHOLD:
            return await self._fail(job, "failed-withheld")
        hidden = verdict is Verdict.SPOILER or await self._source_hidden(job)
        try:
            await self._pictures.save(f"{job.id}.png", finished.png)
            for number, png in enumerate(finished.pictures, 1):
                await self._pictures.save(f"{job.id}.{number}.png", png)
            if finished.gif:
                await self._pictures.save(f"{job.id}.gif", finished.gif)
        except OSError as error:
            log.error("job %d: the picture cannot be stored: %s", job.id, error)
            return await self._fail(job, "failed-disk")
        size = {"width": finished.width, "height": finished.height}
        if await self._queue.mark_drawn(job.id, seconds=finished.seconds, steps=finished.steps, **size, hidden=hidden):
            await self._store.write("drop_checkpoint", job=job.id)
            self._watcher.on_end(job)
        else:  # cancelled or deleted at the last moment
            self._preview = finished.png
            await self._keep_partial(job)

    async def _fail(self, job: Job, failure: str) -> None:
        if await self._queue.mark_failed(job.id, failure):
            await self._store.write("drop_checkpoint", job=job.id)
            self._watcher.on_end(job)
        else:
            await self._keep_partial(job)

    async def _keep_partial(self, job: Job) -> None:
        await self._save_partial(job)
        self._watcher.on_end(job)

    async def _save_partial(self, job: Job) -> None:
        """Save the newest preview as the picture of a cancelled job, unless it was deleted."""
        running = self._job is not None and self._job.id == job.id
        checkpoint = await self._store.row("checkpoint", job=job.id)
        preview = self._preview if running else checkpoint["preview"] if checkpoint else None
        if preview:
            await self._pictures.save(f"{job.id}.png", preview)
            width, height = png_size(preview)
            hidden = self._picture_check.unfinished is Verdict.SPOILER
            if not await self._queue.keep_partial(job.id, width=width, height=height, hidden=hidden):
                await self._pictures.remove(job.id)
        await self._store.write("drop_checkpoint", job=job.id)

    async def _asked(self, job: Job) -> tuple[Request | UpscaleRequest, Inputs] | None:
        """The engine's request; None when a picture it needs is gone."""
        match job.work:
            case Draw(request=request):
                inputs = await self._inputs(job)
                return None if request.init is not None and inputs.init is None else (request, inputs)
            case Upscale(request=request, source=source, picture=picture):
                png = await self._pictures.read(f"{source}.{picture}.png" if picture else f"{source}.png")
                return (UpscaleRequest(png=png, models=request.models), NO_INPUTS) if png else None

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

    def _note_left(self, seconds: float | None) -> None:
        self._left, self._left_at = seconds, time.monotonic()
