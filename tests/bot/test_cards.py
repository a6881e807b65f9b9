"""bot/delivery/cards.py"""

import pytest

from bot.delivery.cards import Cards
from bot.jobs.job import Draw, Job, Kind, Status, Upscale
from bot.messages import Action, Address, Reply, Stage
from bot.texts import LANGUAGES, Texts
from bot.worker import FAILURES
from engine import Preview, Request

CARDS = Cards(Texts())


RED_STAR = Request(prompt="a red star", seed=7)


def job(**values: object) -> Job:
    usual = {
        "id": 12,
        "owner": "fake:ann",
        "language": "en",
        "address": Address(platform="fake", chat="c"),
        "answers": "",
        "work": Draw(request=RED_STAR),
        "kind": Kind.IMAGINE,
        "parent": None,
        "attempts": 0,
        "status": Status.DRAWN,
        "created": 0.0,
        "started": 0.0,
        "steps": 60,
        "seconds": 34.0,
        "width": 8,
        "height": 8,
        "failure": "",
    }
    return Job(**{**usual, **values})  # type: ignore[arg-type]


def actions(reply: Reply) -> list[Action]:
    return [button.action for button in reply.buttons]


def test_the_final_has_picture_gif_and_all_controls() -> None:
    """With the whole prompt as alt text."""
    reply = CARDS.final(job(), b"png", b"gif")
    assert reply.picture and reply.gif and reply.picture.alt == reply.gif.alt == "a red star"
    assert (reply.picture.name, reply.gif.name, reply.gif.media_type) == ("12.png", "12.gif", "image/gif")
    assert actions(reply) == [Action.UPSCALE, Action.VARY, Action.RERUN, Action.REMIX, Action.SETTINGS, Action.DELETE]
    assert "seed 7 · 60 steps · about 34 seconds" in reply.text


def test_the_final_gives_the_credit_that_a_licence_asks_for() -> None:
    """CC BY: where the picture is shown, its model's author is named."""
    reply = CARDS.final(job(work=Draw(request=Request(prompt="a castle", models="pixelart"))), b"png", None)
    assert reply.text.endswith("\nPixel Art Diffusion 4K by KaliYuga (CC BY 3.0)")


def test_what_is_under_way_can_be_cancelled() -> None:
    """And shows how far it is."""
    preview = Preview(percent=40, step=24, steps=60, png=b"png")
    reply = CARDS.drawing(job(), preview, 20.0)
    assert reply.text == "“a red star”: step 24 of 60, 40 %, about 20 seconds left."
    assert reply.picture and reply.picture.name == "12-40.png" and reply.percent == 40
    for card in (reply, CARDS.waiting(job(), (3, None)), CARDS.starting(job())):
        assert Action.CANCEL in actions(card)


def test_how_long_it_takes_is_told_before_it_begins() -> None:
    """A picture of a large set takes minutes on a processor; nothing is told where nothing was measured."""
    assert CARDS.starting(job()).text == "“a red star”: starting to draw."
    assert CARDS.starting(job(), 370.0).text == "“a red star”: starting to draw, about 6 minutes."
    assert CARDS.starting(job(language="ru"), 370.0).text == "«a red star»: начинаю рисовать, это около 6 минут."


def test_only_a_picture_can_be_upscaled_and_only_once() -> None:
    """A control that cannot work is not shown."""
    assert Action.UPSCALE in actions(CARDS.stopped(job(), b"png"))
    for card in (
        CARDS.stopped(job(), None),
        CARDS.failed(job(failure="failed-engine")),
        CARDS.final(job(work=Upscale(request=RED_STAR, source=3), kind=Kind.UPSCALE, parent=3), b"png", None),
    ):
        assert Action.UPSCALE not in actions(card) and Action.RERUN in actions(card)


def test_a_long_prompt_leaves_room_for_the_rest() -> None:
    """Captions are short on some platforms; the whole prompt is in the alt text and the settings."""
    reply = CARDS.final(job(work=Draw(request=Request(prompt="x" * 1000))), b"png", None)
    assert len(reply.text) < 500 and "seed 0" in reply.text
    assert reply.picture and reply.picture.alt == "x" * 1000 == reply.prompt


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("failure", sorted({*FAILURES.values(), "failed-engine", "failed-disk"}))
def test_every_failure_has_a_sentence(failure: str, language: str) -> None:
    """And no picture pretends to be one."""
    reply = CARDS.failed(job(failure=failure, language=language))
    assert reply.stage is Stage.FAILED and reply.picture is None and "a red star" in reply.text
