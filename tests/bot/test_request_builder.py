"""bot/request_builder.py, and the language through the whole bot with a fake chat."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UserError
from bot.jobs.job import Draw, NewJob
from bot.messages import Action, Person, Reply, Stage
from bot.request_builder import fetch_picture
from bot.storage.pictures import PictureStore
from engine import NO_INPUTS, Event, Inputs, Request, UpscaleRequest, accept_picture, draw, upscale
from tests.bench.bot import pictures
from tests.bot.test_handlers import answer
from tests.fakes import fakes

RED = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "JPEG")
BLUE = pictures.saved(pictures.Image.new("RGB", (20, 10), "blue"), "GIF")


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[tuple[fakes.Chat, fakes.Engine]]:
    """A bot, set up as fakes.bot takes it, and the chat and the engine it works with."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(folder, chat, engine, **settings):
        yield chat, engine


async def drawn(chat: fakes.Chat, engine: fakes.Engine, job: int = 1) -> tuple[Reply, Request, Inputs]:
    """How a job ended, and what the engine was asked for it."""
    reply = (await chat.until_stage(Stage.FINAL, job=job))[-1]
    request, inputs = engine.asked[-1], engine.given[-1]["inputs"]
    assert isinstance(request, Request) and isinstance(inputs, Inputs)
    return reply, request, inputs


async def test_what_is_said_wins_over_the_style_that_over_the_place_and_that_over_the_config(tmp_path: Path) -> None:
    """The nearest word counts."""

    styles = {"ink": "--steps 13 --eta 0.3 --range-scale 5"}
    async with running(tmp_path, options="--steps 11 --tv-scale 7 --range-scale 4", styles=styles) as (chat, engine):
        await chat.says("a star --style ink --eta 0.4", defaults={"steps": 12, "cuts": 6, "eta": 0.2})
        _, request, _ = await drawn(chat, engine)
        assert request.prompt == "a star"
        said = (request.steps, request.cuts, request.eta, request.tv_scale, request.range_scale)
        assert said == (13, 6, 0.4, 7.0, 5.0)
        await chat.says("a star --style none", defaults={"style": "ink"})
        assert (await drawn(chat, engine, 2))[1].range_scale == 4.0


async def test_a_quality_goes_before_steps_that_nobody_said(tmp_path: Path) -> None:
    """A server's default of 12 steps made `--quality draft` and the style of that name mean nothing."""
    async with running(tmp_path, options="--steps 11") as (chat, engine):
        for said, steps in (("--quality draft", None), ("--style draft", None), ("--style draft --steps 9", 9)):
            await chat.says(f"a star {said}", defaults={"steps": 12})
            request = (await drawn(chat, engine, len(engine.asked) + 1))[1]
            assert (request.steps, request.quality) == (steps, "draft")
        await chat.says("a moon --quality full", remix_of=3)
        request = (await drawn(chat, engine, 4))[1]
        assert (request.steps, request.quality) == (None, "full")


async def test_a_style_of_words_is_refused_where_the_models_know_things_by_name(tmp_path: Path) -> None:
    """A green cat in ink came out white. One that is only a default here lends its options."""
    async with running(tmp_path, styles={"ink": "black ink on white paper --steps 13"}) as (chat, engine):
        await chat.says("a green cat --style ink")
        note = (await chat.until(lambda states: states[-1].stage is Stage.NOTE))[-1]
        assert "picturebook does not know" in note.text and "⟨--style ink⟩" in note.text
        await chat.says("a green cat", defaults={"style": "ink"})
        _, request, _ = await drawn(chat, engine)
        assert (request.prompt, request.steps) == ("a green cat", 13)


async def test_options_of_a_form_are_taken_by_name_and_win_over_those_in_the_words(tmp_path: Path) -> None:
    """They never become text; a ramp or a size is format_command as everywhere."""
    async with running(tmp_path) as (chat, engine):
        given = {"steps": 9, "cuts": "0:8, 100:4", "size": "256х256", "style": "DRAFT", "guidance_scale": "500"}
        await chat.says("/imagine a star --steps 7 --eta 0.5", options=given)
        _, request, _ = await drawn(chat, engine)
        assert (request.steps, request.cuts, request.size, request.eta) == (9, "0:8,100:4", "256x256", 0.5)
        assert request.guidance_scale == 500.0
        for wrong, where in ({"cuts": "many"}, "⟨--cuts many⟩"), ({"eta": 7}, "⟨--eta 7⟩"):
            chat.messages.clear()
            await chat.says("a star", options=wrong)
            assert where in (await chat.until(lambda states: states[-1].stage is Stage.NOTE))[-1].text


async def test_the_most_steps_of_a_chat_hold_whoever_asks_for_more(tmp_path: Path) -> None:
    """The person, a style, a remix of a picture from before the limit, the same picture again, a variation."""
    async with running(tmp_path, styles={"slow": "--steps 60"}) as (chat, engine):
        await chat.says("a moon --steps 50")
        await drawn(chat, engine)
        chat.most_steps = 40
        await chat.says("a star --steps 41")
        await chat.says("a star --style slow")
        await chat.says("a star", defaults={"steps": 41})
        await chat.says("/remix 1 a star")
        await chat.presses(Action.RERUN, 1)
        await chat.presses(Action.VARY, 1)
        await chat.says("a star --quality full")
        await chat.says("a star --sampler solver")
        await chat.until(lambda _: len(chat.notes()) == 8)
        assert all("40 steps or fewer" in note for note in chat.notes())
        await chat.presses(Action.UPSCALE, 1)
        await chat.until_stage(Stage.FINAL, job=2)
        chat.most_steps = 5
        await chat.says("a star --quality draft")  # no more than what is drawn where nothing is said
        await chat.until_stage(Stage.FINAL, job=3)


async def test_an_unknown_style_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """Pointing at the place."""
    async with running(tmp_path) as (chat, _):
        said = await answer(chat, "a star --style watercolor --steps 5")
        assert "Did you mean watercolour?" in said and "a star ⟨--style watercolor⟩ --steps 5" in said


async def test_a_size_that_the_models_cannot_draw_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """Before it waits."""
    async with running(tmp_path) as (chat, _):
        said = await answer(chat, "a star --size 65х64")
        assert "picturebook cannot draw 65x64: the nearest size is 256x256." in said and "⟨--size 65х64⟩" in said


async def test_an_attached_picture_pulls_beside_the_words_and_init_begins_from_it(
    tmp_path: Path,
) -> None:
    """The engine gets the clean picture; a rerun and a remix take it over, a delete takes it away."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star", pictures=(RED,))
        assert (await drawn(chat, engine))[2] == Inputs(targets=((accept_picture(RED), 1.0),))
        await chat.says("a star --init 0.4", pictures=(RED, BLUE))
        _, request, inputs = await drawn(chat, engine, 2)
        both = Inputs(init=accept_picture(RED), targets=((accept_picture(BLUE), 1.0),))
        assert request.init == 0.4 and inputs == both
        await chat.presses(Action.RERUN, 2)
        assert (await drawn(chat, engine, 3))[1:] == (engine.asked[-1], both)
        await chat.says("/remix 2 a cat")
        assert (await drawn(chat, engine, 4))[1:] == (engine.asked[-1], both) and engine.given[-1]["parent"] == "2"
        assert {path.name for path in (tmp_path / "pictures").iterdir() if path.name.startswith("2.")} == {
            "2.png",
            "2.gif",
            "2.init.png",
            "2.target1.png",
        }
        await chat.says("/delete 2")
        await chat.until(lambda states: "#2 is deleted" in states[-1].text)
        assert not [path for path in (tmp_path / "pictures").iterdir() if path.name[0] not in "134"]


@pytest.mark.parametrize(
    ("text", "attached", "sentence"),
    [
        ("a star --init 0.4", (), "needs a picture to start from"),
        ("a star", (b"%PDF",), "PNG, JPEG, WebP or GIF"),
        ("a star", (RED[:300],), "damaged"),
        ("a star", (pictures.png(50_000, 50_000),), "too many pixels"),
        ("a star", (bytes(20_000_001),), "20 MB"),
        ("a star", (RED,) * 5, "at most 4 pictures"),
    ],
)
async def test_pictures_that_cannot_be_drawn_from_are_refused_with_a_sentence(
    tmp_path: Path, text: str, attached: tuple[bytes, ...], sentence: str
) -> None:
    """And leave nothing behind."""
    async with running(tmp_path) as (chat, engine):
        await chat.says(text, pictures=attached)
        states = await chat.until(lambda states: states[-1].stage is Stage.NOTE)
        assert sentence in states[-1].text and engine.asked == []
        assert not list((tmp_path / "pictures").glob("*"))


async def test_a_picture_that_does_not_come_is_given_up() -> None:
    """Telegram's updates wait behind it."""

    async def never() -> bytes:
        await asyncio.Event().wait()
        return b""

    with pytest.raises(UserError, match="picture-lost"):
        await fetch_picture(never, seconds=0.01)


async def test_an_update_that_comes_twice_has_its_picture_once(tmp_path: Path) -> None:
    """A platform delivers again what it is not sure of."""
    async with running(tmp_path) as (chat, engine):
        await asyncio.gather(*(chat.says("a star", pictures=(RED,), key="same") for _ in range(3)))
        assert (await drawn(chat, engine))[2].targets
        assert len(engine.asked) == 1
        assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"1.png", "1.gif", "1.target1.png"}


async def test_a_kill_before_the_job_had_its_picture_loses_nothing(tmp_path: Path) -> None:
    """The picture is on the disk before the job is, under the update's key; the worker looks there too."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine) as app:
        chat.places["t1"] = chat.address("c")
        await PictureStore(tmp_path / "pictures").keep("fake:t1", {"init": b"clean"})
        person = Person(platform="fake", id="ann")
        request = Request(prompt="a star", init=0.4)
        await app._queue.put(NewJob(key="fake:t1", owner=person, address=chat.address("c"), work=Draw(request=request)))
        assert (await drawn(chat, engine))[2].init == b"clean"


async def test_a_drawing_whose_picture_is_gone_fails_with_a_sentence(tmp_path: Path) -> None:
    """It is not drawn from nothing instead."""
    async with running(tmp_path) as (chat, engine):
        engine.gate.clear()
        await chat.says("a cat")
        await chat.says("a star --init 0.4", pictures=(RED,))
        await chat.until_stage(Stage.WAITING, job=2)
        (tmp_path / "pictures" / "2.init.png").unlink()
        engine.gate.set()
        assert "cannot be read" in (await chat.until_stage(Stage.FAILED, job=2))[-1].text


async def typed_back(chat: fakes.Chat, job: int) -> None:
    """Type the line that /settings answers."""
    line = (await answer(chat, f"/settings {job}")).splitlines()[-1].strip()
    await chat.says(line)


async def test_the_line_of_settings_draws_whatever_it_was_again(tmp_path: Path) -> None:
    """A variation, its upscale's variation, guided by a picture, one of several: the same request, the same inputs."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star --count 3 --steps 9", pictures=(RED,))
        await drawn(chat, engine)
        await chat.presses(Action.VARY, 1, 2)
        await drawn(chat, engine, 2)
        await chat.presses(Action.UPSCALE, 2, 1)
        await chat.until_stage(Stage.FINAL, job=3)
        await chat.presses(Action.VARY, 3)
        await drawn(chat, engine, 4)
        await chat.says('a star --init 0.4 --then 40%:"a moon"', pictures=(BLUE, RED))
        await drawn(chat, engine, 5)
        before = {job: drawing for job, drawing in zip((1, 2, 4, 5), requests(engine), strict=True)}
        for number, job in enumerate(before, 6):
            await typed_back(chat, job)
            await chat.until_stage(Stage.FINAL, job=number)
            assert requests(engine)[-1] == before[job]


def requests(engine: fakes.Engine) -> list[tuple[Request, Inputs]]:
    """What the engine was asked to draw, with the pictures; not what it was asked to upscale."""
    asked = zip(engine.asked, engine.given, strict=True)
    return [(request, given["inputs"]) for request, given in asked if isinstance(request, Request)]


async def test_the_line_of_settings_gives_the_same_upscale(tmp_path: Path) -> None:
    """The large picture that there is, or, when it was deleted, the same one drawn again."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star --count 2")
        await drawn(chat, engine)
        await chat.presses(Action.UPSCALE, 1, 2)
        large = (await chat.until_stage(Stage.FINAL, job=2))[-1].picture
        line = await answer(chat, "/settings 2")
        assert line.endswith("/upscale 1 2")
        await typed_back(chat, 2)
        shown = (await chat.until(lambda states: "already" in states[-1].text))[-1].picture
        assert large and shown and shown.content == large.content and len(engine.asked) == 2
        await chat.says("/delete 2")
        await chat.says("/upscale 1 2")
        again = (await chat.until_stage(Stage.FINAL, job=3))[-1].picture
        assert again and again.content == large.content


class RealEngine(fakes.Engine):
    """Draws by the networks, in this process."""

    async def events(
        self, request: Request | UpscaleRequest, resume: bytes | None = None, *, inputs: Inputs = NO_INPUTS, **_: Any
    ) -> AsyncGenerator[Event, None]:
        drawing = upscale(request) if isinstance(request, UpscaleRequest) else draw(request, inputs=inputs)
        for event in drawing:
            yield event


async def test_the_line_of_settings_draws_the_same_pixels(tmp_path: Path) -> None:
    """Of a variation of one of several, and of its upscale after that was deleted."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat, RealEngine()):
        await chat.says("a red star --models toybox --steps 2 --count 2")
        await chat.until_stage(Stage.FINAL, job=1)
        await chat.presses(Action.VARY, 1, 2)
        variation = await pixels(chat, 2)
        await typed_back(chat, 2)
        assert await pixels(chat, 3) == variation
        await chat.presses(Action.UPSCALE, 2, 1)
        large = await pixels(chat, 4)
        line = (await answer(chat, "/settings 4")).splitlines()[-1]
        await chat.says("/delete 4")
        await chat.says(line)
        assert await pixels(chat, 5) == large and len(large) > len(variation)


async def pixels(chat: fakes.Chat, job: int) -> bytes:
    """Of a finished picture."""
    picture = (await chat.until_stage(Stage.FINAL, job=job))[-1].picture
    assert picture
    with pictures.Image.open(io.BytesIO(picture.content)) as opened:
        return opened.convert("RGB").tobytes()


async def test_a_remix_leaves_out_what_was_taken_off_it(tmp_path: Path) -> None:
    """The card says what a remix inherits; each part of it may be left out."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star --count 2 --steps 9", pictures=(RED,))
        await drawn(chat, engine)
        await chat.presses(Action.VARY, 1, 2)
        card, _, _ = await drawn(chat, engine, 2)
        labels = {one.name: one.label for one in card.carries}
        assert labels == {
            "steps": "--steps 9",
            "count": "2 pictures",
            "init": "begins from #1",
            "target": "guided by a picture",
        }
        await chat.says("a moon", remix_of=2, without=("init", "count", "nonsense"))
        _, request, inputs = await drawn(chat, engine, 3)
        assert (request.init, request.count, request.steps) == (None, 1, 9)
        assert inputs.init is None and len(inputs.targets) == 1
        await chat.says("a sun", remix_of=2, without=("target", "steps"))
        _, request, inputs = await drawn(chat, engine, 4)
        assert (request.init, request.count, request.steps) == (0.5, 2, None)
        assert inputs.init is not None and not inputs.targets


def numbered(reply: Reply) -> dict[Action, list[int]]:
    """The numbers on the buttons of each action."""
    found: dict[Action, list[int]] = {}
    for button in reply.buttons:
        if button.picture is not None:
            found.setdefault(button.action, []).append(button.picture)
    return found


async def test_several_pictures_can_be_picked_enlarged_and_varied_each(tmp_path: Path) -> None:
    """The grid has buttons with numbers, and a picked one its own controls."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star --seed 7 --count 3")
        grid, _, _ = await drawn(chat, engine)
        assert numbered(grid) == {action: [1, 2, 3] for action in (Action.PICK, Action.UPSCALE, Action.VARY)}
        assert [b.action for b in grid.buttons[9:]] == [Action.RERUN, Action.REMIX, Action.SETTINGS, Action.DELETE]
        await chat.presses(Action.PICK, 1, 2)
        picked = (await chat.until(lambda states: "Picture 2 of #1" in states[-1].text))[-1]
        assert picked.picture and picked.picture.content == fakes.scripted.png(8, 10) and picked.job is None
        assert {(b.job, b.picture) for b in picked.buttons} == {(1, 2)} and not picked.private
        await chat.presses(Action.UPSCALE, 1, 3)
        await chat.until_stage(Stage.FINAL, job=2)
        assert engine.asked[-1] == UpscaleRequest(png=fakes.scripted.png(9, 10))
        assert "already been upscaled: #2" in await answer(chat, "/upscale 1 3")
        await chat.presses(Action.VARY, 1, 2)
        _, request, inputs = await drawn(chat, engine, 3)
        assert (request.init, request.count, request.pick) == (0.5, 3, None) and request.seed != 7
        assert inputs.init == accept_picture(fakes.scripted.png(8, 10))
        assert "#3 is a variation of #1" in await answer(chat, "/show 3")
        assert "--count 3 --pick 2" in await answer(chat, "/settings 1 2")


async def test_vary_takes_a_strength_and_one_picture_needs_no_number(tmp_path: Path) -> None:
    """`/vary 1 0.3`."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star --seed 7")
        single, _, _ = await drawn(chat, engine)
        assert numbered(single) == {} and Action.VARY in [button.action for button in single.buttons]
        await chat.says("/vary 1 0.3")
        _, request, inputs = await drawn(chat, engine, 2)
        assert request.init == 0.3 and inputs.init == accept_picture(fakes.scripted.png(7, 10))
        await chat.presses(Action.UPSCALE, 1)  # an old button, without a number
        await chat.until_stage(Stage.FINAL, job=3)
        await chat.presses(Action.VARY, 3)
        assert (await drawn(chat, engine, 4))[1].init == 0.5


async def test_a_number_that_is_not_there_is_told(tmp_path: Path) -> None:
    """And a number that is needed is asked for."""
    async with running(tmp_path) as (chat, engine):
        await chat.says("a star --count 2")
        await drawn(chat, engine)
        assert "has 2 pictures: use the buttons" in await answer(chat, "/upscale 1")
        assert "#1 has 2 pictures." in await answer(chat, "/vary 1 3")
        await chat.says("a star")
        await drawn(chat, engine, 2)
        assert "#2 has only one picture." in await answer(chat, "/upscale 2 2")
