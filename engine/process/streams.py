"""plain functions that stream Events, in turns: the face of `engine.drawing.batch.Batch` for what has no batches."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from engine.errors import EngineError, OutOfMemory
from engine.events import Event, Failed, Finished

Outcome = Event | Exception
ENDLESS = EngineError("The drawing ended without a picture.")


class Streams:
    """One event of each stream a step: upscalings, and the scripted engines of tests."""

    def __init__(self, begin: Callable[..., Iterator[Event]]) -> None:
        """`begin` is called as `engine.draw` and `engine.upscale` are."""
        self._begin = begin
        self._streams: dict[Hashable, Iterator[Event]] = {}
        self.waiting: list[Hashable] = []  # nobody has to

    def add(self, key: Hashable, request: object, **given: Any) -> None:
        """Let a stream begin. What is wrong with it, `step` tells."""
        self._streams[key] = self._begin(request, **given)

    def remove(self, key: Hashable) -> None:
        """End a stream."""
        close = getattr(self._streams.pop(key, None), "close", None)
        if close is not None:
            close()

    def steer(self, key: Hashable, number: int, words: str) -> None:
        """Plain functions do not listen."""

    def __len__(self) -> int:
        return len(self._streams)

    def step(self) -> Iterator[tuple[Hashable, Outcome]]:
        """The next event of each; it ends with Finished, Failed or an error, of whatever kind: the others go on."""
        for key, stream in list(self._streams.items()):
            if key not in self._streams:
                continue
            try:
                outcome: Outcome = next(stream, ENDLESS)
            except MemoryError:
                outcome = OutOfMemory("There is too little memory for this picture.")
            except Exception as error:
                outcome = error
            if isinstance(outcome, Exception | Finished | Failed):
                self.remove(key)
            yield key, outcome
