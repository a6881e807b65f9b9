"""engine/drawing/batch.py: drawings share calls of the networks, and nothing else."""

import random
from copy import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

import engine
from engine import BadRequest, Finished, Inputs, NumericalError, OutOfMemory, Progress, Request, Started
from engine.diffusion.samplers import Prediction
from engine.drawing.batch import Batch, Outcome
from engine.drawing.checkpoint import DrawingState
from engine.drawing.draw import Drawing
from engine.drawing.models import Models, load_models
from engine.drawing.provenance import request_of
from engine.drawing.steps import Question, beginning, resolve_defaults
from engine.pictures.images import read_png
from tests.bench.engine.company import SETS, ScarceBatch, play, same_alone

STAR = Request(
    prompt="a red star", seed=1, models="toybox", steps=4, cuts=1, size="64x64"
)  # a quarter of the side: quick
MOON = replace(STAR, prompt="a blue moon:2 | green", seed=2, steps=3, tv_scale=10.0)


@cache
def models(name: str = "toybox") -> Models:
    return load_models(name, torch.device("cpu"))


def run(batch: Batch, **requests: Request) -> dict[str, list[Outcome]]:
    """What each had to say until all had ended; those that are in the batch already begin with them."""
    for key, request in requests.items():
        batch.add(key, request, None, Inputs())
    told: dict[str, list[Outcome]] = {}
    while len(batch):
        for key, outcome in batch.step():
            told.setdefault(str(key), []).append(outcome)
    return told


def last(told: list[Outcome]) -> Finished:
    assert isinstance(told[-1], Finished), told[-1]
    return told[-1]


def alone(width: int, request: Request = STAR) -> Finished:
    """Drawn by itself in calls of one width."""
    *_, found = engine.draw(replace(request, widths=f"{width}x{request.steps}"))
    assert isinstance(found, Finished)
    return found


def broken(request: Request) -> Drawing:
    """A drawing that is nothing but NaN."""
    request = resolve_defaults(request, models().description.defaults)
    x = torch.full((request.count, 3, 16, 16), float("nan"))
    return Drawing(models(), request, DrawingState(x=x, index=request.steps - 1))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("width", [2, 3])
def test_a_row_is_what_it_is_whoever_is_beside_it(name: str, width: int) -> None:
    """First, last, beside noise or beside NaN: all networks, their way back and CLIP give the same bits."""
    generator, used = torch.Generator().manual_seed(0), models(name)
    clip, row = used.clips[0][0], torch.randn(1, 3, 64, 64, generator=generator)
    crop = torch.rand(1, 3, clip.side, clip.side, generator=generator)

    def found(place: int, filling: float | None) -> list[Tensor]:
        x, crops = (
            torch.randn((width, *one.shape[1:]), generator=generator)
            if filling is None
            else one.new_full((width, *one.shape[1:]), filling)
            for one in (row, crop)
        )
        t = torch.randint(1000, (width,), generator=generator)
        x[place], crops[place], t[place] = row[0], crop[0], 900
        x, crops = x.requires_grad_(), crops.requires_grad_()
        x0 = used.denoise(x, t).x0
        looked = used.secondary(x, t).x0 if used.secondary else x0
        seen = clip.encode_images(crops)
        (back,), (back_seen,) = (torch.autograd.grad(one.pow(2).sum(), of) for one, of in ((looked, x), (seen, crops)))
        return [tensor[place] for tensor in (x0, back, seen, back_seen)]

    first = found(0, 0.0)
    for place, filling in ((0, float("nan")), (width - 1, None)):
        assert all(torch.equal(*pair) for pair in zip(first, found(place, filling), strict=True)), (place, filling)


@pytest.mark.parametrize("name", SETS[::-1])  # first the one that the test before has left in memory
def test_drawings_that_join_and_leave_are_what_they_are_alone(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """At the widths that their provenance tells, whatever became of the others."""
    rng = random.Random(2066)  # small pictures; one in trouble, and a call that finds no memory
    finished, ended = play(rng, ScarceBatch(rng, 0.3), 4, name)
    assert len(finished) == 3 and ended == 1 and all(map(same_alone, finished))
    assert sum(request_of(read_png(one.png)[1]).widths is not None for one in finished) == 2, "in company"
    assert "no room" in caplog.text


def test_a_neighbour_with_more_losses_leaves_the_order_of_sums() -> None:
    """Total variation once changed how the whole batch's gradient lay in memory."""
    three = Request(prompt="a fox", models="toybox", seed=2, steps=2, cuts=1, count=3, tv_scale=0.0, size="128x128")
    told = run(Batch(), three=three, one=replace(three, count=1, tv_scale=20.0, range_scale=50.0))
    assert same_alone(last(told["three"])) and same_alone(last(told["one"]))


def test_one_call_serves_drawings_that_differ_in_all_but_their_size() -> None:
    """Prompt, seed, steps, scales: the state of each is its own."""
    batch = Counting()
    batch.add("star", STAR, None, Inputs())
    list(batch.step())
    told = run(batch, moon=replace(MOON, steps=4))
    assert batch.widths == [1, 2, 2, 1, 1, 1]  # the star's last step is unguided, and so a call of another kind
    assert [type(outcome) for outcome in told["moon"]][:2] == [Started, Progress]
    assert sum(isinstance(outcome, Progress) for outcome in told["star"]) == 3
    assert request_of(read_png(last(told["star"]).png)[1]).widths == "1x1,2x2,1x1"


def test_what_nobody_shared_says_nothing_of_widths() -> None:
    """A picture's metadata is what it was before there was company."""
    told = run(Batch(), star=replace(STAR, steps=1))
    assert request_of(read_png(last(told["star"]).png)[1]).widths is None


def test_a_newcomer_is_in_the_next_call() -> None:
    """It waits for a step of others, not for their pictures."""
    batch = Counting()
    batch.add("old", replace(STAR, steps=20), None, Inputs())
    list(batch.step())
    batch.add("new", replace(MOON, steps=20), None, Inputs())
    told = [type(outcome) for key, outcome in batch.step() if key == "new"]
    assert told == [Started, Progress] and batch.widths == [1, 2]


def test_nan_ends_one_drawing_and_leaves_the_bytes_of_its_neighbours() -> None:
    batch = Counting()
    batch.take("nan", broken(MOON))
    told = run(batch, star=STAR)
    assert isinstance(told["nan"][-1], NumericalError)
    assert batch.widths == [2, 1, 1, 1]
    *_, again = engine.draw(replace(STAR, widths="2x1,1x3"))
    assert isinstance(again, Finished) and last(told["star"]).png == again.png


def test_a_request_that_cannot_be_drawn_ends_alone() -> None:
    told = run(Batch(), bad=replace(MOON, size="17x17"), star=replace(STAR, steps=1))
    assert isinstance(told["bad"][-1], BadRequest) and last(told["star"])


def test_whoever_is_taken_out_is_not_heard_of_and_leaves_at_once() -> None:
    batch = Counting()
    batch.add("gone", MOON, None, Inputs())
    batch.add("star", STAR, None, Inputs())
    list(batch.step())
    batch.remove("gone")
    assert set(run(batch)) == {"star"} and batch.widths == [2, 1, 1, 1]


def test_a_full_memory_makes_the_batch_narrower_once_for_all(caplog: pytest.LogCaptureFixture) -> None:
    """The step is made again, nothing is lost, and it is said once."""
    batch = Counting(room=2)
    told = run(batch, **{str(seed): replace(MOON, seed=seed, steps=2) for seed in range(4)})
    assert batch.widths == [4, 2, 2, 2, 2]
    assert len(caplog.records) == 1 and "2 pictures at a time" in caplog.text
    assert last(told["0"]).png == alone(2, replace(MOON, seed=0, steps=2)).png


def test_memory_that_is_too_small_for_one_is_its_own_error(caplog: pytest.LogCaptureFixture) -> None:
    told = run(Counting(room=1), two=replace(MOON, count=2), star=STAR)
    assert isinstance(told["two"][-1], OutOfMemory) and last(told["star"])


class Greedy(Batch):
    """On a card where one of the drawings finds room for one crop at a time only."""

    def call(self, models: Models, questions: list[Question], width: int) -> list[Prediction]:
        seeds = [seed for question in questions for seed, _ in question.pull.seeds]
        if 99 in seeds and models.clips[0][0].at_once != 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().call(models, questions, width)


def test_crops_that_one_has_no_memory_for_are_not_taken_from_others() -> None:
    """CLIP looked at fewer at a time for everybody, and ever after: that rounds otherwise."""
    used = models()
    star = replace(STAR, cuts=4, steps=2)
    drawn = run(Greedy(), star=star, greedy=replace(star, seed=99))
    assert last(drawn["greedy"]) and used.clips[0][0].at_once is None
    assert same_alone(last(drawn["star"]))


def test_crops_that_a_set_looks_at_at_once_are_as_many_in_every_call() -> None:
    """Where memory is to be spared; a drawing that has room for fewer looks at fewer."""
    clip, seen = copy(models().clips[0][0]), []
    clip.at_once = 3
    sparing = replace(models(), clips=[(clip, 1.0)])
    for most in (None, 2, 9):
        with sparing.crops_at_once(most):
            seen.append(clip.at_once)
    assert [*seen, clip.at_once] == [3, 2, 3, 3]


def test_who_is_not_pulled_is_not_pulled_by_company() -> None:
    """One without guidance beside one whose guidance has not begun: the call asked the first what all of it does."""
    book, like = models("picturebook"), {"models": "picturebook", "steps": 3}  # one network for all steps
    defaults = replace(book.description.defaults, from_level=0.3, until_level=1.0)
    used = replace(book, description=replace(book.description, defaults=defaults))
    calm = replace(STAR, guidance_scale=0.0, tv_scale=5000.0, **like)

    def drawn(beside: Request) -> bytes:
        batch = Batch()
        for key, request in (("beside", beside), ("calm", calm)):
            asked = resolve_defaults(request, defaults)
            x, index = beginning(used, asked, None)
            batch.take(key, Drawing(used, asked, DrawingState(x=x, index=index)))
        told: list[Outcome] = []
        while not told or not isinstance(told[-1], Finished):
            told += [outcome for key, outcome in batch.step() if key == "calm"]
        return last(told).png

    assert drawn(replace(STAR, **{**like, "steps": 20})) == drawn(replace(calm, seed=5))


def test_a_replay_gets_its_width_beside_others() -> None:
    """It fills its calls up, and never those of others."""
    batch = Counting()
    short = replace(STAR, steps=2)
    told = run(batch, again=replace(short, widths="3x2"), moon=replace(MOON, steps=2))
    assert batch.widths.count(3) == 2 and batch.widths.count(1) == 2
    assert last(told["again"]).png == alone(3, short).png


def test_another_model_set_waits_until_this_one_is_done() -> None:
    """Memory holds one; and who comes after the one that waits does not overtake it."""
    batch = Batch()
    batch.add("star", STAR, None, Inputs())
    list(batch.step())
    batch.add("other", replace(STAR, models="nowhere"), None, Inputs())
    batch.add("moon", MOON, None, Inputs())
    assert {key for key, _ in batch.step()} == {"star"} and batch.waiting == ["other", "moon"]
    told = run(batch)
    assert isinstance(told["other"][-1], BadRequest) and last(told["moon"])


def test_one_drawing_with_more_pictures_than_a_call_has_room_for_gets_a_call_of_its_own() -> None:
    batch = Counting(widest=2)
    told = run(batch, grid=replace(MOON, count=3), star=STAR)
    assert batch.widths[:2] == [3, 1] and last(told["grid"]).pictures


def test_on_a_cpu_a_large_network_is_called_for_one_drawing_at_a_time() -> None:
    """A wider call is slower there than two narrow ones; and each picture is what it is alone."""
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    unet = models().description.unet
    large = replace(
        models(),
        description=replace(models().description, unet={**unet, "shape": {**unet["shape"], "model_channels": 256}}),
    )

    def drawn(*seeds: int, **knobs: Any) -> tuple[Counting, dict[str, list[Outcome]]]:
        batch = Counting()
        for seed in seeds:
            request = resolve_defaults(replace(STAR, seed=seed, steps=2, **knobs), large.description.defaults)
            x, index = beginning(large, request, None)
            batch.take(f"{seed}", Drawing(large, request, DrawingState(x=x, index=index)))
        return batch, run(batch)

    (batch, told), (_, by_itself) = drawn(1, 2, 3), drawn(2)
    assert set(batch.widths) == {1} and last(told["2"]).png == last(by_itself["2"]).png
    _, several = drawn(2, count=2)
    first, _ = last(several["2"]).pictures
    assert bytes(read_png(first)[0]) == bytes(read_png(last(by_itself["2"]).png)[0])


class Counting(Batch):
    """Notes the width of every call; on a card that has room for so many pictures."""

    def __init__(self, widest: int = 8, room: int = 99) -> None:
        super().__init__(widest)
        self.widths: list[int] = []
        self._room = room

    def call(self, models: Models, questions: list[Question], width: int) -> list[Prediction]:
        self.widths.append(width)
        if width > self._room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().call(models, questions, width)


def test_more_drawings_than_a_call_may_have_rows_take_several_calls() -> None:
    """`at_once` may be more than the widest rung, and what a picture says of its widths must be readable."""
    requests = {f"{k}": replace(STAR, seed=k, steps=1, guidance_scale=0.0) for k in range(9)}
    told = run(Batch(16), **requests)
    said = {request_of(read_png(last(told[key]).png)[1]).widths for key in requests}
    assert said == {"8x1", None}


def test_what_cannot_ask_ends_alone() -> None:
    """Its words may lead to an error that nobody foresaw: the others go on."""

    class Mute(Drawing):
        def question(self) -> Question:
            raise ValueError("no words")

    request = resolve_defaults(STAR, models().description.defaults)
    state = DrawingState(x=torch.zeros(1, 3, 16, 16), index=request.steps - 1)
    batch = Batch()
    batch.take("mute", Mute(models(), request, state))
    told = run(batch, star=replace(STAR, steps=1))
    assert isinstance(told["mute"][-1], ValueError) and last(told["star"])
