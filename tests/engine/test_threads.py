"""engine/drawing/threads.py: a drawing is the same picture whatever number of threads the machine has."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

import engine
from engine import Checkpoint, Finished, Inputs, Request
from engine.drawing.batch import Batch
from engine.drawing.provenance import command_of, request_of
from engine.drawing.threads import threads
from engine.pictures.images import read_png

STAR = Request(prompt="a red star", seed=1, models="toybox", steps=3, cuts=1, size="64x128")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in a container with a tight limit."""
    with threads(1):
        yield


def drawn(request: Request, resume: bytes | None = None) -> Finished:
    *_, found = engine.draw(request, resume=resume)
    assert isinstance(found, Finished)
    return found


def test_a_picture_tells_its_threads_and_is_drawn_again_on_any_machine() -> None:
    """With other threads its sums have another order, and after some steps it is another picture."""
    first = drawn(STAR)
    told = request_of(read_png(first.png)[1])
    assert told.threads == 1 and "--threads 1" in command_of(told)
    with threads(3):
        assert drawn(told).pixels_sha256 == first.pixels_sha256
        assert drawn(STAR).png == first.png, "a small network takes one thread everywhere"
        assert torch.get_num_threads() == 3, "the caller's own number is left"
    other = drawn(replace(STAR, threads=3))
    assert other.pixels_sha256 != first.pixels_sha256
    with threads(2):
        assert drawn(request_of(read_png(other.png)[1])).png == other.png


def test_a_drawing_goes_on_with_the_threads_that_it_began_with() -> None:
    """A new limit for the container's CPU in mid-picture changes no pixel."""
    events = engine.draw(STAR)
    state = next(event.state for event in events if isinstance(event, Checkpoint))
    whole = [event for event in events if isinstance(event, Finished)]
    with threads(3):
        assert drawn(STAR, state).png == whole[0].png


def test_drawings_of_other_threads_share_no_call() -> None:
    """A call has one number for all of its rows."""
    wider = replace(STAR, threads=3, seed=2)
    alone = {"star": drawn(STAR).png, "wider": drawn(wider).png}
    batch = Batch()
    batch.add("star", STAR, None, Inputs())
    batch.add("wider", wider, None, Inputs())
    together = {}
    while len(batch):
        together |= {str(key): event.png for key, event in batch.step() if isinstance(event, Finished)}
    assert together == alone
