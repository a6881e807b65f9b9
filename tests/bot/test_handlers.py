"""bot/handlers.py: what people ask, through the whole bot with a fake chat."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.config import LimitsConfig
from bot.handlers import PORTION
from bot.messages import Action, Person, Stage, TextMessage
from tests.fakes import fakes, scripted

PNG = scripted.png(1, 1)


@asynccontextmanager
async def bot_with_a_picture(folder: Path, **settings: Any) -> AsyncIterator[tuple[fakes.Chat, fakes.Engine]]:
    """A bot, set up as fakes.bot takes it, that has drawn picture 1 for ann in chat c."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(folder, chat, engine, **settings):
        await chat.says("a red star --seed 7")
        await chat.until_stage(Stage.FINAL)
        yield chat, engine
        engine.gate.set()  # a drawing that is held back would hold up the end


async def answer(chat: fakes.Chat, text: str, *, chat_name: str = "c", **who: Any) -> str:
    """What the bot answers to a message that makes no job."""
    notes = len(chat.notes())
    await chat.says(text, chat=chat_name, **who)
    async with asyncio.timeout(20):
        while len(chat.notes()) == notes:
            chat.moved.clear()
            await chat.moved.wait()
    return chat.notes()[-1]


async def test_upscale_rerun_and_remix_link_to_their_parent(tmp_path: Path) -> None:
    """And /show tells the line of descent."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        await chat.presses(Action.RERUN, 1)
        rerun = (await chat.until_stage(Stage.FINAL, job=2))[-1]
        assert rerun.picture and rerun.picture.content != fakes.scripted.png(7, 10)
        await chat.says("/remix 2 a green star")
        assert (await chat.until_stage(Stage.FINAL, job=3))[-1].prompt == "a green star"
        await chat.presses(Action.UPSCALE, 3)
        large = (await chat.until_stage(Stage.FINAL, job=4))[-1]
        assert "32 × 32" in large.text and large.gif is None
        assert Action.UPSCALE not in [button.action for button in large.buttons]
        shown = await answer(chat, "/show 4")
        for words in ("#4 is #3, four times larger", "#3 is a remix of #2", "#2 is a rerun of #1"):
            assert words in shown


async def test_a_picture_is_upscaled_once(tmp_path: Path) -> None:
    """Asking again points to the large one; the large one cannot grow."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        await chat.says("/upscale 1")
        await chat.until_stage(Stage.FINAL, job=2)
        assert "already been upscaled: #2" in await answer(chat, "/upscale 1")
        assert "already upscaled" in await answer(chat, "/upscale 2")


async def test_adding_a_reaction_again_asks_once(tmp_path: Path) -> None:
    """Same person adds, removes, adds: one job. With or without the invisible U+FE0F."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        message = chat.message_of(1)
        for emoji in ("⚡️", "⚡", "🎉", "🍕"):
            await chat.reacts(emoji, message)
        await chat.reacts("🔥", "unknown")
        await chat.until_stage(Stage.FINAL, job=2)
        await chat.reacts("🔁", message, who="bob")
        await chat.until_stage(Stage.FINAL, job=3)
        assert len(chat.messages) == 3


async def test_settings_tell_how_to_draw_it_again(tmp_path: Path) -> None:
    """Words and seed are all it takes."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        assert "/imagine a red star --seed 7 --models picturebook" in await answer(chat, "/settings 1")
        assert "Models: picturebook" in await answer(chat, "/settings")
        assert "--guidance-scale" in await answer(chat, "/help more")
        assert "/remix 1 a red star" in await answer(chat, "/remix 1")


async def test_others_can_neither_cancel_nor_delete_and_elsewhere_see_nothing(tmp_path: Path) -> None:
    """Numbers are easy to guess."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        assert "somebody else" in await answer(chat, "/delete 1", who="bob")
        assert "somebody else" in await answer(chat, "/cancel 1", who="bob")
        for command in ("show", "upscale", "rerun", "settings", "delete", "cancel", "remix"):
            assert "no picture #1 here" in await answer(chat, f"/{command} 1", who="bob", chat_name="elsewhere")
        assert "no picture #99 here" in await answer(chat, "/show 99")
        assert "finished" in await answer(chat, "/show 1", chat_name="elsewhere")  # ann, in another chat


async def test_models_that_are_not_there_are_refused_before_they_wait(tmp_path: Path) -> None:
    """And the sentence names those that are."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        assert "toybox" in await answer(chat, "a star --models dalle")


async def test_delete_takes_message_and_files_away(tmp_path: Path) -> None:
    """Also of one that is being drawn."""
    async with bot_with_a_picture(tmp_path) as (chat, engine):
        engine.gate.clear()
        await chat.says("a blue star")
        await chat.until_stage(Stage.WAITING, job=2)
        await chat.presses(Action.DELETE, 1)
        assert "#2 is deleted" in await answer(chat, "/delete 2")
        assert "no picture #2 here" in await answer(chat, "/show 2")
        async with asyncio.timeout(20):
            while len(chat.messages) > len(chat.notes()):
                chat.moved.clear()
                await chat.moved.wait()
    assert not list((tmp_path / "pictures").iterdir())


async def test_cancel_without_a_number_means_the_newest(tmp_path: Path) -> None:
    """And a second delivery of the same message does not cancel another one."""
    async with bot_with_a_picture(tmp_path) as (chat, engine):
        assert "nothing to cancel" in await answer(chat, "/cancel")
        engine.gate.clear()
        await chat.says("one")
        await chat.says("two")
        assert "#3 is cancelled" in await answer(chat, "/cancel", key="x")
        await chat.says("/cancel", key="x")
        assert "already finished" in await answer(chat, "/cancel 3")
        engine.gate.set()
        await chat.until_stage(Stage.FINAL, job=2)


async def test_queue_tells_how_many_wait_and_where_i_stand(tmp_path: Path) -> None:
    """Visible fairness."""
    async with bot_with_a_picture(tmp_path) as (chat, engine):
        assert "The queue is empty" in await answer(chat, "/queue")
        engine.gate.clear()
        await chat.says("one")
        await chat.until_stage(Stage.WAITING, job=2)
        while not (running := "being drawn" in await answer(chat, "/queue")):
            pass
        await chat.says("two")
        told = await answer(chat, "/queue")
        assert running and "1 picture is waiting" in told and "#3 “two”: place 1" in told


async def test_over_the_limit_is_refused_with_the_number(tmp_path: Path) -> None:
    """In the asker's language."""
    async with bot_with_a_picture(tmp_path, limits=LimitsConfig(queued=1)) as (chat, engine):
        engine.gate.clear()
        await chat.says("one")
        assert "1 картинка" in await answer(chat, "two", language="ru")


async def test_the_file_of_a_picture_is_its_png_untouched(tmp_path: Path) -> None:
    """For platforms that only show a copy of it."""
    async with bot_with_a_picture(tmp_path) as (chat, engine):
        await chat.presses(Action.FILE, 1)
        sent = (await chat.until(lambda states: states[-1].as_file))[-1]
        assert sent.picture and sent.picture.content == fakes.scripted.png(7, 10)
        assert "There is no picture #1 here" in await answer(chat, "/file 1", who="mallory", chat_name="hers")
        engine.gate.clear()
        await chat.says("a house")
        assert "#2 has no picture yet" in await answer(chat, "/file 2")


async def test_a_reaction_is_answered_in_the_thread_of_its_message(tmp_path: Path) -> None:
    """Telegram does not say in which topic it was; the job knows."""
    chat = fakes.Chat()
    address = replace(chat.address("forum"), thread="7")
    async with fakes.bot(tmp_path, chat) as app:
        ann = Person(platform="fake", id="ann")
        await chat.receive(TextMessage(key="1", person=ann, address=address, text="a star"))
        await chat.until_stage(Stage.FINAL)
        await chat.reacts("🎉", chat.message_of(1), chat="forum")
        await chat.until_stage(Stage.FINAL, job=2)
        assert (await app.job(2)).address == address


async def test_a_fault_of_ours_is_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    """Whatever it is, the person learns that it is not theirs."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        await chat.reacts("🔥", "\ud800")  # half a letter, which SQLite does not take
        await chat.until(lambda states: "on our side" in states[-1].text)


async def test_nobody_waits_behind_pictures_that_do_not_come(tmp_path: Path) -> None:
    """More of them than messages are handled at the same time."""

    async def never_comes() -> bytes:
        return await asyncio.Event().wait() and b""

    async with bot_with_a_picture(tmp_path) as (chat, _):
        address = chat.address("theirs")
        mallory = Person(platform=address.platform, id="mallory", name="mallory", language="en")
        asked = [
            TextMessage(
                key=f"m{number}", person=mallory, address=address, text="a star", message="", pictures=(never_comes,)
            )
            for number in range(PORTION + 5)
        ]
        waiting = [asyncio.create_task(chat.receive(message)) for message in asked]
        await asyncio.sleep(0)
        assert "/imagine" in await answer(chat, "/help")
        for task in waiting:
            task.cancel()


async def test_pictures_of_somebody_over_the_limit_are_not_even_fetched(tmp_path: Path) -> None:
    """Sixty of 17 MB were decoded before they were refused."""
    fetched = []

    async def fetch() -> bytes:
        fetched.append(1)
        return b""

    async with bot_with_a_picture(tmp_path, limits=LimitsConfig(per_day=1)) as (chat, _):
        address = chat.address("c")
        ann = Person(platform=address.platform, id="ann", name="ann", language="en")
        await chat.receive(
            TextMessage(key="over", person=ann, address=address, text="a star", message="", pictures=(fetch,))
        )
        assert not fetched


async def test_an_attached_picture_goes_when_its_job_cannot_be_stored(tmp_path: Path) -> None:
    """It stayed for ever under a name that nobody looked up, after `/forget me` too."""
    chat, pictures = fakes.Chat(), tmp_path / "pictures"
    async with fakes.bot(tmp_path, chat):
        with sqlite3.connect(tmp_path / "imago.sqlite") as database:
            database.execute("CREATE TRIGGER broken BEFORE INSERT ON jobs BEGIN SELECT raise(ABORT, 'broken'); END")
        database.close()
        await chat.says("a star", pictures=(PNG,))
        await chat.until(lambda states: states[-1].stage is Stage.NOTE)
        assert not [path.name for path in pictures.iterdir() if "target" in path.name]


async def test_files_of_nobody_are_gone_after_a_start(tmp_path: Path) -> None:
    """A kill between file and row, or between row and file."""
    chat, pictures = fakes.Chat(), tmp_path / "pictures"
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star", pictures=(PNG,))
        await chat.until_stage(Stage.FINAL)
        await chat.says("a moon", pictures=(PNG,))
        await chat.until_stage(Stage.FINAL, job=2)
    with sqlite3.connect(tmp_path / "imago.sqlite") as database:
        database.execute("UPDATE jobs SET status = 'deleted' WHERE id = 2")
    database.close()
    (pictures / f"{'a' * 32}.target1.png").write_bytes(PNG)
    (pictures / f"{'b' * 32}.target1.png.part").write_bytes(PNG[:10])
    async with fakes.bot(tmp_path, chat):
        assert {path.name.split(".")[0] for path in pictures.iterdir()} == {"1"}
        assert (pictures / "1.target1.png").exists()


async def test_a_mistyped_command_is_mended_by_one_tap_and_pictures_are_shown_by_one(tmp_path: Path) -> None:
    """In the reader's language."""
    async with bot_with_a_picture(tmp_path) as (chat, _):
        await chat.says("/imagin@imago a star --steps 9")
        await chat.until(lambda states: states[-1].offers == ("/imagine a star --steps 9",))
        await chat.says("/qwertz a star")
        await chat.until(lambda states: "/qwertz" in states[-1].text and states[-1].offers == ())
        await chat.says("a long " * 200)
        await chat.until(lambda states: states[-1].typed == "a long " * 200)
        await chat.says("/картинки", language="ru")
        await chat.until(lambda states: states[-1].offers == ("/покажи 1",))
