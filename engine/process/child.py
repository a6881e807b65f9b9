"""the engine process: it reads requests, streams Events and dies with its bot.

`python -m engine.process.child DRAW UPSCALE CHECK MODELS AT_ONCE`: DRAW and UPSCALE are `module:name` of functions
like `engine.draw`, or DRAW of a class like `engine.drawing.batch.Batch`: tests put a scripted engine in a real process.
Each finished picture is compared with the texts of CHECK, if there are any. The set MODELS, if one is named, is loaded
before anybody asks; models stay loaded from one request to the next. AT_ONCE pictures share a step; 0 measures it.
"""

import importlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

from engine.errors import EngineError
from engine.events import Event, Failed, Finished, Progress
from engine.networks.imports import share_processor
from engine.process.streams import Outcome, Streams
from engine.process.wire import BEAT_SECONDS, HEADER, Alive, pack, unpack
from engine.request import Inputs, UpscaleRequest

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 0.2  # between two words of it: quick steps are told together, for each word costs the bot


class Pipes:
    """The other end of the parent's pipes."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests, self._answers = requests, answers
        self._lock = threading.Lock()
        self.stopped: set[int] = set()  # numbers of drawings that are to stop
        self.queue: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()  # None: look at `stopped`
        self.alive: Alive | None = None  # what each beat says, while there is something to draw

    def read(self) -> None:
        """Read in the background."""
        threading.Thread(target=self._read, daemon=True).start()

    def beat(self) -> None:
        """Beat in the background."""
        threading.Thread(target=self._beat, daemon=True).start()

    def answer(self, number: int, message: object) -> None:
        """Send one message; the parent's death ends this process."""
        with self._lock:
            try:
                self._answers.write(pack((number, message)))
                self._answers.flush()
            except OSError:
                os._exit(0)

    def _read(self) -> None:
        while len(header := self._requests.read(HEADER.size)) == HEADER.size:
            kind, number, *rest = unpack(self._requests.read(*HEADER.unpack(header)))
            if kind == "stop":
                self.stopped.add(number)
                self.queue.put(None)
            else:
                self.queue.put((kind, number, *rest))
        os._exit(0)  # the pipe is closed: the bot is gone, even if it was killed, and nobody waits for a picture

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(BEAT_SECONDS):
            if alive := self.alive:
                self.answer(0, alive)


class Server:
    """Takes requests in between two steps, and tells what each step brings."""

    def __init__(self, pipes: Pipes, draws: Any, upscales: Streams, check: str) -> None:
        self._pipes, self._draws, self._upscales, self._check = pipes, draws, upscales, check
        self._asked: dict[int, Any] = {}  # the request of each number that has not ended
        self._told: dict[int, float] = {}  # when its progress was told last
        self._at_once = 0  # as the parent knows it

    def serve(self) -> None:
        """Until the pipe closes."""
        while True:
            self._tell_of_itself()
            self._take_in()
            for steps in (self._draws, self._upscales):
                self._tell(steps.step())

    def _tell_of_itself(self) -> None:
        waiting = tuple(self._draws.waiting)
        alive = Alive(at_once=getattr(self._draws, "widest", 1), waiting=waiting)
        if alive.at_once != self._at_once:
            self._pipes.answer(0, alive)
            self._at_once = alive.at_once
        self._pipes.alive = alive if self._asked else None

    def _take_in(self) -> None:
        """What has come; wait for it where there is nothing else to do."""
        while not self._pipes.queue.empty() or not self._asked:
            if (message := self._pipes.queue.get()) is not None:
                kind, number, *rest = message
                if kind == "steer":
                    self._draws.steer(number, *rest)
                else:
                    self._begin(number, *rest)
            for number in self._pipes.stopped & self._asked.keys():
                self._end(number)

    def _begin(
        self, number: int, request: Any, resume: bytes | None, inputs: Inputs, parent: str | None, alone: bool
    ) -> None:
        self._asked[number] = request
        self._pipes.alive = Alive(at_once=self._at_once)
        if isinstance(request, UpscaleRequest):
            self._upscales.add(number, request, parent=parent)
        else:
            self._draws.add(number, request, resume=resume, inputs=inputs, parent=parent)

    def _tell(self, outcomes: Iterable[tuple[Any, Outcome]]) -> None:
        for number, outcome in outcomes:
            if number in self._pipes.stopped:
                self._end(number)
            elif number in self._asked and not self._too_soon(number, outcome):
                event = outcome if isinstance(outcome, Exception) else self._looked_at(number, outcome)
                self._pipes.answer(number, _failure_of(event) if isinstance(event, Exception) else event)
                if isinstance(event, Exception | Finished | Failed):
                    self._end(number)

    def _too_soon(self, number: int, outcome: Outcome) -> bool:
        """Not every step of quick ones is told."""
        if not isinstance(outcome, Progress):
            return False
        now = time.monotonic()
        if now < self._told.get(number, 0.0) + PROGRESS_SECONDS:
            return True
        self._told[number] = now
        return False

    def _looked_at(self, number: int, event: Event) -> Outcome:
        """A finished picture with its score, if that is wanted."""
        if not self._check or not isinstance(event, Finished):
            return event
        from engine.drawing.scoring import with_score  # with torch, which a scripted engine does without

        try:
            return with_score(event, self._asked[number].models, self._check)
        except EngineError as error:
            return error

    def _end(self, number: int) -> None:
        for steps in (self._draws, self._upscales):
            steps.remove(number)
        del self._asked[number]
        self._told.pop(number, None)
        self._pipes.stopped.discard(number)
        self._pipes.answer(number, None)


def _failure_of(error: Exception) -> Failed:
    if isinstance(error, EngineError):
        return Failed(kind=type(error).__name__, sentence=str(error))
    log.error("a drawing failed", exc_info=error)  # the others go on
    return Failed(kind="EngineError", sentence="The drawing broke off by a fault of the engine; its log tells more.")


def main(arguments: list[str]) -> None:
    """Serve until the pipe closes."""
    pipes = Pipes(*take_pipes())
    _make_way_for_the_bot()
    pipes.read()
    pipes.beat()
    draw, upscale = (_import_object(path) for path in arguments[:2])
    check, models, at_once = arguments[2:]
    if models:
        _prepare(models)
    draws = draw(_at_once(int(at_once), models)) if isinstance(draw, type) else Streams(draw)
    Server(pipes, draws, Streams(upscale), check).serve()


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for ourselves: what a library prints goes to stderr, not among the messages."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return requests, answers


def _make_way_for_the_bot() -> None:
    """Signals are the bot's business, the bot goes first on a busy CPU, and we go first when memory runs out."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(5)
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("500")
    except OSError:
        pass  # not Linux, or not ours to say


def _prepare(models: str) -> None:
    """Load them; what is wrong with them, the first drawing says."""
    share_processor()
    from engine.drawing.models import choose_device, load_models

    with suppress(EngineError, RuntimeError):
        load_models(models, choose_device())


def _at_once(asked: int, models: str) -> int:
    """How many pictures share a step: as the operator says, or as the device does best."""
    if asked:
        return asked
    from engine.drawing.measure import best_width

    with suppress(EngineError, RuntimeError):
        return best_width(models)
    return 1


def _import_object(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


if __name__ == "__main__":
    main(sys.argv[1:])
