"""bot/moderation/moderation.py: the moderation of the house, through the whole bot with a fake chat."""

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.config import ModerationConfig
from bot.language.commands import Forget
from bot.messages import Action, Address, Person, Stage, TextMessage
from bot.moderation.moderation import CODE_LIFE, Moderation
from tests.bot.test_handlers import answer, bot_with_a_picture
from tests.fakes import fakes

OWNED = ModerationConfig(owners=("fake:olga",), words=("spider", "паук"))


def bot_of_olga(
    folder: Path, moderation: ModerationConfig = OWNED
) -> AbstractAsyncContextManager[tuple[fakes.Chat, fakes.Engine]]:
    """A bot of olga's that has drawn picture 1 for ann in chat c."""
    return bot_with_a_picture(folder, moderation=moderation)


async def told(chat: fakes.Chat, text: str, chat_name: str = "c") -> str:
    """What the bot answers to a moderator of chat c."""
    return await answer(chat, text, who="mia", moderator=True, chat_name=chat_name)


async def test_a_moderators_ban_holds_in_the_chat_and_an_owners_everywhere(tmp_path: Path) -> None:
    """And each message of somebody who is shut out gets one sentence, also when it is delivered twice."""
    async with bot_of_olga(tmp_path) as (chat, _):
        assert "fake:ann is now banned in this chat" in await told(chat, "/ban #1")
        assert "banned from using this bot here" in await answer(chat, "a star", key="k")
        notes = len(chat.notes())
        await chat.says("a star", key="k")
        assert "banned from using this bot here" in await answer(chat, "/nonsense")
        assert len(chat.notes()) == notes + 1
        await chat.says("elsewhere --seed 7", chat="d")
        await chat.until_stage(Stage.FINAL, job=2)
        assert "everywhere" in await answer(chat, "/ban fake:ann", who="olga", chat_name="hers")
        assert "banned from using this bot here" in await answer(chat, "a star", chat_name="d")
        assert "no longer banned" in await answer(chat, "/unban fake:ann", who="olga", chat_name="c")
        assert "is not banned" in await told(chat, "/unban fake:ann")
        await chat.says("back again")
        await chat.until_stage(Stage.FINAL, job=3)


async def test_a_ban_outlives_a_restart_and_ends_what_waits(tmp_path: Path) -> None:
    """Nobody should see their pictures come out after the ban."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine, moderation=OWNED):
        await chat.says("one")
        await chat.says("two", chat="d")
        await told(chat, "/ban #1")
        await chat.until_stage(Stage.STOPPED)
        engine.gate.set()
        await chat.until_stage(Stage.FINAL, job=2)
    async with fakes.bot(tmp_path, chat, engine, moderation=OWNED):
        assert "banned from using this bot here" in await answer(chat, "a star")


async def test_an_owner_cannot_be_shut_out_nor_anybody_by_themselves(tmp_path: Path) -> None:
    """The owner would be locked out of their own bot."""
    async with bot_of_olga(tmp_path) as (chat, _):
        assert "cannot be banned" in await told(chat, "/ban fake:olga")
        assert "cannot be banned" in await told(chat, "/ban fake:mia")
        assert "no picture #99" in await told(chat, "/ban 99")
        assert "no picture #1" in await told(chat, "/ban #1", chat_name="elsewhere")
        assert "Who is meant" in await told(chat, "/ban the one with the hat")
        assert "fake:123" in await told(chat, "/ban <@123>")


async def test_purge_takes_a_picture_away_everywhere_it_was_sent(tmp_path: Path) -> None:
    """Its message, its upscaling's (asked for by another), and the answers that show it, in other chats too."""
    async with bot_of_olga(tmp_path) as (chat, _):
        await chat.presses(Action.UPSCALE, 1, who="bob")
        await chat.until_stage(Stage.FINAL, job=2)
        await answer(chat, "/show 1", who="bob")
        await answer(chat, "/file 2", who="bob")
        await answer(chat, "/show 1", chat_name="another")
        pictures = [m for m, states in chat.messages.items() if states[-1].picture]
        assert len(pictures) == 5
        await chat.says("/purge 1", who="mia", moderator=True)
        await chat.until(lambda states: "#1 has been removed everywhere it was sent: 2 pictures" in states[-1].text)
        async with asyncio.timeout(20):
            while set(pictures) & set(chat.messages):
                chat.moved.clear()
                await chat.moved.wait()
        assert "no picture #2" in await answer(chat, "/show 2")
    assert not list((tmp_path / "pictures").iterdir())


async def test_a_pause_says_so_kindly_and_running_goes_on(tmp_path: Path) -> None:
    """A moderator's in the chat, an owner's everywhere, and it outlives a restart."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine, moderation=OWNED):
        await chat.says("a star")
        assert "in this chat until /resume" in await told(chat, "/pause")
        assert "New pictures are paused" in await answer(chat, "a moon")
        await chat.says("a sun", chat="d")
        assert "everywhere" in await answer(chat, "/pause", who="olga", chat_name="d")
        assert "New pictures are paused" in await answer(chat, "a moon", chat_name="d")
        engine.gate.set()
        await chat.until_stage(Stage.FINAL)
        await chat.until_stage(Stage.FINAL, job=2)
        assert "in this chat" in await told(chat, "/resume")
    async with fakes.bot(tmp_path, chat, engine, moderation=OWNED):
        assert "New pictures are paused" in await answer(chat, "a moon")
        assert "everywhere" in await answer(chat, "/resume", who="olga")
        await chat.says("a moon")
        await chat.until_stage(Stage.FINAL, job=3)


async def test_a_word_of_the_list_is_refused_without_repeating_it(tmp_path: Path) -> None:
    """In both languages; also in a rerun of a picture from before the word was listed."""
    async with bot_of_olga(tmp_path) as (chat, _):
        for text in ("a red SPIDER", "звезда | Паук:-1", "/remix 1 spider"):
            said = await answer(chat, text)
            assert "a word that is not allowed here" in said
            assert "spider" not in said.lower() and "паук" not in said.lower()
        await chat.says("a spiderweb")
        await chat.until_stage(Stage.FINAL, job=2)
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat, moderation=ModerationConfig(words=("red star",))):
        assert "a word that is not allowed here" in await answer(chat, "/rerun 1")


async def test_forget_me_asks_first_and_deletes_only_with_the_code(tmp_path: Path) -> None:
    """A message that is delivered twice must not be its own confirmation."""
    async with bot_of_olga(tmp_path) as (chat, _):
        asked = await answer(chat, "/forget me", key="f")
        assert "cannot be undone" in asked
        assert "cannot be undone" in await answer(chat, "/forget me", key="f")
        code = re.findall(r"/forget me (\d+)", chat.notes()[-1])[0]
        assert "wrong or has expired" in await answer(chat, f"/forget me {code}", who="bob")
        await chat.until_stage(Stage.FINAL)
        assert "Did you mean" in await answer(chat, "/forget bob")
        assert "has been deleted, including 1 picture" in await answer(chat, f"/forget me {code}")
        assert "no picture #1" in await answer(chat, "/show 1")
        assert "wrong or has expired" in await answer(chat, f"/forget me {code}")


async def test_who_is_banned_can_still_be_forgotten_and_stays_banned(tmp_path: Path) -> None:
    """To be forgotten is a right; to come back by it is none."""
    async with bot_of_olga(tmp_path) as (chat, _):
        await told(chat, "/ban #1")
        code = re.findall(r"/forget me (\d+)", await answer(chat, "/forget me"))[0]
        assert "has been deleted" in await answer(chat, f"/forget me {code}")
        assert "banned from using this bot here" in await answer(chat, "a star")


async def test_a_code_grows_old(tmp_path: Path) -> None:
    """Somebody who finds it later in the chat's history gets nothing by it."""
    now = [0.0]
    moderation = Moderation(store=None, queue=None, eraser=None, clock=lambda: now[0])  # type: ignore[arg-type]
    person = Person(platform="fake", id="ann")
    message = TextMessage(key="k", person=person, address=Address(platform="fake", chat="c"), text="")
    text, values = await moderation.obey(message, Forget())
    assert (text, values["minutes"]) == ("forget-sure", 10)
    now[0] = CODE_LIFE
    text, _ = await moderation.obey(message, Forget(code=str(values["code"])))
    assert text == "forget-wrong-code"


async def test_the_bot_tells_a_person_its_name_for_them(tmp_path: Path) -> None:
    """It is what the config's list of owners takes."""
    async with bot_of_olga(tmp_path) as (chat, _):
        assert await answer(chat, "/whoami") == "I know you as fake:ann."
        assert "an owner" in await answer(chat, "/whoami", who="olga")
        assert "moderator of this chat" in await told(chat, "/whoami")


async def test_a_ban_on_the_page_holds_for_all_names_of_the_browser(tmp_path: Path) -> None:
    """A name is a label: a ban ended with a new one."""

    class Page(fakes.Chat):
        def _person(self, who: str, **more: Any) -> Person:
            return replace(super()._person(who, **more), account="" if who == "olga" else "browser")

    chat = Page()
    async with fakes.bot(tmp_path, chat, moderation=OWNED):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
        assert "fake:browser is now banned everywhere" in await answer(chat, "/ban #1", who="olga")
        for name in ("ann", "another"):
            assert "banned from using this bot here" in await answer(chat, "a moon", who=name)
        assert "no longer banned" in await answer(chat, "/unban fake:ann", who="olga")
        await chat.says("a moon", who="another")
        await chat.until_stage(Stage.FINAL, job=2)
