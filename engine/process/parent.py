"""the asynchronous parent of the engine process: start, feed, watch the heartbeat, restart. Imports no torch."""

import asyncio
import logging
import os
import re
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from engine.errors import EngineDied
from engine.events import Event, Failed, Finished
from engine.process.wire import HEADER, Alive, Died, EngineState, pack, unpack
from engine.request import Inputs, Request, UpscaleRequest
from engine.retry import backoff

log = logging.getLogger(__name__)
OVERSLEPT = 2.0  # seconds by which a timer may be late before we count as having been frozen ourselves
SECRETS = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|INDEX_URL|_PROXY$", re.IGNORECASE)
NO_INPUTS = Inputs()
BATCH = "engine.drawing.batch:Batch"
_WAKE, _DEAD, _STOPS_NOT = "look at the time again", "the process ended", "it does not stop"


@dataclass
class _Stream:
    """What comes for one request."""

    key: Hashable
    began: float  # monotonic time
    heard: float  # likewise, of its last Event, or of the last word that it still waits for others
    stop_by: float | None = None  # monotonic time by which it must have ended
    messages: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)


class EngineProcess:
    """One engine in a process of its own, which draws several pictures at a time."""

    LONGEST_BACKOFF = 60.0  # seconds
    LOST = False  # whether its death is never the fault of what it draws

    def __init__(
        self,
        *,
        draw: str = BATCH,
        upscale: str = "engine:upscale",
        beat_seconds: float = 30.0,
        hang_seconds: float = 600.0,
        backoff_seconds: float = 0.5,
        stop_seconds: float = 20.0,
        check: str = "",
        models: str = "",
        at_once: int = 1,
    ) -> None:
        """Nothing is started yet.

        Args:
            draw, upscale: `module:name`, see `engine.process.child`.
            beat_seconds: silence after which the process counts as dead, once its models are loaded.
            hang_seconds: time without an Event of a drawing after which it counts as hung; loading models counts too.
            backoff_seconds: wait before the first restart; doubles with each death in a row.
            stop_seconds: time that a stopped drawing gets to end its step; then it is not waited for, and the process
                is killed where nothing else is drawn.
            check: texts, with `|` between them, that each finished picture is compared with; empty for none.
            models: the set that is loaded when the process starts, so that the first picture need not wait for it.
            at_once: how many pictures share a step; 0 leaves it to the process, which measures it on a GPU.
        """
        self._command: tuple[str, ...] = (sys.executable, "-m", "engine.process.child", draw, upscale, check, models)
        self._command += (str(at_once),)
        self._beat_seconds, self._hang_seconds = beat_seconds, hang_seconds
        self._backoff_seconds, self._stop_seconds = backoff_seconds, stop_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._starting, self._alone = asyncio.Lock(), asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._streams: dict[int, _Stream] = {}  # by the numbers of the requests that have not ended
        self._number = 0  # of the newest request
        self._heard = 0.0  # monotonic time of the last word of the process
        self._loaded = False  # the process has sent its first Event; before, large libraries keep it from beating
        self._deaths = 0  # in a row, without an Event in between
        self.restarts = 0
        self.at_once = max(1, at_once)  # pictures that it draws at a time with profit, as far as is known
        self.engines: tuple[EngineState, ...] = ()  # those that the process passes drawings on to
        self.on_change: Callable[[], None] = lambda: None  # called when `at_once` has changed

    @property
    def widest(self) -> int:
        """Pictures that it gives up for one that is drawn alone."""
        return self.at_once

    @property
    def pid(self) -> int | None:
        """The process that runs now, if any."""
        return self._process.pid if self._alive() and self._process else None

    async def start(self) -> None:
        """Start the process if it does not run, after the backoff that its last deaths ask for."""
        async with self._starting:
            if not self._alive():
                await self._start()

    async def _start(self) -> None:
        if self._process is not None:
            if self._listening is not None:
                await self._listening  # whoever it drew for has heard of its end
            self.restarts += 1
            delay = backoff(max(1, self._deaths), first=self._backoff_seconds, longest=self.LONGEST_BACKOFF)
            log.warning("the engine process ended with %s; restart in %.1f s", self._process.returncode, delay)
            await asyncio.sleep(delay)
        pipe = asyncio.subprocess.PIPE
        self._loaded = False
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, start_new_session=True, limit=1 << 20, env=self._environment()
        )
        self._listening = asyncio.create_task(self._listen(self._process))

    async def events(
        self,
        request: Request | UpscaleRequest,
        resume: bytes | None = None,
        inputs: Inputs = NO_INPUTS,
        parent: str | None = None,
        *,
        key: Hashable = None,
        alone: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Draw or enlarge, as `engine.draw` and `engine.upscale` do, beside whatever else is drawn.

        One that is to be drawn `alone` waits for others of that kind. Ends after Finished or Failed, or early and
        silently after `stop(key)`. Whoever leaves the iteration before stops the drawing without waiting for it.

        Raises: EngineDied when the process crashed, hung or was killed.
        """
        async with self._turn(alone):
            if not await self._ready(key):
                return
            self._number = number = self._number + 1
            stream = self._streams[number] = _Stream(key, began=time.monotonic(), heard=time.monotonic())
            ended = False
            try:
                await self._tell("draw", number, request, resume, inputs, parent, alone)
                async for event in self._answers(stream):
                    ended = isinstance(event, Finished | Failed)
                    yield event
                ended = True
            finally:
                del self._streams[number]
                if not ended and self._alive():
                    await self._tell("stop", number)

    def _turn(self, alone: bool) -> AbstractAsyncContextManager[None]:
        return self._alone if alone else nullcontext()

    async def _ready(self, key: Hashable) -> bool:
        """Start the process; False where the drawing was stopped before."""
        await self.start()
        return True

    async def stop(self, key: Hashable = None) -> None:
        """Let a drawing in progress end at its next step; its `events` then end without Finished."""
        for number, stream in list(self._streams.items()):
            if stream.key == key and stream.stop_by is None and self._alive():
                stream.stop_by = time.monotonic() + self._stop_seconds
                stream.messages.put_nowait(_WAKE)
                await self._tell("stop", number)

    async def steer(self, key: Hashable, number: int, words: str) -> None:
        """Words for a drawing in progress; its `events` answer with Steered, with the same number.

        Nothing for a drawing that is not there, or has not said Started.
        """
        for stream, asked in list(self._streams.items()):
            if asked.key == key and asked.stop_by is None and self._alive():
                await self._tell("steer", stream, number, words)

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _answers(self, stream: _Stream) -> AsyncGenerator[Event, None]:
        while True:
            by, why = self._deadline(stream)
            try:
                async with asyncio.timeout(max(0.0, by - time.monotonic())):
                    message = await stream.messages.get()
            except TimeoutError:
                await asyncio.sleep(0.1)  # to read what lay in the pipe while we slept
                if time.monotonic() > by + OVERSLEPT:  # we were frozen ourselves, perhaps together with the process
                    self._heard = stream.heard = time.monotonic()
                if self._deadline(stream)[0] > time.monotonic():
                    continue  # something was heard meanwhile
                if why == _STOPS_NOT and len(self._streams) > 1:
                    return  # others are drawn by the same process, whose step may be a long one
                await self._kill()
                if stream.stop_by is not None:
                    return
                raise self._death(why) from None
            if message == _DEAD:
                raise self._death(_DEAD)
            if isinstance(message, Died):
                raise EngineDied(f"The engine died: {message.why}.", process=message.process, lost=message.lost)
            if message is None:
                return
            if message != _WAKE:
                stream.heard = time.monotonic()
                yield message

    def _death(self, why: str) -> EngineDied:
        process = self._process.pid if self._process else 0
        return EngineDied(f"The engine died while drawing: {why}.", process=process, lost=self.LOST)

    def _deadline(self, stream: _Stream) -> tuple[float, str]:
        """The monotonic time at which the process counts as dead if nothing is heard, and why."""
        patience = self._beat_seconds if self._loaded else self._hang_seconds
        times = [
            (max(self._heard, stream.began) + patience, f"no sign of life for {patience:g} s"),
            (stream.heard + self._hang_seconds, f"no step for {self._hang_seconds:g} s"),
        ]
        if stream.stop_by is not None:
            times.append((stream.stop_by, _STOPS_NOT))
        return min(times)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Hand what the process says to whoever it is for; its death is for all."""
        assert process.stdout is not None
        burial = asyncio.create_task(_bury(process))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (size,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
                number, message = unpack(await process.stdout.readexactly(size))
                self._heard = time.monotonic()
                if isinstance(message, Alive):
                    self._note(message)
                elif number in self._streams:
                    if message is not None and not isinstance(message, Died):
                        self._deaths, self._loaded = 0, True
                    self._streams[number].messages.put_nowait(message)
        await process.wait()
        burial.cancel()
        self._deaths += 1
        for stream in self._streams.values():
            stream.messages.put_nowait(_DEAD)
        self._ended()

    def _ended(self) -> None:
        """The process is gone."""

    def _note(self, alive: Alive) -> None:
        for number in alive.waiting:
            if number in self._streams:
                self._streams[number].heard = time.monotonic()
        self.engines = alive.engines
        if alive.at_once != self.at_once:
            log.info("the engine draws %d pictures at a time", alive.at_once)
            self.at_once = alive.at_once
            self._note_change()

    def _note_change(self) -> None:
        self.on_change()

    async def _tell(self, *message: object) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(pack(message))
            await self._process.stdin.drain()
        except ConnectionError:  # it died between two pictures, or right now: listening says so next
            pass

    def _environment(self) -> dict[str, str]:
        return _environment()

    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _kill(self) -> None:
        if self._process is None:
            return
        if self._alive():
            with suppress(ProcessLookupError):  # not its own kill(), which reaps a dead process before asyncio can
                os.killpg(self._process.pid, signal.SIGKILL)  # with whatever it has started
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        if self._listening is not None:
            await asyncio.wait({self._listening})


async def _bury(process: asyncio.subprocess.Process) -> None:
    """Kill what a dead process has started, which would hold its pipe open."""
    while process.returncode is None:
        await asyncio.sleep(1.0)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Ours without what a process that draws has no use for: tokens, passwords, ways to the network."""
    return {name: value for name, value in os.environ.items() if not SECRETS.search(name)}
