"""what runs on each GPU of a Ray cluster: an engine process, and a mailbox for what it says. Imports no Ray."""

import asyncio
import importlib
import logging
import os
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineDied
from engine.events import Progress
from engine.process.wire import Died
from engine.request import Inputs, Request, UpscaleRequest

log = logging.getLogger(__name__)
ENGINE = "engine.process.parent:EngineProcess"
GATHER_SECONDS = 0.1  # from the first message until the answer, so that one answer tells of several drawings


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The answer to `Actor.hear`."""

    at_once: int  # pictures that the engine draws at a time with profit
    messages: tuple[tuple[int, int, object], ...]  # (sequence, drawing, Event, Died, or None at its end)


class Actor:
    """One engine, asked by one driver, which numbers its drawings: a drawing that begins again has a new number."""

    def __init__(self, engine: str, options: Mapping[str, Any], patience: float) -> None:
        """Nothing is started yet.

        Args:
            engine: `module:name` of what has the face of `EngineProcess`, made with `options`.
            patience: seconds without a question after which the driver counts as gone.
        """
        self._make, self._options, self._patience = engine, options, patience
        self._box: list[tuple[int, int, object]] = []  # what the driver has not confirmed to have
        self._sequence = 0
        self._stopped: set[int] = set()
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by drawing

    async def begin(self) -> int:
        """Start the engine; the number of the process that runs it."""
        module, _, name = self._make.partition(":")
        self._filled = asyncio.Event()
        self._engine = getattr(importlib.import_module(module), name)(**self._options)
        self._engine.on_change = self._filled.set
        self._asked = time.monotonic()
        self._watching = asyncio.create_task(self._end_when_forgotten())
        await self._engine.start()
        return os.getpid()

    async def draw(
        self,
        number: int,
        request: Request | UpscaleRequest,
        resume: bytes | None,
        inputs: Inputs,
        parent: str | None,
        alone: bool,
    ) -> None:
        """Begin a drawing; `hear` tells of it."""
        drawing = self._draw(number, request, resume, inputs=inputs, parent=parent, alone=alone)
        self._tasks[number] = asyncio.create_task(drawing)

    async def stop(self, number: int) -> None:
        """Let a drawing end at its next step."""
        if number in self._tasks:
            self._stopped.add(number)
            await self._engine.stop(number)

    async def steer(self, number: int, change: int, words: str) -> None:
        """Words for a drawing in progress."""
        await self._engine.steer(number, change, words)

    async def hear(self, after: int, seconds: float) -> Heard:
        """What was said after a message; waits until there is something, or for so long.

        The driver thereby confirms all messages up to `after`; others are told again, should an answer get lost.
        """
        self._asked = time.monotonic()
        self._box = [message for message in self._box if message[0] > after]
        if not self._box:
            self._filled.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._filled.wait()
                    await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                pass
        self._asked = time.monotonic()
        return Heard(at_once=self._engine.at_once, messages=tuple(self._box))

    async def about(self) -> tuple[int, int, int]:
        """(pictures it draws at a time, drawings it has, number of its process), for those who only look."""
        return self._engine.at_once, len(self._tasks), os.getpid()

    async def _draw(self, number: int, request: Request | UpscaleRequest, resume: bytes | None, **given: Any) -> None:
        end: Died | None = None
        try:
            async with aclosing(self._engine.events(request, resume, key=number, **given)) as events:
                async for event in events:
                    if number in self._stopped:
                        await self._engine.stop(number)  # it may have come before there was anything to stop
                    self._say(number, event)
        except EngineDied as death:
            end = Died(why=str(death), lost=False, process=death.process)
        except Exception as fault:
            log.exception("drawing %d: a fault in the actor", number)
            end = Died(why=type(fault).__name__, lost=False, process=0)
        finally:
            del self._tasks[number]
            self._stopped.discard(number)
        self._say(number, end)

    def _say(self, number: int, message: object) -> None:
        """Newer progress replaces what was not told yet."""
        if isinstance(message, Progress):
            self._box = [(k, n, old) for k, n, old in self._box if n != number or not isinstance(old, Progress)]
        self._sequence += 1
        self._box.append((self._sequence, number, message))
        self._filled.set()

    async def _end_when_forgotten(self) -> None:
        """Beyond a broken network this machine's drawings are drawn elsewhere by now."""
        while time.monotonic() < self._asked + self._patience:
            await asyncio.sleep(1.0)
        log.error("nobody has asked for %.0f s: this engine ends", self._patience)
        os._exit(1)
