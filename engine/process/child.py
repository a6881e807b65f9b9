"""the engine process: it reads requests, streams Events and dies with its bot.

`python -m engine.process.child DRAW UPSCALE CHECK MODELS`: DRAW and UPSCALE are `module:function`: tests put a
scripted engine in a real process. Each finished picture is compared with the texts of CHECK, if there are any. The set
MODELS, if one is named, is loaded before anybody asks; models stay loaded from one request to the next.
"""

import importlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from engine.errors import EngineError
from engine.events import Event, Failed, Progress
from engine.networks.imports import share_processor
from engine.process.wire import BEAT, BEAT_SECONDS, HEADER, pack, unpack
from engine.request import UpscaleRequest

PROGRESS_SECONDS = 0.2  # between two words of it: quick steps are told together, for each word costs the bot


class Feeder:
    """The other end of the pipes."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests, self._answers = requests, answers
        self._lock = threading.Lock()
        self._stopped = 0  # requests are numbered upwards: all up to this one are to stop
        self._drawing = 0
        self.queue: queue.Queue[tuple[Any, ...]] = queue.Queue()

    def start(self) -> None:
        """Read and beat in the background."""
        for loop in (self._read, self._beat):
            threading.Thread(target=loop, daemon=True).start()

    def answer(self, number: int, message: object) -> None:
        """Send one message; the parent's death ends this process."""
        with self._lock:
            try:
                self._answers.write(pack((number, message)))
                self._answers.flush()
            except OSError:
                os._exit(0)

    def stream(self, number: int, events: Iterator[Event], look: Callable[[Event], Event] | None = None) -> None:
        """Send what comes, as `look` gives it on, until it ends, fails or is stopped; not every step of quick ones."""
        self._drawing, told = number, 0.0
        try:
            for event in events:
                if number <= self._stopped:
                    break
                if isinstance(event, Progress):
                    if time.monotonic() < told + PROGRESS_SECONDS:
                        continue
                    told = time.monotonic()
                self.answer(number, look(event) if look else event)
        except EngineError as error:
            self.answer(number, Failed(kind=type(error).__name__, sentence=str(error)))
        except MemoryError:
            self.answer(number, Failed(kind="OutOfMemory", sentence="There is too little memory for this picture."))
        finally:
            self._drawing = 0
            close = getattr(events, "close", None)
            if close is not None:
                close()
        self.answer(number, None)

    def _read(self) -> None:
        while len(header := self._requests.read(HEADER.size)) == HEADER.size:
            kind, number, *rest = unpack(self._requests.read(*HEADER.unpack(header)))
            if kind == "stop":
                self._stopped = number
            else:
                self.queue.put((number, *rest))
        os._exit(0)  # the pipe is closed: the bot is gone, even if it was killed, and nobody waits for a picture

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(BEAT_SECONDS):
            if number := self._drawing:
                self.answer(number, BEAT)


def main(arguments: list[str]) -> None:
    """Serve until the pipe closes."""
    feeder = Feeder(*_pipes())
    _make_way_for_the_bot()
    feeder.start()
    draw, upscale = (_function(path) for path in arguments[:2])
    check, models = arguments[2:]
    if models:
        _prepare(models)
    while True:
        number, request, state, inputs, parent = feeder.queue.get()
        if isinstance(request, UpscaleRequest):
            events = upscale(request, parent=parent)
        else:
            events = draw(request, resume=state, inputs=inputs, parent=parent)
        feeder.stream(number, events, _look(request.models, check))


def _pipes() -> tuple[BinaryIO, BinaryIO]:
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


def _look(models: str, check: str) -> Callable[[Event], Event] | None:
    """What gives each finished picture its score, if that is wanted."""
    if not check:
        return None
    from engine.drawing.scoring import with_score  # with torch, which a scripted engine does without

    return lambda event: with_score(event, models, check)


def _function(path: str) -> Callable[..., Iterator[Event]]:
    module, _, name = path.partition(":")
    function: Callable[..., Iterator[Event]] = getattr(importlib.import_module(module), name)
    return function


if __name__ == "__main__":
    main(sys.argv[1:])
