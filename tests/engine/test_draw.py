"""a Request becomes a stream of Events; a stopped drawing ends on the same bytes."""

import dataclasses
import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import engine
from engine import (
    BadCheckpoint,
    BadPicture,
    BadRequest,
    Checkpoint,
    Event,
    Finished,
    Inputs,
    NumericalError,
    Preview,
    Progress,
    Request,
    Started,
    UpscaleRequest,
)
from engine.diffusion.samplers import Prediction
from engine.drawing.batch import Batch, events_alone
from engine.drawing.checkpoint import DrawingState
from engine.drawing.draw import Drawing
from engine.drawing.models import Models, load_models
from engine.drawing.steps import first_noise, levels_of, resolve_defaults, steps_of
from engine.errors import OutOfMemory
from engine.networks.clip import Clip
from engine.networks.tuning import memory_sentence
from engine.pictures.images import read_png, to_png, to_tensor
from engine.training.toybox.world import Scene, render

WHOLE = Request(prompt="a red star on a blue background", models="toybox", seed=5, steps=10, cuts=2)
REQUEST = dataclasses.replace(WHOLE, size="64x64")  # a quarter of the side: quick
SMALL = dataclasses.replace(REQUEST, cuts=1)


def events_of(models: Models, request: Request, state: DrawingState) -> list[Event]:
    """The steps still to do, without the first and the last Event."""
    batch = Batch()
    batch.take(0, Drawing(models, request, state))
    return [event for event in events_alone(batch) if not isinstance(event, Finished)]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(engine.draw(REQUEST))


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def test_the_stream_starts_shows_each_ten_percent_and_ends(events: list[Event]) -> None:
    assert isinstance(events[0], Started) and (events[0].width, events[0].first_step) == (64, 0)
    assert [e.percent for e in events if isinstance(e, Preview)] == list(range(10, 101, 10))
    assert [e.percent for e in events if isinstance(e, Checkpoint)] == list(range(10, 101, 10))
    assert [e.step for e in events if isinstance(e, Progress)] == list(range(1, 11))
    assert finished(events).unet_calls == 10


def test_previews_come_at_each_ten_percent_of_any_number_of_steps() -> None:
    """13 is not a multiple of ten."""
    unguided = dataclasses.replace(SMALL, steps=13, guidance_scale=0.0)
    found = [(e.percent, e.step) for e in engine.draw(unguided) if isinstance(e, Preview)]
    assert [percent for percent, _ in found] == list(range(10, 101, 10)) and found[-1] == (100, 13)


def test_the_files_are_what_the_record_says(events: list[Event]) -> None:
    pixels, metadata = read_png(finished(events).png)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == finished(events).pixels_sha256
    assert metadata["Description"] == REQUEST.prompt
    gif = Image.open(io.BytesIO(finished(events).gif))
    assert gif.n_frames == 10 and gif.size == (64, 64)


def test_the_last_frame_of_the_gif_is_the_picture(events: list[Event]) -> None:
    gif = Image.open(io.BytesIO(finished(events).gif))
    gif.seek(gif.n_frames - 1)
    pixels, _ = read_png(finished(events).png)
    assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - pixels).mean() < 6


def test_the_same_seed_gives_the_same_bytes(events: list[Event]) -> None:
    again = finished(list(engine.draw(REQUEST)))
    assert again.png == finished(events).png and again.gif == finished(events).gif


def test_another_seed_gives_another_picture() -> None:
    one, other = (finished(list(engine.draw(dataclasses.replace(SMALL, seed=seed, steps=2)))) for seed in (5, 6))
    assert one.pixels_sha256 != other.pixels_sha256


@pytest.mark.parametrize("percent", [10, 50, 100])
def test_a_drawing_taken_up_again_ends_on_the_same_bytes(events: list[Event], percent: int) -> None:
    """`python -m tests.bench.engine determinism` does all ten, each in a process of its own."""
    state = next(e.state for e in events if isinstance(e, Checkpoint) and e.percent == percent)
    rest = list(engine.draw(REQUEST, resume=state))
    assert isinstance(rest[0], Started) and rest[0].first_step == percent // 10
    assert finished(rest).png == finished(events).png and finished(rest).gif == finished(events).gif
    assert finished(rest).unet_calls == 10


def test_closing_the_stream_stops_the_drawing() -> None:
    stream = engine.draw(WHOLE)
    started = next(stream)
    assert isinstance(started, Started) and started.width == started.height == 256, "the set's own size"
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_picture_k_of_a_batch_is_picture_k_alone(sampler: str) -> None:
    """Different people's prompts may share one call of the network."""
    models = load_models("toybox", torch.device("cpu"))
    asked = [
        dataclasses.replace(WHOLE, prompt=p, seed=s, sampler=sampler, steps=4, guidance_scale=50.0)
        for p, s in (("a red star", 1), ("синий круг | чёрный фон:0.5", 2))
    ]
    asked = [resolve_defaults(r, models.description.defaults) for r in asked]
    # nearer to the noise, or under a stronger pull, rounding grows; so it does where nothing but noise is finished
    level = float(levels_of(models, asked[0]).alphas_cumprod[1])
    scene = to_tensor(render(Scene(object="star", colour="red", background="blue", size="", x=32, y=32, radius=19.5)))
    x = level**0.5 * scene + (1 - level) ** 0.5 * first_noise(models, asked)
    together, alone = next(steps_of(models, asked, x, 1)), next(steps_of(models, asked[1:], x[1:], 1))
    assert torch.allclose(together.x[1:], alone.x, atol=2e-3)


def test_numbers_that_run_away_make_no_picture() -> None:
    """A NaN in the middle: one clear error, and no picture pretending to be one."""
    models = load_models("toybox", torch.device("cpu"))
    calls = []

    def broken(x: torch.Tensor, t: torch.Tensor) -> Prediction:
        calls.append(t)
        return Prediction(x0=x * (float("nan") if len(calls) == 4 else 1.0), eps=x)

    request = resolve_defaults(dataclasses.replace(REQUEST, guidance_scale=0.0), models.description.defaults)
    state = DrawingState(x=first_noise(models, [request]), index=9)
    with pytest.raises(NumericalError, match="another seed"):
        events_of(dataclasses.replace(models, denoise=broken), request, state)
    assert len(calls) == 4


def test_too_little_memory_is_a_sentence() -> None:
    """And tells what would fit."""
    with pytest.raises(OutOfMemory, match="imagenet256-secondary needs half"), memory_sentence("imagenet256"):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")


class SmallMemory:
    """A CLIP on a card that has room for so many crops at a time."""

    def __init__(self, clip: Clip, room: int) -> None:
        self.clip, self.room, self.side, self.at_once = clip, room, clip.side, None
        self.tried: list[int] = []

    def encode_texts(self, texts: list[str]) -> torch.Tensor:
        return self.clip.encode_texts(texts)

    def encode_images(self, pictures: torch.Tensor) -> torch.Tensor:
        self.tried.append(min(self.at_once or 100, len(pictures)))
        if self.tried[-1] > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return torch.cat([self.clip.encode_images(part) for part in pictures.split(self.at_once or 100)])


def drawn_in(room: int) -> tuple[DrawingState, list[int], list[int]]:
    """Two steps with four cuts; how far they came, the steps told, how many crops were tried at a time."""
    models = load_models("toybox", torch.device("cpu"))
    request = resolve_defaults(dataclasses.replace(WHOLE, steps=2, cuts=4), models.description.defaults)
    small = SmallMemory(models.clips[0][0], room)
    state = DrawingState(x=first_noise(models, [request]), index=1)
    models = dataclasses.replace(
        models, clips=[(small, 1.0)], upscaler=None, description=dataclasses.replace(models.description, upscaler=None)
    )
    with memory_sentence("toybox"):
        events = events_of(models, request, state)
    return state, [event.step for event in events if isinstance(event, Progress)], small.tried


def test_a_step_that_runs_out_of_memory_is_made_again_with_fewer_crops_at_a_time() -> None:
    """Every crop is still looked at, and no step is skipped or made twice."""
    state, steps, tried = drawn_in(room=1)
    whole, _, _ = drawn_in(room=4)
    assert tried == [4, 2, 1, 1] and steps == [1, 2] and state.unet_calls == 2
    assert torch.allclose(state.x, whole.x, atol=2e-2)


def test_memory_that_is_too_small_for_one_crop_is_a_sentence() -> None:
    with pytest.raises(OutOfMemory, match="graphics card has too little free memory"):
        drawn_in(room=0)


def test_other_errors_keep_their_names() -> None:
    with pytest.raises(RuntimeError, match="something else"), memory_sentence("toybox"):
        raise RuntimeError("something else")


def test_an_unknown_set_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(BadRequest, match="no model set"):
        next(engine.draw(Request(prompt="x", models="nowhere")))


FOUR = dataclasses.replace(REQUEST, steps=2, cuts=2, count=4, size="64x128")


@pytest.fixture(scope="module")
def four() -> list[Event]:
    return list(engine.draw(FOUR))


def test_several_pictures_come_as_a_grid_and_each_alone(four: list[Event]) -> None:
    """The grid is what a chat shows; the single ones are there to be picked."""
    last, first = finished(four), four[0]
    assert isinstance(first, Started) and (first.width, first.height) == (last.width, last.height) == (128, 256)
    whole = read_png(last.png)[0]
    singles = [read_png(png)[0] for png in last.pictures]
    assert np.array_equal(whole, np.block([[[singles[0]], [singles[1]]], [[singles[2]], [singles[3]]]]))
    assert len({single.tobytes() for single in singles}) == 4
    preview = next(e for e in four if isinstance(e, Preview))
    assert read_png(preview.png)[0].shape == whole.shape
    assert Image.open(io.BytesIO(last.gif)).size == (64, 128)


def test_a_picked_picture_is_the_one_of_the_grid(four: list[Event]) -> None:
    """To the pixel, and its provenance says so; `python -m tests.bench.engine redraw` tries fifty."""
    single = finished(four).pictures[2]
    request = engine.inspect(single).request
    assert (request.count, request.pick) == (4, 3)
    picked = finished(list(engine.draw(request)))
    assert picked.pictures == () and np.array_equal(read_png(picked.png)[0], read_png(single)[0])
    assert (picked.width, picked.height) == Image.open(io.BytesIO(picked.gif)).size == (64, 128)


def test_an_adaptive_drawing_tells_its_progress_by_the_noise() -> None:
    """It takes more steps than it says where the words pull hard; percent and previews neither double nor fall back."""
    request = dataclasses.replace(SMALL, sampler="dpmpp-3m-sde", guidance_scale=2000.0)
    found = list(engine.draw(request))
    assert [e.percent for e in found if isinstance(e, Preview)] == list(range(10, 101, 10))
    steps = [e.step for e in found if isinstance(e, Progress)]
    assert steps == sorted(steps) and steps[-1] == 10 < len(steps) == finished(found).unet_calls <= 40
    assert [e.seconds_left for e in found if isinstance(e, Progress)][-1] == 0.0
    assert engine.inspect(finished(found).png).request.sampler == "dpmpp-3m-sde"


def test_a_lone_picture_has_no_others_beside_it(events: list[Event]) -> None:
    assert finished(events).pictures == ()


@pytest.mark.parametrize(
    "knobs",
    [
        {"count": 2, "pick": 2, "symmetry": "both"},
        {"init": 0.3},
        {"stop": "satisfied"},
        {"sampler": "dpmpp-3m-sde", "count": 2, "gradient_at": "both"},
        {"sampler": "dpmpp-3m-sde", "init": 0.3, "guide_every": 2},
        {
            "guidance_scale": "0:300,100:0",
            "cuts": "0:3,100:1",
            "start": "perlin",
            "clamp": 1.0,
            "saturation_scale": 5.0,
            "size": "64x128",
            "sampler": "ddpm",
        },
        {"count": 2, "models": "picturebook"},
    ],
    ids=lambda knobs: " ".join(knobs),
)
def test_every_control_survives_a_stop(knobs: dict[str, object]) -> None:
    """The pictures that went in need not be given again, and others are refused."""
    request = dataclasses.replace(REQUEST, **{"steps": 4, "cuts": 1, "size": "64x64", **knobs})  # type: ignore[arg-type]
    blue = to_png(np.full((20, 30, 3), (0, 0, 255), np.uint8), {})
    inputs = Inputs(init=blue if request.init else None, targets=((blue, 0.5),))
    whole = list(engine.draw(request, inputs=inputs, parent="7"))
    state = [e.state for e in whole if isinstance(e, Checkpoint)][1]
    for again in (inputs, Inputs()) if request.init else (Inputs(),):
        rest = finished(list(engine.draw(request, resume=state, inputs=again, parent="7")))
        assert dataclasses.replace(rest, seconds=0.0) == dataclasses.replace(finished(whole), seconds=0.0)
    other = Inputs(init=inputs.init, targets=((to_png(np.zeros((8, 8, 3), np.uint8), {}), 0.5),))
    with pytest.raises(BadCheckpoint, match="another"):
        next(engine.draw(request, resume=state, inputs=other))


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, described = tmp_path_factory.mktemp("spread"), Path(engine.__file__).parent / "model_sets/toybox.toml"
    (folder / "even.toml").write_text(re.sub("(?m)^spacing = .*\n", "", described.read_text()))
    (folder / "even").symlink_to(described.with_suffix(""))
    return folder


@pytest.fixture
def even(spread: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The toybox with its steps spread evenly: at the third from the end little noise is left."""
    monkeypatch.setenv("IMAGO_MODELS", str(spread))
    return "even"


def satisfied_at_once(count: int, even: str, index: int = 2) -> tuple[DrawingState, list[Event]]:
    """A drawing whose distances so far say that it was better before; by itself at its third step from the end."""
    models = load_models(even, torch.device("cpu"))
    request = dataclasses.replace(REQUEST, stop="satisfied", cuts=1, count=count, models=even)
    request = resolve_defaults(request, models.description.defaults)
    state = DrawingState(x=first_noise(models, [request]), index=index, distances=[[0.0] * count] * (9 - index))
    return state, events_of(models, request, state)


@pytest.mark.parametrize("count", [1, 2])
def test_a_satisfied_drawing_ends_on_what_it_sees_through_the_noise(count: int, even: str) -> None:
    """With its last preview, checkpoint and frame, as any other."""
    state, events = satisfied_at_once(count, even)
    assert (state.index, state.satisfied_at, state.unet_calls) == (-1, 8, 1)
    assert [type(event).__name__ for event in events] == ["Progress", "Preview", "Checkpoint"]
    assert isinstance(events[0], Progress) and (events[0].step, events[0].seconds_left) == (8, 0.0)
    assert isinstance(events[1], Preview) and events[1].percent == 100
    shown = read_png(events[1].png)[0]
    assert shown.shape == (64, 64 * count, 3) and len(state.frames) == 1
    assert state.x.abs().max() < 2.5, "noise is left"


def test_where_the_pull_has_ended_it_may_be_satisfied(even: str) -> None:
    """Timestep 666, the fourth of ten steps; at 777, the third, it is pulled yet."""
    assert [satisfied_at_once(1, even, index)[0].satisfied_at for index in (7, 6)] == [4, 4]


def test_a_satisfied_drawing_taken_up_again_is_finished(even: str) -> None:
    """From its last checkpoint nothing is left to do, and it still says when it ended."""
    state, events = satisfied_at_once(1, even)
    state = next(event.state for event in events if isinstance(event, Checkpoint))
    request = dataclasses.replace(REQUEST, stop="satisfied", cuts=1, models=even)
    started, last = list(engine.draw(request, resume=state))
    assert isinstance(started, Started) and isinstance(last, Finished)
    assert (last.satisfied_at, last.unet_calls, last.steps) == (8, 1, 10)


def test_a_symmetric_picture_is_symmetric_to_the_pixel() -> None:
    """The upscaler is not, so the finished picture is made so again."""
    request = dataclasses.replace(REQUEST, steps=2, cuts=2, symmetry="horizontal")
    pixels, _ = read_png(finished(list(engine.draw(request))).png)
    assert np.array_equal(pixels, pixels[:, ::-1])


def test_what_a_set_cannot_draw_is_refused_before_torch_is_there() -> None:
    """The bot asks before it takes a job."""
    engine.check_request(WHOLE)
    for change, field in (({"size": "100x100"}, "size"), ({"init": 0.5}, "init"), ({"models": "nowhere"}, "models")):
        wrong = dataclasses.replace(WHOLE, **change)  # type: ignore[arg-type]
        for refuse in (engine.check_request, lambda request: next(engine.draw(request))):
            with pytest.raises(BadRequest) as caught:
                refuse(wrong)
            assert caught.value.field == field


def test_upscaling_makes_it_four_times_larger_and_keeps_the_provenance(events: list[Event]) -> None:
    big = finished(list(engine.upscale(UpscaleRequest(png=finished(events).png, models="toybox"))))
    assert (big.width, big.height, big.gif) == (256, 256, b"")
    assert read_png(big.png)[1] == read_png(finished(events).png)[1]
    child = finished(list(engine.upscale(UpscaleRequest(png=finished(events).png, models="toybox"), parent="7")))
    assert read_png(child.png)[1] == {**read_png(big.png)[1], "imago:parent": "7"}


def test_a_set_without_an_upscaler_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would give the same picture back as if it were four times larger."""
    monkeypatch.setenv("IMAGO_MODELS", str(tmp_path))
    description = (Path(engine.__file__).parent / "model_sets/imagenet256.toml").read_text()
    bare = description[: description.index("[upscaler]")] + description[description.index("[defaults]") :]
    (tmp_path / "bare.toml").write_text(bare)
    with pytest.raises(BadRequest, match="bare has no upscaler"):
        list(engine.upscale(UpscaleRequest(png=to_png(np.zeros((8, 8, 3), np.uint8), {}), models="bare")))


def test_upscaling_something_huge_is_refused() -> None:
    """Four times each side of it would not fit the memory."""
    with pytest.raises(BadPicture, match="too large to enlarge"):
        list(engine.upscale(UpscaleRequest(png=to_png(np.zeros((1025, 1024, 3), np.uint8), {}))))


def test_upscaling_something_else_is_refused() -> None:
    with pytest.raises(BadPicture):
        list(engine.upscale(UpscaleRequest(png=b"not a picture")))
