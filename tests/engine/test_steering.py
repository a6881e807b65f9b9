"""engine/steering.py, and drawings that are steered: what is said on the way is part of the picture."""

import random
from dataclasses import replace

import pytest
import torch

import engine
from engine import BadRequest, Checkpoint, Event, Finished, Inputs, Request
from engine.drawing.batch import Batch
from engine.drawing.provenance import request_of
from engine.events import Steered
from engine.pictures.images import read_png
from engine.ramps import format_number
from engine.steering import Change, change_prompt, format_then, parse_then, prompts_over, shares_at

STAR = Request(prompt="a red star", seed=1, models="toybox", steps=10, cuts=1, size="64x64")  # small: quick


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('40%:"a blue star"', '40%:"a blue star"'),
        (" 40 : “a  blue star” ; 70.50%:«+ луна»", '40%:"a blue star";70.5%:"+ луна"'),
        ('0%:"x";100%:"- y:2"', '0%:"x";100%:"- y:2"'),
    ],
)
def test_what_is_said_later_has_one_spelling(text: str, canonical: str) -> None:
    assert format_then(parse_then(text)) == canonical
    assert Request(prompt="a star", then=text).then == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "40%",
        "40%:a blue star",
        '40%:"a',
        '70%:"a";40%:"b"',
        '40%:"a";40%:"b"',
        '101%:"a"',
        '40%:"a";',
        '40%:""',
        '40%:"a:999"',
        ";".join(f'{k}%:"a"' for k in range(17)),
    ],
)
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match="^then "):
        Request(prompt="a star", then=text)


@pytest.mark.parametrize(
    ("prompt", "words", "after"),
    [
        ("a star", "a moon", "a moon"),
        ("a star", "+ a moon:2", "a star | a moon:2"),
        ("a star | a moon", "- moon", "a star"),
        ("a star", "- moon", "a star | moon:-0.5"),
        ("a star", "- star", "a star | star:-0.5"),
        ("a starfish | a star", "- star", "a starfish"),
        ("two stars ｜ a moon", "- Star", "a moon"),
        ("a carpet | a dog", "- car", "a carpet | a dog | car:-0.5"),
        ("a star", "+", "+"),
    ],
)
def test_plus_adds_a_part_and_minus_takes_one_away(prompt: str, words: str, after: str) -> None:
    """What is not there is pushed away from, and the last part stays."""
    assert change_prompt(prompt, words) == after


def test_a_change_goes_over_a_short_ramp() -> None:
    """From its step on; the last change wins."""
    prompts = prompts_over("a", (Change(40, "b"), Change(50, "c")), 40)
    assert prompts == [(0, "a"), (16, "b"), (20, "c")]
    since = [at for at, _ in prompts]
    assert shares_at(since, 15, 40) == [(0, 1.0)] and shares_at(since, 16, 40) == [(0, 0.5), (1, 0.5)]
    assert shares_at(since, 17, 40) == [(1, 1.0)] and shares_at(since, 39, 40) == [(2, 1.0)]
    assert shares_at([0, 0], 0, 4) == [(1, 1.0)]


def test_every_step_can_be_named_by_its_percent() -> None:
    """What came while it was drawn is told as if it had been said beforehand."""
    for steps in (1, 7, 30, 999, 1000):
        for step in range(steps):
            (change,) = parse_then(format_then([Change(float(format_number(100 * step / steps)), "x")]))
            assert change.step(steps) == step


def test_what_is_said_beforehand_changes_only_what_comes_after() -> None:
    plain, then = (checkpoints(replace(STAR, steps=6, then=text)) for text in (None, '50%:"a blue circle"'))
    assert all(torch.equal(*pair) for pair in zip(plain[:3], then[:3], strict=True))
    assert not any(torch.equal(*pair) for pair in zip(plain[3:5], then[3:5], strict=True))


def checkpoints(request: Request) -> list[torch.Tensor]:
    from safetensors.torch import load

    return [load(event.state)["x"] for event in engine.draw(request) if isinstance(event, Checkpoint)]


def steer(request: Request, said: dict[int, list[str]], stops: set[int] = frozenset()) -> list[Event]:
    """Draw, saying things after so many steps, and going on from the newest checkpoint in a new batch after others."""
    batch, told, state, steps = Batch(), [], None, 0
    batch.add(0, request, None, Inputs())
    while True:
        for _, outcome in batch.step():
            assert not isinstance(outcome, Exception), outcome
            told.append(outcome)
            state = outcome.state if isinstance(outcome, Checkpoint) else state
        if isinstance(told[-1], Finished):
            return told
        steps += 1
        for words in said.pop(steps, []):
            batch.steer(0, len(told), words)
        if steps in stops and state is not None:
            for _, outcome in batch.step():  # what was said is answered before the death
                told.append(outcome)
                state = outcome.state if isinstance(outcome, Checkpoint) else state
            batch = Batch()
            batch.add(0, request, state, Inputs())


def test_every_change_is_answered_and_the_picture_can_be_drawn_again_from_what_it_says() -> None:
    """Also what was overtaken, and what comes so late that it can hardly show."""
    told = steer(STAR, {3: ["a blue star", "a green star"], 5: ["+ a moon"], 9: ["- star"]})
    answers = [(event.words, event.outcome, event.step) for event in told if isinstance(event, Steered)]
    assert answers == [
        ("a blue star", "overtaken", 3),
        ("a green star", "held", 3),
        ("+ a moon", "held", 5),
        ("- star", "late", 9),
    ]
    assert isinstance(told[-1], Finished)
    said = request_of(read_png(told[-1].png)[1])
    assert said.then == '30%:"a green star";50%:"+ a moon";90%:"- star"'
    assert list(engine.draw(said))[-1].png == told[-1].png  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", [3])
def test_steered_killed_and_gone_on_the_pixels_are_the_same(seed: int) -> None:
    """A change is in the checkpoint that comes with its answer."""
    rng = random.Random(seed)
    request = replace(STAR, seed=seed, steps=6)
    said = {rng.randrange(1, 5): [rng.choice(["a blue circle", "+ a moon", "- star"])] for _ in range(2)}
    whole = steer(request, {step: list(words) for step, words in said.items()})[-1]
    again = steer(request, {step: list(words) for step, words in said.items()}, stops={rng.randrange(2, 5)})[-1]
    assert isinstance(whole, Finished) and isinstance(again, Finished)
    assert request_of(read_png(whole.png)[1]).then is not None
    *_, replayed = engine.draw(request_of(read_png(again.png)[1]))
    assert isinstance(replayed, Finished) and replayed.pixels_sha256 == again.pixels_sha256


def test_more_changes_than_a_drawing_takes_are_answered_too() -> None:
    told = steer(replace(STAR, steps=20, guidance_scale=0.0), {step: ["a moon"] for step in range(1, 19)})
    outcomes = [event.outcome for event in told if isinstance(event, Steered)]
    assert outcomes.count("full") == 2 and len(outcomes) == 18


def test_words_of_one_step_hold_one_after_the_other_where_the_first_were_answered() -> None:
    """After a death a drawing may stand where its last change holds from: that one was promised."""
    request = replace(STAR, steps=4, guidance_scale=0.0, then='50%:"a circle"')
    batch, told, state = Batch(), [], None
    batch.add(0, request, None, Inputs())
    for life in range(2):
        while state is None or life == 0 and not any(isinstance(event, Steered) for event in told):
            told += [outcome for _, outcome in batch.step()]
            batch.steer(0, 1, "+ a moon") if len(told) > 3 and state is None else None
            state = next((event.state for event in reversed(told) if isinstance(event, Checkpoint)), None)
        batch = Batch()
        batch.add(0, request, state, Inputs())
        list(batch.step())
        batch.steer(0, 2, "+ a cat")
        told += [outcome for _, outcome in batch.step()]
    held = [event for event in told if isinstance(event, Steered)]
    assert [event.outcome for event in held][0] == "held" and all("+ a moon" in event.then for event in held)
    assert len({change.percent for change in parse_then(held[-1].then)}) == len(parse_then(held[-1].then))


def test_words_that_lead_to_no_prompt_are_left_out() -> None:
    """Also where only what is said later makes them too long."""
    request = replace(STAR, steps=3, guidance_scale=0.0, then=f'90%:"+ {"x" * 600}"')
    told = steer(request, {1: ["y" * 600]})
    (answer,) = (event for event in told if isinstance(event, Steered))
    assert answer.outcome == "unfit" and answer.then == request.then
    assert isinstance(told[-1], Finished)
