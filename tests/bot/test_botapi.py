"""tests/fakes/botapi.py: the emulator refuses what the real Bot API refuses: passing it means something."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram import Bot, InputMediaPhoto, ReactionTypeEmoji
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter

from bot.adapters.telegram.library import make_bot
from bot.adapters.telegram.shown import CAPTION
from tests.bot.test_telegram_shown import png
from tests.fakes import botapi, scripted
from tests.fakes.botapi_spec import Invalid, Spec

PICTURE = scripted.png(1, 1)


@asynccontextmanager
async def serving(token: str = botapi.TOKEN, **settings: Any) -> AsyncIterator[tuple[botapi.Server, Bot]]:
    async with botapi.Server(**settings).serving() as server:  # type: ignore[arg-type]
        server.chat(5)
        async with make_bot(token, server.url) as bot:
            yield server, bot


async def test_a_wrong_token_is_refused() -> None:
    with pytest.raises(InvalidToken):
        async with serving(token="123:wrong"):
            pass


async def test_updates_come_until_they_are_confirmed_and_for_a_day() -> None:
    """The next offset confirms; what nobody fetches for 24 hours is gone."""
    now = 1e9
    async with serving(clock=lambda: now) as (server, bot):
        for text in ("one", "two"):
            server.says(5, text)
        assert [u.message.text for u in await bot.get_updates()] == ["one", "two"]  # type: ignore[union-attr]
        again = await bot.get_updates(limit=1)
        assert [u.message.text for u in await bot.get_updates(offset=again[0].update_id + 1)] == ["two"]  # type: ignore[union-attr]
        now += 86401
        assert await bot.get_updates() == ()


async def test_who_waits_for_a_confirmation_need_not_wait_for_the_end_of_the_poll() -> None:
    """A test waited for nothing to be left, and failed when every answer had gone out before the poll that confirms."""
    async with serving() as (server, bot):
        server.says(5, "one")
        (update,) = await bot.get_updates()
        confirmed = asyncio.create_task(server.until(lambda: not server.waiting()))
        await asyncio.sleep(0)  # it has looked, and waits
        poll = asyncio.create_task(bot.get_updates(offset=update.update_id + 1, timeout=25))
        await confirmed
        assert not poll.done()
        server.says(5, "two")
        await poll


async def test_reactions_are_told_only_to_administrators_who_ask() -> None:
    """They are off by default; a change of the mask does not bring back the past."""
    async with serving() as (server, bot):
        server.chat(-1, "supergroup")
        server.says(-1, "/x")
        server.reacts(-1, 1, "🔥")
        server.chats[-1].admins.add(bot.id)
        server.reacts(-1, 1, "🔥")
        assert [u.message_reaction for u in await bot.get_updates()] == [None]
        await bot.get_updates(allowed_updates=["message", "message_reaction"])
        server.reacts(-1, 1, "🔥")
        assert [bool(u.message_reaction) for u in await bot.get_updates()] == [False, True]


async def test_edits_are_refused_as_telegram_refuses_them() -> None:
    """A text may become a photo, but a photo no text; the same again is no change; what is gone is gone."""
    async with serving() as (server, bot):
        sent = await bot.send_message(5, "a")
        where = {"chat_id": 5, "message_id": sent.message_id}
        for edit, words in [
            (lambda: bot.edit_message_text("a", **where), "not modified"),
            (lambda: bot.edit_message_caption(**where, caption="a"), "no caption"),
            (lambda: bot.edit_message_text("a", 5, 99), "to edit not found"),
            (lambda: bot.edit_message_text("a", 5, server.says(5, "mine")["message_id"]), "can't be edited"),
            (lambda: bot.edit_message_text("a", 6, 1), "Chat not found"),
        ]:
            with pytest.raises(BadRequest, match=words):
                await edit()
        photo = await bot.edit_message_media(InputMediaPhoto(PICTURE, caption="a"), **where)
        assert photo.photo and photo.caption == "a" and not photo.text  # type: ignore[union-attr]
        with pytest.raises(BadRequest, match="no text"):
            await bot.edit_message_text("b", **where)
        changed = await bot.edit_message_caption(**where, caption="b")
        assert changed.photo and changed.caption == "b"  # type: ignore[union-attr]
        await bot.delete_message(**where)
        with pytest.raises(BadRequest, match="to delete not found"):
            await bot.delete_message(**where)


async def test_limits_are_kept() -> None:
    """Words, buttons, files, reactions."""
    async with serving() as (_, bot):
        from telegram import InlineKeyboardButton as Button
        from telegram import InlineKeyboardMarkup as Markup

        await bot.send_photo(5, PICTURE, caption="x" * CAPTION)
        for call, words in [
            (lambda: bot.send_message(5, "x" * 4097), "too long"),
            (lambda: bot.send_photo(5, PICTURE, caption="🎉" * 513), "too long"),
            (lambda: bot.send_photo(5, png(9_001, 1_000)), "PHOTO_INVALID_DIMENSIONS"),
            (lambda: bot.send_message(5, "x", reply_markup=Markup([[Button("x", callback_data="y" * 65)]])), "BUTTON"),
            (lambda: bot.answer_callback_query("old"), "too old"),
            (lambda: bot.set_message_reaction(5, 1, [ReactionTypeEmoji(e) for e in "🔥👀"]), "TOO_MANY"),
            (lambda: bot.set_message_reaction(5, 1, [ReactionTypeEmoji("🔁")]), "REACTION_INVALID"),
        ]:
            with pytest.raises(BadRequest, match=f"(?i){words}"):
                await call()
        for size, send in [(10_000_001, bot.send_photo), (50_000_001, bot.send_document)]:
            with pytest.raises(Exception, match="413"):
                await send(5, png(size=size))
        await bot.set_message_reaction(5, 1, "🔥")


async def test_flood_control_names_the_seconds_and_a_chat_can_be_lost() -> None:
    """20 calls a minute in a group; kicked; moved."""
    now = 1e9
    async with serving(clock=lambda: now, per_minute=20) as (server, bot):
        server.chat(-1, "group")
        for _ in range(20):
            await bot.send_message(-1, "x")
        now += 30
        with pytest.raises(RetryAfter) as refused:
            await bot.send_message(-1, "x")
        assert refused.value._retry_after.total_seconds() == 30
        now += 30
        await bot.send_message(-1, "x")
        server.moves(-1, -1001)
        with pytest.raises(ChatMigrated):
            await bot.send_message(-1, "x")
        server.chats[-1001].gone = "bot was kicked from the supergroup chat"
        with pytest.raises(Forbidden):
            await bot.send_message(-1001, "x")
        await bot.set_webhook("https://example.org/hook")
        with pytest.raises(Conflict):
            await bot.get_updates()


@pytest.mark.parametrize(
    ("method", "form", "words"),
    [
        ("sendMessage", {"chat_id": "5"}, "text"),
        ("sendMessage", {"chat_id": "5", "text": "x", "colour": "red"}, "no parameter colour"),
        ("sendMessage", {"chat_id": "5", "text": "x", "reply_markup": '{"inline_keyboard": [[{"hat": 1}]]}'}, "hat"),
        ("sendMessage", {"chat_id": "5", "text": "x", "message_thread_id": "seven"}, "not JSON"),
        ("sendPicture", {}, "no such method"),
        ("editMessageMedia", {"media": '{"type": "photo", "media": "attach://x"}'}, "not attached"),
        ("editMessageMedia", {"media": '{"type": "video", "media": "x"}'}, "not photo"),
    ],
)
def test_a_call_that_is_not_as_described_is_invalid(method: str, form: dict[str, str], words: str) -> None:
    """Else “100 % valid” would say nothing."""
    with pytest.raises(Invalid, match=words):
        Spec().request(method, form, {})


def test_an_object_that_is_not_as_described_is_invalid() -> None:
    """The emulator may not make things up, either."""
    user = {"id": 1, "is_bot": False, "first_name": "Ann"}
    Spec().value(user, ["User"], "user")
    for wrong in ({**user, "id": "1"}, {**user, "hat": True}, {"id": 1, "is_bot": False}):
        with pytest.raises(Invalid):
            Spec().value(wrong, ["User"], "user")
