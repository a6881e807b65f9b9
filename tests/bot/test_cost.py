"""bot/jobs/cost.py: how much work a job is, before it is done."""

from pathlib import Path

import pytest

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.jobs.cost import check_cost, cost_of
from bot.jobs.job import Draw, Upscale
from bot.messages import Action, Stage
from engine import Request
from tests.fakes import fakes


def drawing(**options: object) -> Draw:
    return Draw(request=Request(prompt="a star", models="toybox", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "work"),
    [
        ({}, 1.0),
        ({"steps": 600}, 10.0),
        ({"quality": "draft"}, 0.5),
        ({"steps": 60, "quality": "full"}, 1.0),
        ({"count": 4}, 4.0),
        ({"count": 4, "pick": 2}, 1.0),
        ({"cuts": 256}, 6.04),
        ({"cuts": "0:64,100:16"}, 1.72),
        ({"cuts": 256, "guidance_scale": 0}, 0.92),
        ({"cuts": 64, "guide_every": 4}, 1.24),
        ({"size": "512x512"}, 3.76),
        ({"init": 0.5}, 0.5),
        ({"steps": 600, "count": 4, "cuts": 256, "size": "512x512"}, 352.0),
        ({"steps": 1}, 0.05),
    ],
)
def test_work_is_steps_times_pictures_times_pixels_and_crops(options: dict[str, object], work: float) -> None:
    """352 normal drawings counted as one, in limits, turns and expected waits."""
    assert cost_of(drawing(**options)) == pytest.approx(work, rel=0.02)


def test_upscaling_is_a_quarter_of_a_drawing_of_its_size() -> None:
    """It takes no steps."""
    request = Request(prompt="a star", models="toybox", steps=1000, count=4)
    assert cost_of(Upscale(request=request, source=1)) == 0.25


def test_a_set_that_was_taken_away_is_left_to_the_engine() -> None:
    """It has the sentence."""
    assert cost_of(Draw(request=Request(prompt="a star", models="gone"))) == 1.0


def test_too_much_is_refused_with_what_to_lower() -> None:
    """Most helpful first, and only what is above the usual."""
    with pytest.raises(UserError) as refused:
        check_cost(drawing(steps=1000, cuts=256), 100)
    assert refused.value.text == "job-too-large"
    assert refused.value.values == {"work": 101, "limit": "100", "options": "--steps --cuts"}
    check_cost(drawing(steps=1000, cuts=256), 0)


def test_an_upscaling_may_be_too_much_too() -> None:
    """Only the size counts in it."""
    large = Upscale(request=Request(prompt="a star", models="toybox", size="512x512", steps=1000), source=1)
    with pytest.raises(UserError) as refused:
        check_cost(large, 0.9)
    assert refused.value.values["options"] == "--size"
    check_cost(large, cost_of(large))


async def test_nobody_asks_for_too_much_in_whatever_way(tmp_path: Path) -> None:
    """Typed, by a form, drawn again, varied: the core asks, so every platform does."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star --steps 600")
        await chat.until_stage(Stage.FINAL)
    async with fakes.bot(tmp_path, chat, limits=LimitsConfig(per_job=4)):
        for ask in (
            chat.says("a star --steps 600"),
            chat.says("a star", options={"steps": 600}),
            chat.presses(Action.RERUN, 1),
            chat.presses(Action.VARY, 1),
            chat.reacts("🎉", chat.message_of(1)),
            chat.says("/remix 1 a moon"),
        ):
            before = len(chat.notes())
            await ask
            await chat.until(lambda states, n=before: len(chat.notes()) > n)  # type: ignore[misc]
            assert "--steps" in chat.notes()[-1] and "4 is the most" in chat.notes()[-1]
        await chat.says("a moon")
        await chat.until_stage(Stage.FINAL, job=2)
