"""the asynchronous parent of the engine process: start, feed, watch the heartbeat, restart. Imports no torch."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from engine.errors import EngineDied
from engine.events import Event, Failed, Finished
from engine.process.wire import BEAT, HEADER, pack, unpack
from engine.request import Inputs, Request, UpscaleRequest
from engine.retry import backoff

log = logging.getLogger(__name__)
LONGEST_BACKOFF = 60.0
NO_INPUTS = Inputs()


class EngineProcess:
    """One engine in a process of its own, which draws one picture after the other."""

    def __init__(
        self,
        *,
        draw: str = "engine:draw",
        upscale: str = "engine:upscale",
        beat_seconds: float = 30.0,
        hang_seconds: float = 600.0,
        backoff_seconds: float = 0.5,
        stop_seconds: float = 60.0,
        check: str = "",
        models: str = "",
    ) -> None:
        """Nothing is started yet.

        Args:
            draw, upscale: `module:function`, called in the process.
            beat_seconds: silence after which the process counts as dead, once its models are loaded.
            hang_seconds: time without an Event after which it counts as hung; loading the models counts too.
            backoff_seconds: wait before the first restart; doubles with each death in a row.
            stop_seconds: time that a stopped drawing gets to end its step before the process is killed.
            check: texts, with `|` between them, that each finished picture is compared with; empty for none.
            models: the set that is loaded when the process starts, so that the first picture need not wait for it.
        """
        self._command = (sys.executable, "-m", "engine.process.child", draw, upscale, check, models)
        self._beat_seconds, self._hang_seconds = beat_seconds, hang_seconds
        self._backoff_seconds, self._stop_seconds = backoff_seconds, stop_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._number = 0  # of the newest request
        self._stop_by: float | None = None  # monotonic time by which a stopped drawing must have ended
        self._loaded = False  # the process has sent its first Event; before, large libraries keep it from beating
        self._deaths = 0  # in a row, without an Event in between
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process that runs now, if any."""
        return self._process.pid if self._alive() and self._process else None

    async def start(self) -> None:
        """Start the process if it does not run, after the backoff that its last deaths ask for."""
        if self._alive():
            return
        if self._process is not None:
            self.restarts += 1
            delay = backoff(max(1, self._deaths), first=self._backoff_seconds, longest=LONGEST_BACKOFF)
            log.warning("the engine process ended with %s; restart in %.1f s", self._process.returncode, delay)
            await asyncio.sleep(delay)
        pipe = asyncio.subprocess.PIPE
        self._loaded = False
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, start_new_session=True, limit=1 << 20
        )

    async def events(
        self,
        request: Request | UpscaleRequest,
        resume: bytes | None = None,
        inputs: Inputs = NO_INPUTS,
        parent: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Draw or enlarge, as `engine.draw` and `engine.upscale` do.

        Ends after Finished or Failed, or early and silently after `stop`.

        Leaving the iteration before Finished or Failed kills the process; the next request starts another.

        Raises: EngineDied when the process crashed, hung or was killed.
        """
        await self.start()
        self._number += 1
        self._stop_by = None
        ended = False
        try:
            await self._tell("draw", self._number, request, resume, inputs, parent)
            async for event in self._answers(self._number):
                self._deaths, self._loaded = 0, True
                ended = isinstance(event, Finished | Failed)
                yield event
            ended = True
        finally:
            if not ended:
                await self._kill()

    async def stop(self) -> None:
        """Let the drawing in progress end at its next step; its `events` then end without Finished."""
        if self._alive() and self._stop_by is None:
            self._stop_by = time.monotonic() + self._stop_seconds
            await self._tell("stop", self._number)

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _answers(self, number: int) -> AsyncGenerator[Event, None]:
        last_event = time.monotonic()
        while True:
            answered, message = await self._read()
            now = time.monotonic()
            if answered != number:
                continue
            if message is None:
                return
            if self._stop_by is not None and now > self._stop_by:
                await self._kill()
                return
            if message != BEAT:
                last_event = now
                yield message
            elif now - last_event > self._hang_seconds:
                raise await self._dead(f"no step for {self._hang_seconds:g} s")

    async def _read(self) -> tuple[Any, ...]:
        assert self._process is not None and self._process.stdout is not None
        pipe = self._process.stdout
        patience = self._beat_seconds if self._loaded else self._hang_seconds
        try:
            async with asyncio.timeout(patience):
                (size,) = HEADER.unpack(await pipe.readexactly(HEADER.size))
                return unpack(await pipe.readexactly(size))
        except TimeoutError:
            raise await self._dead(f"no sign of life for {patience:g} s") from None
        except asyncio.IncompleteReadError:
            raise await self._dead("the process ended") from None

    async def _tell(self, *message: object) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(pack(message))
            await self._process.stdin.drain()
        except ConnectionError:  # it died between two pictures, or right now: reading says so next
            pass

    async def _dead(self, why: str) -> EngineDied:
        await self._kill()
        self._deaths += 1
        return EngineDied(f"The engine died while drawing: {why}.")

    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _kill(self) -> None:
        if self._process is None:
            return
        if self._alive():
            with suppress(ProcessLookupError):  # not its own kill(), which reaps a dead process before asyncio can
                os.kill(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
