"""engine/process/streams.py: what goes wrong in one stream is told of it alone."""

from collections.abc import Callable, Iterator

import pytest

from engine import Event, Finished, OutOfMemory, UpscaleRequest
from engine.process.streams import Streams
from tests.fakes import scripted

GOOD = UpscaleRequest(png=b"good")


def _raises(error: type[Exception]) -> Iterator[Event]:
    yield from ()
    raise error("scripted")


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (lambda: _raises(ValueError), "ValueError"),
        (lambda: _raises(MemoryError), OutOfMemory.__name__),
        (lambda: iter(()), "EngineError"),
    ],
)
def test_a_stream_that_breaks_or_ends_without_a_picture_fails_alone(
    begin: Callable[[], Iterator[Event]], kind: str
) -> None:
    """An error that nobody had foreseen ended the process, and with it the drawings of others."""
    streams = Streams(lambda request: scripted.upscale(request) if request is GOOD else begin())
    streams.add("bad", UpscaleRequest(png=b""))
    streams.add("good", GOOD)
    told = [pair for _ in range(4) for pair in streams.step()]
    assert [type(outcome).__name__ for key, outcome in told if key == "bad"] == [kind]
    assert isinstance(next(outcome for key, outcome in reversed(told) if key == "good"), Finished)
    assert len(streams) == 0
