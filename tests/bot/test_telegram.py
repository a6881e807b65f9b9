"""bot/adapters/telegram: the whole bot against the emulated Bot API."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import unused_port
from telegram import Update
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError, TimedOut

from bot.__main__ import main
from bot.adapters.base import Connection
from bot.adapters.telegram import TelegramAdapter
from bot.adapters.telegram.albums import QUIET, Albums
from bot.adapters.telegram.errors import map_error
from bot.adapters.telegram.library import make_bot
from bot.adapters.telegram.pace import Pace
from bot.adapters.telegram.updates import Failures, poll
from bot.config import ModerationConfig, TelegramConfig
from bot.errors import AdapterError, AddressGone, Closed, ConfigError, MessageGone, NotDelivered, Refused, RetryAfter
from bot.messages import Address, File, Reply, Stage
from bot.texts import Texts
from engine import Inputs, accept_picture
from tests.bench.bot import pictures
from tests.bot.test_verdicts import Scoring
from tests.fakes import botapi, fakes, scenario, scripted, telegram_bot
from tests.fakes.botapi import ApiError, Json
from tests.fakes.elsewhere import in_a_thread
from tests.fakes.scripted import noisy
from tests.fakes.telegram_bot import buttons, finals, texts

ME = botapi.ME["id"]
GROUP = -1001
PLACE = Address(platform="telegram", chat="5")


@asynccontextmanager
async def running(folder: Path, engine: Any = None, **more: Any) -> AsyncIterator[botapi.Server]:
    """The server of a running bot; all that is called meanwhile must be as the Bot API describes."""
    async with botapi.Server().serving() as server, telegram_bot.bot(folder, server, engine, **more):
        yield server
    assert server.invalid == [] and server.calls


async def test_the_shared_story_holds_on_telegram(tmp_path: Path) -> None:
    """imagine → previews → final → GIF → react → restart → old button → cancel."""
    async with botapi.Server().serving() as server:
        driver = telegram_bot.Driver(tmp_path, server)
        await driver.bot.start()
        await scenario.play(driver)
        await driver.bot.stop()
    assert server.invalid == []


async def test_a_private_text_becomes_one_message_that_ends_as_the_picture_with_its_gif(tmp_path: Path) -> None:
    """Text first, photo from the first preview on, its buttons at the end, the GIF as an answer to it."""
    async with running(tmp_path) as server:
        server.says(5, "a red star --seed 7")
        gif = (await server.until(lambda: [s for s in server.states if "animation" in s.message]))[0]
        (final,) = finals(server)
        assert gif.message["reply_to_message"]["message_id"] == final["message_id"]
        assert server.states[0].method == "sendMessage" and server.states[0].message["reply_to_message"]
        assert "editMessageMedia" in [s.method for s in server.states if s.message["message_id"] == final["message_id"]]
        assert buttons(final) == [f"{a}:1" for a in ("upscale", "vary", "rerun", "remix", "settings", "file", "delete")]
        assert "seed 7" in final["caption"]


def statuses(folder: Path) -> list[str]:
    """Of all jobs, oldest first."""
    with sqlite3.connect(folder / "imago.sqlite") as database:
        return [status for (status,) in database.execute("SELECT status FROM jobs ORDER BY id")]


# Inward


async def test_an_update_is_confirmed_when_its_job_is_stored_and_again_is_the_same_job(
    tmp_path: Path,
) -> None:
    """A kill in between costs nothing: unconfirmed it comes again, and the key is known."""
    seen: list[int] = []
    async with running(tmp_path) as server:

        def look(method: str, parameters: Json) -> None:
            if method == "getUpdates" and parameters.get("offset"):
                seen.append(len(statuses(tmp_path)))  # at the moment of the confirmation

        server.refuse = look
        message = server.says(5, "a star")
        await server.until(lambda: seen)
        server.update("message", message)
        server.says(5, "a house")
        await server.until(lambda: len(finals(server)) == 2)
    assert seen[0] == 1 and len(statuses(tmp_path)) == 2


async def test_a_bot_that_is_closed_confirms_nothing() -> None:
    """What could not be taken comes again after the restart."""
    async with botapi.Server().serving() as server, make_bot(botapi.TOKEN, server.url) as bot:

        async def refuse(update: object) -> None:
            raise Closed

        server.says(5, "a star")
        await poll(bot, refuse)
        assert len(server.waiting()) == 1


async def test_an_update_that_takes_long_keeps_nobody_waiting_and_is_confirmed_last() -> None:
    """A picture that takes its time to come held up everybody who wrote later."""
    async with botapi.Server().serving() as server, make_bot(botapi.TOKEN, server.url) as bot:
        taken: list[int] = []
        slow, done = asyncio.Event(), asyncio.Event()

        async def take(update: Any) -> None:
            if not taken:
                taken.append(update.update_id)
                await slow.wait()
            else:
                taken.append(update.update_id)
            done.set()

        server.says(5, "a star")
        polling = asyncio.create_task(poll(bot, take))
        while not taken:
            await asyncio.sleep(0.01)
        server.says(6, "/help")
        await done.wait()
        assert len(taken) == 2 and len(server.waiting()) == 2, "nothing is confirmed before the first is durable"
        slow.set()
        async with asyncio.timeout(20):
            while server.waiting():
                await asyncio.sleep(0.01)
        assert len(taken) == 2, "and nothing is taken twice"
        polling.cancel()
        await asyncio.wait([polling])


async def test_reactions_that_were_added_do_what_buttons_do(tmp_path: Path) -> None:
    """Only new − old counts, U+FE0F does not; added, taken away and added again asks once."""
    async with running(tmp_path) as server:
        server.chat(GROUP, "supergroup", forum=True, admins={ME})
        topic = {"message_thread_id": 7, "is_topic_message": True}
        server.says(GROUP, "/imagine a star", **topic)
        (first,) = await server.until(lambda: finals(server))
        number = first["message_id"]
        server.reacts(GROUP, number, "🎉", old="")
        server.reacts(GROUP, number, "", old="🎉")
        server.reacts(GROUP, number, "🎉🔥", old="🔥")
        server.reacts(GROUP, number, "👍")
        server.reacts(GROUP, number, "👀")
        await server.until(lambda: len(finals(server)) == 2 and any("/imagine a star --" in t for t in texts(server)))
        ours = [m for m in server.chats[GROUP].messages.values() if m.get("from") == botapi.ME]
        assert all(message["message_thread_id"] == 7 for message in ours)
    assert len(statuses(tmp_path)) == 2


async def test_only_the_owner_and_administrators_delete(tmp_path: Path) -> None:
    """Telegram is asked who is one when it matters."""
    async with running(tmp_path) as server:
        server.chat(GROUP, "supergroup", admins={ME, 99})
        for text in ("/imagine a star", "/imagine a house"):
            server.says(GROUP, text, who=5)
        first, second = await server.until(lambda: len(found := finals(server)) == 2 and found)
        press = server.presses(GROUP, first["message_id"], "delete:1", who=6)
        await server.until(lambda: any("#1 belongs to somebody else" in text for text in texts(server)))
        assert press in server.answered
        server.presses(GROUP, first["message_id"], "delete:1", who=99)
        server.reacts(GROUP, second["message_id"], "💩", who=5)
        messages = server.chats[GROUP].messages
        await server.until(lambda: not finals(server) and not any("animation" in m for m in messages.values()))
    assert statuses(tmp_path) == ["deleted", "deleted"]


async def test_the_png_file_is_the_untouched_picture(tmp_path: Path) -> None:
    """Telegram makes a JPEG of every photo."""
    async with running(tmp_path) as server:
        server.says(5, "a star --seed 7")
        (final,) = await server.until(lambda: finals(server))
        server.presses(5, final["message_id"], "file:1")
        (sent,) = await server.until(lambda: [s for s in server.states if s.method == "sendDocument"])
        assert sent.content == scripted.png(7, 2)


async def test_an_answer_to_remix_has_the_old_picture_for_a_parent(tmp_path: Path) -> None:
    """Nobody has to copy the command that the question shows."""
    async with running(tmp_path) as server:
        server.says(5, "a star --seed 7")
        (first,) = await server.until(lambda: finals(server))
        server.presses(5, first["message_id"], "remix:1")
        (question,) = await server.until(lambda: [s for s in server.states if "/remix 1" in s.message.get("text", "")])
        server.says(5, "a house", reply_to_message=question.message)
        await server.until(lambda: len(finals(server)) == 2)
    with sqlite3.connect(tmp_path / "imago.sqlite") as database:
        assert database.execute("SELECT kind, parent FROM jobs WHERE id = 2").fetchall() == [("remix", 1)]


async def test_forged_presses_do_nothing(tmp_path: Path) -> None:
    """Whoever speaks the protocol can press buttons that are not there."""
    async with running(tmp_path) as server:
        server.says(5, "a star")
        await server.until(lambda: finals(server))
        message = server.says(6, "/queue", who=6)["message_id"]
        for data in ("", "x", "file", "file:", "file:x", "dance:1", "file:-1", "file:" + "9" * 30):
            server.presses(6, message, data, who=6)
        server.presses(6, message, "file:1", who=6)
        await server.until(lambda: any("There is no picture #1 here" in text for text in texts(server)))
        await server.until(lambda: len(server.answered) == 9)
        assert not [s for s in server.states if s.method == "sendDocument"]


async def test_answers_come_in_the_persons_language_and_the_menu_in_both(tmp_path: Path) -> None:
    """As `language_code` says; help tells once how to have reactions."""
    async with running(tmp_path) as server:
        server.says(5, "/help more", language="ru")
        server.says(6, "/help more", language="de")
        await server.until(lambda: len(texts(server)) == 2)
        assert any("если он администратор" in text for text in texts(server))
        assert any("if I am an administrator" in text for text in texts(server))
        menus = await server.until(lambda: server.menus if "ru" in server.menus else None)
        assert [command["command"] for command in menus[""]] == [
            "imagine",
            "queue",
            "steer",
            "cancel",
            "show",
            "settings",
            "words",
            "help",
        ]
        assert menus["ru"][1]["description"] == "Показать очередь"
        await server.until(lambda: server.menu_button == "commands")


async def test_with_a_list_only_those_on_it_are_heard(tmp_path: Path) -> None:
    """A chat that is listed is open to all in it, a person that is listed may go anywhere; others get no answer."""
    async with running(tmp_path, chats=(GROUP,), people=(5,)) as server:
        for group in (GROUP, -1002):
            server.chat(group, "supergroup")
        for chat, who in [(6, 6), (-1002, 6), (GROUP, 6), (5, 5), (-1002, 5)]:
            server.says(chat, "/queue", who=who)
        await server.until(lambda: len(texts(server)) == 3 and not server.waiting())
        assert {state.message["chat"]["id"] for state in server.states} == {GROUP, 5, -1002}


async def test_a_webhook_takes_updates_from_telegram_only(tmp_path: Path) -> None:
    """The secret is agreed when the webhook is set; what is not taken is not confirmed."""
    async with botapi.Server().serving() as server:
        port = unused_port()
        async with telegram_bot.bot(tmp_path, server, webhook="https://example.org/hook", port=port):
            await server.until(lambda: server.menus.get("ru"))
            server.says(5, "a star")
            assert await server.post_updates(port, secret="guessed") == [403]
            assert await server.post_updates(port) == [200] and not server.waiting()
            await server.until(lambda: finals(server))
        assert server.invalid == []
        async with telegram_bot.bot(tmp_path, server):  # and back to polling
            server.says(5, "a house")
            await server.until(lambda: len(finals(server)) == 2)


# Outward


@pytest.mark.parametrize(
    "loss",
    ["bot was kicked from the supergroup chat", "bot was blocked by the user", "TOPIC_CLOSED", "message deleted"],
)
async def test_a_lost_place_ends_the_job_quietly(tmp_path: Path, loss: str) -> None:
    """Nobody is left to show it to."""

    engine = fakes.Engine()
    async with running(tmp_path, engine) as server:
        engine.gate.clear()
        chat = server.chat(GROUP, "supergroup")
        server.says(GROUP, "/imagine a star")
        (state,) = await server.until(lambda: server.states[:1])
        if loss == "TOPIC_CLOSED":
            server.refuse = lambda method, _: ApiError(400, "Bad Request: TOPIC_CLOSED") if "edit" in method else None
        elif loss == "message deleted":
            del chat.messages[state.message["message_id"]]
        else:
            chat.gone = loss
        engine.gate.set()
        async with asyncio.timeout(20):
            while statuses(tmp_path) != ["cancelled"]:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "words", ["not enough rights to send photos to the chat", "CHAT_SEND_PHOTOS_FORBIDDEN", "CHAT_SEND_MEDIA_FORBIDDEN"]
)
async def test_a_group_that_allows_words_alone_gets_words(tmp_path: Path, words: str) -> None:
    """It is no reason to cancel: the picture can be seen elsewhere, and the chat says where."""

    def refuse(method: str, parameters: Json) -> ApiError | None:
        return ApiError(400, f"Bad Request: {words}") if "media" in parameters or method == "sendAnimation" else None

    async with running(tmp_path) as server:
        server.refuse = refuse
        server.chat(GROUP, "supergroup")
        server.says(GROUP, "/imagine a star")
        ended = await server.until(lambda: [s for s in server.states if "delete:1" in buttons(s.message)])
        assert "No pictures may be sent in this chat: /show 1 in a private chat" in ended[0].message["text"]
        async with asyncio.timeout(20):
            while statuses(tmp_path) != ["delivered"]:
                await asyncio.sleep(0.01)
        server.refuse = lambda method, parameters: None
        server.says(77, "/show 1")
        await server.until(lambda: [s for s in server.states if s.message["chat"]["id"] == 77 and "photo" in s.message])


async def test_a_group_that_allows_no_words_is_answered_in_private(tmp_path: Path) -> None:
    """Else whoever asked would wait for ever."""

    def refuse(method: str, parameters: Json) -> ApiError | None:
        here = parameters.get("chat_id") == GROUP
        return ApiError(400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN") if here else None

    async with running(tmp_path) as server:
        server.refuse = refuse
        server.chat(GROUP, "supergroup")
        server.chat(77)
        server.says(GROUP, "/imagine a star")
        (told,) = await server.until(lambda: [s for s in server.states if s.message["chat"]["id"] == 77])
        assert "/show 1" in told.message["text"]


async def test_a_group_that_becomes_a_supergroup_takes_its_jobs_along(tmp_path: Path) -> None:
    """Its old messages stay behind: the final is shown in a new one, once."""

    engine = fakes.Engine()
    async with running(tmp_path, engine) as server:
        engine.gate.clear()
        server.chat(-5, "group")
        server.says(-5, "/imagine a star")
        await server.until(lambda: server.states)
        server.moves(-5, GROUP)
        engine.gate.set()
        (final,) = await server.until(lambda: finals(server))
        assert final["chat"]["id"] == GROUP
        await server.until(lambda: any("animation" in m for m in server.chats[GROUP].messages.values()))
        server.presses(GROUP, final["message_id"], "rerun:1")
        await server.until(lambda: len(finals(server)) == 2)


async def test_a_picture_that_telegram_takes_for_no_photo_comes_as_a_file(tmp_path: Path) -> None:
    """Whatever its reasons are."""
    async with running(tmp_path) as server:

        def refuse(method: str, parameters: Json) -> ApiError | None:
            photo = parameters.get("media", {}).get("type") == "photo"
            return ApiError(400, "Bad Request: PHOTO_SAVE_FILE_INVALID") if photo else None

        server.refuse = refuse
        server.says(5, "a star")
        ended = await server.until(lambda: [s for s in server.states if "delete:1" in buttons(s.message)])
        assert "document" in ended[0].message


@pytest.mark.parametrize("status", [400, 413])
@pytest.mark.parametrize("taken", ["document", "photo", "nothing"])
async def test_a_picture_that_is_refused_comes_as_a_file_else_smaller_else_in_words(status: int, taken: str) -> None:
    """A refusal is final for one form of it, not for the picture; and the tries have an end."""
    tried: list[tuple[str, int]] = []

    def refuse(method: str, parameters: Json) -> ApiError | None:
        if method != "editMessageMedia":
            return None
        kind, size = parameters["media"]["type"], len(server.uploaded[0])
        tried.append((kind, size))
        accepted = {"document": kind == "document", "photo": size < len(png), "nothing": False}[taken]
        return None if accepted else ApiError(status, "Bad Request: something new")

    png = noisy(256)
    async with alone() as (server, adapter):
        message = await adapter.send(PLACE, Reply(text="one", job=12), nonce="1")
        server.refuse = refuse
        picture = File(name="12.png", content=png, media_type="image/png", alt="")
        reply = Reply(text="two", picture=picture, job=12, stage=Stage.FINAL)
        await adapter.edit(PLACE, message, reply)
        shown = server.states[-1].message
        text = shown.get("caption", shown.get("text"))
        assert tried[:2] == [("photo", len(png)), ("document", len(png))][: len(tried)] and len(tried) <= 5
    if taken == "nothing":
        assert text.startswith("two") and "/show 12" in text and len(tried) >= 4
    else:
        assert taken in shown and ("smaller copy" in text) is (taken == "photo")


async def test_what_is_hidden_never_comes_as_a_file() -> None:
    """Telegram puts no spoiler over files: a smaller photo, or words."""

    def refuse(method: str, parameters: Json) -> ApiError | None:
        if method != "editMessageMedia":
            return None
        kinds.add(parameters["media"]["type"])
        return ApiError(400, "Bad Request: something new")

    kinds: set[str] = set()
    async with alone() as (server, adapter):
        message = await adapter.send(PLACE, Reply(text="one"), nonce="1")
        server.refuse = refuse
        picture = File(name="12.png", content=noisy(256), media_type="image/png", alt="")
        await adapter.edit(PLACE, message, Reply(text="two", picture=picture, stage=Stage.FINAL, hidden=True))
        assert "/show 12" in server.states[-1].message["text"] and kinds == {"photo"}


async def test_a_wait_between_the_forms_does_not_begin_with_the_first_again() -> None:
    """Else a chat that takes one call a minute would be asked for the photo for ever."""
    calls: list[str] = []

    def refuse(method: str, parameters: Json) -> ApiError | None:
        if not method.startswith("edit"):
            return None
        calls.append(parameters.get("media", {}).get("type", method))
        if len(calls) % 2 == 0:
            return ApiError(429, "Too Many Requests", retry_after=1)
        return ApiError(400, "Bad Request: something new") if method == "editMessageMedia" else None

    async with alone() as (server, adapter):
        message = await adapter.send(PLACE, Reply(text="one"), nonce="1")
        server.refuse = refuse
        picture = File(name="12.png", content=noisy(256), media_type="image/png", alt="")
        reply = Reply(text="two", picture=picture, stage=Stage.FINAL)
        for _ in range(10):
            try:
                await adapter.edit(PLACE, message, reply)
                break
            except RetryAfter:
                pass
    assert calls[:2] == ["photo", "document"] and calls.count("document") <= 2 and calls[-1] == "editMessageText"


@asynccontextmanager
async def alone() -> AsyncIterator[tuple[botapi.Server, TelegramAdapter]]:
    """An adapter without a bot, and its server, which has the private chat 5."""

    async def nothing(incoming: object) -> None:
        pass

    async with botapi.Server().serving() as server:
        server.chat(5)
        pace = Pace(spacing=0)
        adapter = TelegramAdapter(telegram_bot.settings(server), Texts().say, moved=telegram_bot.stays, pace=pace)
        await adapter.start(nothing)
        try:
            yield server, adapter
        finally:
            await adapter.close()


async def test_a_photo_that_loses_its_picture_keeps_it_and_changes_its_words() -> None:
    """A photo can't become text again: then its caption is edited. And the same state twice is one call."""
    async with alone() as (server, adapter):
        message = await adapter.send(PLACE, Reply(text="one"), nonce="1")
        png = scripted.png(1, 1)
        picture = File(name="1.png", content=png, media_type="image/png", alt="")
        for reply in (Reply(text="two", picture=picture), Reply(text="three"), Reply(text="three")):
            await adapter.edit(PLACE, message, reply)
        assert server.states[-1].method == "editMessageCaption" and server.states[-1].content == png
        edits = [method for _, method, _ in server.calls if method.startswith("edit")]
        assert edits == ["editMessageMedia", "editMessageText", "editMessageCaption"]
        await adapter.delete(PLACE, message)
        await adapter.delete(PLACE, message)


async def test_the_same_edit_in_another_life_is_no_error() -> None:
    """After a restart nobody knows what a message shows; Telegram says that nothing has changed."""
    async with alone() as (server, adapter):
        message = await adapter.send(PLACE, Reply(text="one"), nonce="1")
        adapter._last.clear()
        await adapter.edit(PLACE, message, Reply(text="one"))


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (Forbidden("Forbidden: bot was kicked from the group chat"), AddressGone),
        (BadRequest("Chat not found"), AddressGone),
        (BadRequest("Not enough rights to send photos to the chat"), AddressGone),
        (BadRequest("Message to edit not found"), MessageGone),
        (BadRequest("Message can't be deleted for everyone"), MessageGone),
        (BadRequest("Something new"), Refused),
        (NetworkError("Bad Gateway"), NotDelivered),
        (TimedOut(), NotDelivered),
        (TelegramError("?"), NotDelivered),
    ],
)
def test_each_refusal_is_an_error_of_ours(error: TelegramError, ours: type[AdapterError]) -> None:
    """Only what may pass is tried again; a fault of ours is not."""
    assert type(map_error(error)) is ours


@pytest.mark.parametrize(
    ("status", "ours"), [(413, Refused), (405, Refused), (500, NotDelivered), (502, NotDelivered), (408, NotDelivered)]
)
async def test_a_status_that_does_not_pass_is_not_tried_for_ever(status: int, ours: type[AdapterError]) -> None:
    """The library calls a 413 a fault of the network, as it does a 502."""
    async with alone() as (server, adapter):
        server.refuse = lambda method, _: ApiError(status, "refused") if "send" in method else None
        with pytest.raises(ours):
            await adapter.send(PLACE, Reply(text="x"), nonce="1")


async def test_what_telegram_asks_to_wait_is_passed_on() -> None:
    """For the line of that chat, which waits and then sends what is newest."""
    async with alone() as (server, adapter):
        flood = ApiError(429, "Too Many Requests", retry_after=7)
        server.refuse = lambda method, _: flood if "send" in method else None
        with pytest.raises(RetryAfter) as refused:
            await adapter.send(PLACE, Reply(text="x"), nonce="1")
        assert refused.value.seconds == 7


# Starting


def test_a_wrong_token_is_one_line_and_exit_code_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """To try again would not help; and the token is not in the line."""
    caplog.set_level("DEBUG", "bot")
    with in_a_thread(botapi.Server().serving()) as server:
        config = tmp_path / "c.toml"
        folder, wrong = tmp_path / "bot", "999:wrongTOKENwrongTOKEN"
        config.write_text(
            f'[bot]\nfolder = "{folder}"\nlog_level = "debug"\n[web]\nenabled = false\n'
            f'[telegram]\nbase_url = "{server.url}"\ntoken = "{wrong}"\n'
        )
        assert main(["serve", "--config", str(config)]) == 78
    told = capsys.readouterr().err
    assert "wrongTOKEN" not in told + caplog.text
    assert told.splitlines() == ["imago: token in [telegram]: Telegram refuses it; copy it again from @BotFather."]


async def test_a_token_that_is_revoked_ends_the_bot_when_no_other_chat_is_left(tmp_path: Path) -> None:
    """A bot that hears nobody must not look healthy; exit 78 tells systemd that to start it again would not help."""
    async with botapi.Server().serving() as server:
        async with telegram_bot.bot(tmp_path, server) as app:
            assert await app.trouble() == ""
            connection, bot = app._adapters[0].connection, app._adapters[0]._bot
            server.token = "another"

            async def sleep(seconds: float) -> None:
                await asyncio.sleep(0)

            polling = asyncio.create_task(poll(bot, lambda update: asyncio.sleep(0), sleep, connection))
            await asyncio.wait_for(app.stopping.wait(), 20)
            assert "token in [telegram]" in await app.trouble()
            polling.cancel()
            await asyncio.wait([polling])


def test_one_refusal_of_the_token_is_no_end_and_a_long_silence_is_a_trouble() -> None:
    """Servers have their bad moments; somebody should look after a minute."""
    now = 0.0
    connection = Connection(lambda: now)
    failures = Failures(connection)
    assert failures.pause_after(InvalidToken()) == 1.0
    failures.pause_after(NetworkError("x"))
    assert (connection.lost, connection.trouble) == ("", "")
    now = 61.0
    assert connection.trouble == "Telegram tells nothing (NetworkError)."
    failures.reset()
    assert connection.trouble == ""
    for _ in range(5):
        failures.pause_after(InvalidToken())
    assert "token in [telegram]" in connection.trouble


def test_a_proxy_that_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a SOCKS proxy is one."""
    monkeypatch.setenv("ALL_PROXY", "nonsense://ann:secret@proxy")
    with pytest.raises(ConfigError, match=r"\[telegram\]: the proxy") as refused:
        make_bot("1:abc", "https://api.telegram.org")
    assert "secret" not in str(refused.value)
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    make_bot("1:abc", "https://api.telegram.org")


async def test_the_token_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at the lowest level, nor when calls fail."""

    with caplog.at_level(logging.DEBUG):
        async with running(tmp_path) as server:
            troubles = [ApiError(500, "Internal Server Error")]
            server.refuse = lambda method, _: troubles.pop() if troubles and method == "sendAnimation" else None
            server.says(5, "a star")
            await server.until(lambda: [s for s in server.states if s.method == "sendAnimation"])
    assert "not delivered" in caplog.text and "AAexample" not in caplog.text


async def test_a_server_that_cannot_be_reached_is_no_wrong_token(tmp_path: Path) -> None:
    """A bot that starts before the network is there comes up with it."""
    async with botapi.Server().serving() as server:
        troubles = [ApiError(502, "Bad Gateway")]
        server.refuse = lambda method, _: troubles.pop() if troubles else None
        async with telegram_bot.bot(tmp_path, server):
            server.says(5, "a star")
            await server.until(lambda: finals(server))


async def test_polling_goes_on_after_failures_and_waits_longer_each_time() -> None:
    """A server that is down for an hour is not asked a million times."""
    pauses: list[float] = []
    async with botapi.Server().serving() as server:
        troubles = [ApiError(502, "Bad Gateway")] * 8
        server.refuse = lambda method, _: troubles.pop() if method == "getUpdates" and troubles else None
        server.says(5, "a star")
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def take(update: object) -> None:
            taken.set_result(None)

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        async with make_bot(botapi.TOKEN, server.url) as bot:
            polling = asyncio.create_task(poll(bot, take, sleep))
            await taken
            polling.cancel()
            await asyncio.wait([polling])
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


async def test_a_taken_port_for_the_webhook_is_a_line() -> None:
    """Like every mistake in the config."""
    async with botapi.Server().serving() as server:
        port = int(server.url.rpartition(":")[2])
        more = TelegramConfig(
            token=telegram_bot.settings(server).token,
            base_url=server.url,
            webhook="https://example.org/hook",
            port=port,
        )
        adapter = TelegramAdapter(more, Texts().say, moved=telegram_bot.stays)
        with pytest.raises(ConfigError, match="cannot listen on"):
            await adapter.start(lambda incoming: asyncio.sleep(0))  # type: ignore[arg-type,return-value]
        await adapter.close()


async def test_a_photo_with_words_is_drawn_from(tmp_path: Path) -> None:
    """Its largest size, fetched when it is known that it is wanted."""
    photo = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "JPEG")
    sizes = [{"file_id": name, "file_unique_id": name, "width": w, "height": w} for name, w in (("s", 9), ("l", 90))]
    engine = fakes.Engine()
    async with running(tmp_path, engine) as server:
        server.files["l"] = photo
        server.says(5, photo=sizes, caption="a star --init 0.4")
        await server.until(lambda: finals(server))
        assert engine.given[-1]["inputs"] == Inputs(init=accept_picture(photo))
        server.says(5, photo=[{**sizes[0], "file_id": "gone"}], caption="a star")
        await server.until(lambda: any("could not be downloaded" in text for text in texts(server)))
        server.says(5, photo=[{**sizes[0], "file_size": 20_000_001}], caption="a star")
        await server.until(lambda: any("20 MB" in text for text in texts(server)))


async def test_an_album_is_one_message_with_all_its_pictures(tmp_path: Path) -> None:
    """Telegram sends each as a message of its own, and only one of them has the words."""
    colours = {name: pictures.saved(pictures.Image.new("RGB", (20, 10), name), "JPEG") for name in ("red", "blue")}
    engine = fakes.Engine()
    async with running(tmp_path, engine) as server:
        server.files |= colours
        red, blue = ([{"file_id": name, "file_unique_id": name, "width": 9, "height": 9}] for name in colours)
        server.says(5, photo=red, media_group_id="1")
        server.says(5, photo=blue, media_group_id="1", caption="a star")
        await server.until(lambda: finals(server))
        targets = engine.given[-1]["inputs"].targets
        assert [picture for picture, _ in targets] == [accept_picture(colour) for colour in colours.values()]
        for photo in (red, blue):
            server.says(6, photo=photo, media_group_id="2")
        server.says(6, "/queue")
        await server.until(lambda: {"Tell me w", "The queue"} <= {text[:9] for text in texts(server)})
        assert sum("Tell me what to draw" in text for text in texts(server)) == 1


async def test_the_pictures_of_an_album_are_waited_for() -> None:
    """They may come one by one; whoever waits for more than a moment, or is the tenth, waits no longer."""
    coming = [album_update(number) for number in range(2, 12)]
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        for update in coming[:3]:
            albums.see(coming.pop(coming.index(update)))

    albums = Albums(sleep)
    first = album_update(1)
    assert [message.message_id for message in await albums.of(first)] == list(range(1, 11))
    assert [len(await albums.of(album_update(number))) for number in (2, 12)] == [10, 10]
    assert naps == [QUIET] * 3
    alone = Albums(lambda seconds: asyncio.sleep(0))
    assert [message.message_id for message in await alone.of(first)] == [1]


def album_update(number: int) -> Update:
    """A picture of an album."""
    message = {"message_id": number, "date": 1, "chat": {"id": 5, "type": "private"}, "media_group_id": "1"}
    return Update.de_json({"update_id": number, "message": message}, None)


async def test_a_mistake_comes_with_the_mended_line_to_copy(tmp_path: Path) -> None:
    """Typing it once more on a phone takes long."""
    async with running(tmp_path) as server:
        server.says(5, "a star --stebs 3")
        said = await server.until(lambda: [m for m in server.chats[5].messages.values() if "reply_markup" in m])
        assert said[0]["reply_markup"]["inline_keyboard"][0][0]["copy_text"] == {"text": "a star --steps 3"}


async def test_several_pictures_have_a_row_of_numbers_for_each_thing_to_do(tmp_path: Path) -> None:
    """And a picked one is a message with controls of its own."""
    async with running(tmp_path) as server:
        server.says(5, "a star --count 2")
        final = (await server.until(lambda: finals(server)))[0]
        rows = [[key["callback_data"] for key in row] for row in final["reply_markup"]["inline_keyboard"]]
        assert rows[:3] == [[f"{action}:1:{k}" for k in (1, 2)] for action in ("pick", "upscale", "vary")]
        assert sum(rows[3:], []) == [f"{action}:1" for action in ("rerun", "remix", "settings", "file", "delete")]
        server.presses(5, final["message_id"], "pick:1:2")
        await server.until(lambda: any("Picture 2 of #1" in text for text in texts(server)))
        (picked,) = [m for m in server.chats[5].messages.values() if "Picture 2" in m.get("caption", "")]
        assert buttons(picked) == [f"{action}:1:2" for action in ("upscale", "vary", "settings", "file")]


async def test_administrators_keep_order_by_text(tmp_path: Path) -> None:
    """In a group: who is shut out there is answered with a sentence, and a purged picture leaves the chat."""
    async with running(tmp_path) as server:
        server.chat(GROUP, "supergroup", admins={ME, 99})
        server.says(GROUP, "/imagine a star", who=5)
        await server.until(lambda: finals(server))
        for number, (who, text, answer) in enumerate(
            [
                (5, "/pause", "Only moderators"),
                (99, "/pause", "in this chat until /resume"),
                (5, "/imagine a moon", "New pictures are paused"),
                (99, "/resume", "drawn again"),
                (99, "/ban #1", "telegram:5 is now banned in this chat"),
                (5, "/imagine a moon", "banned from using this bot here"),
                (99, "/purge 1", "removed everywhere"),
            ]
        ):
            server.says(GROUP, text, who=who)
            await server.until(lambda number=number: len(texts(server)) > number)
            await server.until(lambda answer=answer: any(answer in text for text in texts(server)))
        await server.until(lambda: not finals(server))


async def test_a_hidden_picture_is_behind_a_click_in_every_message(tmp_path: Path) -> None:
    """The photo that becomes it, and the GIF, which is a message of its own."""
    async with botapi.Server().serving() as server:
        moderation = ModerationConfig(check="x", check_threshold=0.3)
        async with telegram_bot.bot(tmp_path, server, Scoring(), moderation=moderation):
            server.says(5, "0.9 stars")
            await server.until(lambda: [s for s in server.states if "animation" in s.message])
    assert server.invalid == []
    sent = [values for _, method, values in server.calls if method in ("editMessageMedia", "sendAnimation")]
    assert len(sent) > 1 and all("has_spoiler" in str(values) for values in sent)
