"""a Request becomes a stream of Events; a stopped drawing ends on the same bytes."""

import dataclasses
import hashlib
import io

import numpy as np
import pytest
import torch
from PIL import Image

import engine
from engine import (
    BadPicture,
    BadRequest,
    Checkpoint,
    Event,
    Finished,
    NumericalError,
    Preview,
    Progress,
    Request,
    Started,
    UpscaleRequest,
)
from engine.checkpoint import Sitting
from engine.drawing import _drawing, _memory_sentence, first_noise, resolved, steps_of
from engine.errors import OutOfMemory
from engine.images import read_png, to_png
from engine.models import load_models
from engine.samplers import Prediction

REQUEST = Request(prompt="a red star on a blue background", seed=5, steps=10)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(engine.draw(REQUEST))


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def test_the_stream_starts_shows_each_ten_percent_and_ends(events: list[Event]) -> None:
    assert isinstance(events[0], Started) and (events[0].width, events[0].first_step) == (256, 0)
    assert [e.percent for e in events if isinstance(e, Preview)] == list(range(10, 101, 10))
    assert [e.percent for e in events if isinstance(e, Checkpoint)] == list(range(10, 101, 10))
    assert [e.step for e in events if isinstance(e, Progress)] == list(range(1, 11))
    assert finished(events).unet_calls == 10


def test_previews_come_at_each_ten_percent_of_any_number_of_steps() -> None:
    """23 is not a multiple of ten."""
    found = [(e.percent, e.step) for e in engine.draw(dataclasses.replace(REQUEST, steps=23)) if isinstance(e, Preview)]
    assert [percent for percent, _ in found] == list(range(10, 101, 10)) and found[-1] == (100, 23)


def test_the_files_are_what_the_record_says(events: list[Event]) -> None:
    pixels, metadata = read_png(finished(events).png)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == finished(events).pixels_sha256
    assert metadata["Description"] == REQUEST.prompt
    gif = Image.open(io.BytesIO(finished(events).gif))
    assert gif.n_frames == 10 and gif.size == (256, 256)


def test_the_last_frame_of_the_gif_is_the_picture(events: list[Event]) -> None:
    gif = Image.open(io.BytesIO(finished(events).gif))
    gif.seek(gif.n_frames - 1)
    pixels, _ = read_png(finished(events).png)
    assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - pixels).mean() < 6


def test_the_same_seed_gives_the_same_bytes(events: list[Event]) -> None:
    again = finished(list(engine.draw(REQUEST)))
    assert again.png == finished(events).png and again.gif == finished(events).gif


def test_another_seed_gives_another_picture(events: list[Event]) -> None:
    other = finished(list(engine.draw(dataclasses.replace(REQUEST, seed=6))))
    assert other.pixels_sha256 != finished(events).pixels_sha256


@pytest.mark.parametrize("percent", [10, 50, 100])
def test_a_drawing_taken_up_again_ends_on_the_same_bytes(events: list[Event], percent: int) -> None:
    """`python -m engine.bench determinism` does all ten, each in a process of its own."""
    state = next(e.state for e in events if isinstance(e, Checkpoint) and e.percent == percent)
    rest = list(engine.draw(REQUEST, resume=state))
    assert isinstance(rest[0], Started) and rest[0].first_step == percent // 10
    assert finished(rest).png == finished(events).png and finished(rest).gif == finished(events).gif
    assert finished(rest).unet_calls == 10


def test_closing_the_stream_stops_the_drawing() -> None:
    stream = engine.draw(REQUEST)
    next(stream)
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_picture_k_of_a_batch_is_picture_k_alone(sampler: str) -> None:
    """Different people's prompts may share one call of the network."""
    models = load_models("toybox", torch.device("cpu"))
    asked = [dataclasses.replace(REQUEST, prompt=p, seed=s, sampler=sampler, steps=4)
             for p, s in (("a red star", 1), ("синий круг | чёрный фон:0.5", 2))]
    asked = [resolved(r, models.description.defaults) for r in asked]
    together = next(steps_of(models, asked, first_noise(models, asked), 1))  # nearer to the noise, rounding grows
    alone = next(steps_of(models, asked[1:], first_noise(models, asked[1:]), 1))
    assert torch.allclose(together.x[1:], alone.x, atol=2e-3)


def test_numbers_that_run_away_make_no_picture() -> None:
    """A NaN in the middle: one clear error, and no picture pretending to be one."""
    models = load_models("toybox", torch.device("cpu"))
    calls = []

    def broken(x: torch.Tensor, t: torch.Tensor) -> Prediction:
        calls.append(t)
        return Prediction(x0=x * (float("nan") if len(calls) == 4 else 1.0), eps=x)

    request = resolved(dataclasses.replace(REQUEST, guidance_scale=0.0), models.description.defaults)
    sitting = Sitting(x=first_noise(models, [request]), index=9)
    with pytest.raises(NumericalError, match="another seed"):
        list(_drawing(dataclasses.replace(models, denoise=broken), request, sitting))
    assert len(calls) == 4


def test_too_little_memory_is_a_sentence() -> None:
    with pytest.raises(OutOfMemory, match="free memory"), _memory_sentence():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")


def test_other_errors_keep_their_names() -> None:
    with pytest.raises(RuntimeError, match="something else"), _memory_sentence():
        raise RuntimeError("something else")


def test_an_unknown_set_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(BadRequest, match="no model set"):
        next(engine.draw(Request(prompt="x", models="nowhere")))


def test_upscaling_makes_it_four_times_larger_and_keeps_the_provenance(events: list[Event]) -> None:
    big = finished(list(engine.upscale(UpscaleRequest(png=finished(events).png))))
    assert (big.width, big.height, big.gif) == (1024, 1024, b"")
    assert read_png(big.png)[1] == read_png(finished(events).png)[1]


def test_upscaling_something_huge_is_refused() -> None:
    """Four times each side of it would not fit the memory."""
    with pytest.raises(BadPicture, match="too large to enlarge"):
        list(engine.upscale(UpscaleRequest(png=to_png(np.zeros((1025, 1024, 3), np.uint8), {}))))


def test_upscaling_something_else_is_refused() -> None:
    with pytest.raises(BadPicture):
        list(engine.upscale(UpscaleRequest(png=b"not a picture")))
