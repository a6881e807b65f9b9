"""bot/adapters/telegram/incoming.py: who asked what where, each kind of message once, through the whole bot."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Update, User

from bot.adapters.telegram.incoming import incoming_of, wants_power
from bot.adapters.telegram.updates import ALLOWED
from bot.config import LimitsConfig
from bot.errors import UserError
from bot.messages import Action, TextMessage
from tests.bench.bot import pictures
from tests.fakes import botapi, telegram_bot
from tests.fakes.botapi_chats import ANONYMOUS, ME, Json

ANN, PRIVATE, GROUP, FORUM, CHANNEL = 77, 77, -1001, -1002, -1003
BOT = f"@{ME['username']}"
STAR = "a red star --steps 1"
DRAWS, NOTHING = "draws", "nothing"
OF_THE_BOT = {"message_id": 1, "date": 1, "chat": {"id": GROUP, "type": "supergroup", "title": "x"}, "from": ME}
OPENED = {
    "message_id": 7,
    "date": 1,
    "chat": {"id": FORUM, "type": "supergroup", "title": "x"},
    "from": ME,
    "forum_topic_created": {"name": "Topic", "icon_color": 1},
}
PHOTO = {"photo": [{"file_id": "f", "file_unique_id": "f", "width": 9, "height": 9}]}
TOPIC = {"message_thread_id": 7, "is_topic_message": True}

MESSAGES: list[tuple[str, int, str, Json, str]] = [
    ("private text", PRIVATE, STAR, {}, DRAWS),
    ("private command", PRIVATE, f"/imagine {STAR}", {}, DRAWS),
    ("start", PRIVATE, "/start", {}, "Tell me what to draw, for example"),
    ("unknown command", PRIVATE, "/dance", {}, "There is no command /dance"),
    ("4096 characters", PRIVATE, "x" * 4096, {}, "The prompt is 4,096 characters long: please keep it to 1,000."),
    ("1000 characters", PRIVATE, "x" * 1000, {}, DRAWS),
    ("emoji only", PRIVATE, "🏠🌟👨‍👩‍👧❤️", {}, DRAWS),
    ("words under a photo", PRIVATE, "", {**PHOTO, "caption": STAR}, DRAWS),
    ("a photo without words", PRIVATE, "", PHOTO, "Tell me what to draw"),
    ("an album with words", PRIVATE, "", {**PHOTO, "media_group_id": "1", "caption": STAR}, DRAWS),
    ("the second picture of an album", PRIVATE, "", {**PHOTO, "media_group_id": "1"}, NOTHING),
    ("somebody pinned something", PRIVATE, "", {"pinned_message": OF_THE_BOT}, NOTHING),
    ("group command", GROUP, f"/imagine {STAR}", {}, DRAWS),
    ("group command to us", GROUP, f"/imagine{BOT} {STAR}", {}, DRAWS),
    ("group command to another bot", GROUP, "/imagine@other_bot a red star", {}, NOTHING),
    ("a command that is not ours", GROUP, "/dance", {}, NOTHING),
    ("chatter", GROUP, STAR, {}, NOTHING),
    ("mention", GROUP, f"hey {BOT.upper()} {STAR}", {}, DRAWS),
    ("a longer name", GROUP, f"{BOT}2 a red star", {}, NOTHING),
    ("reply", GROUP, STAR, {"reply_to_message": OF_THE_BOT}, DRAWS),
    ("a reply to somebody else", GROUP, STAR, {"reply_to_message": {**OF_THE_BOT, "from": ANONYMOUS}}, NOTHING),
    ("topic", FORUM, f"/imagine {STAR}", {**TOPIC, "reply_to_message": OPENED}, DRAWS),
    ("chatter in a topic that the bot has opened", FORUM, "hello", {**TOPIC, "reply_to_message": OPENED}, NOTHING),
    ("channel post", CHANNEL, f"/imagine {STAR}", {}, DRAWS),
    ("another channel post", CHANNEL, "news", {}, NOTHING),
    (
        "anonymous admin",
        GROUP,
        f"/imagine {STAR}",
        {"from": ANONYMOUS, "sender_chat": {"id": GROUP, "type": "supergroup", "title": "x"}},
        DRAWS,
    ),
    ("another bot", GROUP, f"/imagine {STAR}", {"from": {**ANONYMOUS, "id": 5}}, NOTHING),
    (
        "a channel's post in its group",
        GROUP,
        "/imagine x",
        {"sender_chat": {"id": CHANNEL, "type": "channel", "title": "x"}, "is_automatic_forward": True},
        NOTHING,
    ),
]


def answer_to(server: botapi.Server, asked: Json) -> Json | None:
    """The bot's first message that answers another one, as it is now."""
    for message in server.chats[asked["chat"]["id"]].messages.values():
        answered = message.get("reply_to_message", {})
        if message.get("from") == ME and answered.get("message_id") == asked["message_id"]:
            return message
    return None


async def test_each_kind_of_message_does_the_expected_thing(tmp_path: Path) -> None:
    """It draws, gets one sentence, or is left alone; answers stay in the topic."""
    found: dict[str, Any] = {}
    limits = LimitsConfig(queued=0)
    async with botapi.Server().serving() as server, telegram_bot.bot(tmp_path, server, limits=limits):
        for chat in (GROUP, FORUM):
            server.chat(chat, "supergroup", forum=chat == FORUM, admins={ME["id"]})
        server.chat(CHANNEL, "channel")
        server.files["f"] = pictures.saved(pictures.picture(), "JPEG")
        for chat in (GROUP, FORUM, CHANNEL):  # messages 1 to 9, so that replies have something to point to
            server.chats[chat].newest = 9
        asked = {name: server.says(chat, text, **fields) for name, chat, text, fields, _ in MESSAGES}
        for name, _, _, _, expected in MESSAGES:
            if expected != NOTHING:
                await server.until(lambda name=name: answer_to(server, asked[name]))
        await server.until(lambda: len(telegram_bot.finals(server)) == sum(row[4] == DRAWS for row in MESSAGES))
        for name, *_ in MESSAGES:
            found[name] = answer_to(server, asked[name])
        assert server.invalid == [] and not server.waiting()
    for name, _, _, fields, expected in MESSAGES:
        if expected == NOTHING:
            assert found[name] is None, name
        elif expected == DRAWS:
            assert "photo" in found[name] and "seed" in found[name]["caption"], name
        else:
            assert expected in found[name]["text"], name
        if found[name]:
            assert found[name].get("message_thread_id") == fields.get("message_thread_id"), name


def told(text: str, **fields: Any) -> list[Any]:
    """What the bot makes of a message in a group."""
    chat = {"id": GROUP, "type": "supergroup", "title": "x"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": botapi.person(ANN), "text": text, **fields}
    update = Update.de_json({"update_id": 1, "message": message}, None)
    return list(incoming_of(update, User(**ME)))


def test_a_reply_tells_which_message_of_ours_it_replies_to() -> None:
    """It may show a drawing in progress; the question of Steer has the number of its picture in it."""
    (reply,) = told("a blue star", reply_to_message=OF_THE_BOT)
    assert reply.replies_to == f"{GROUP}:{OF_THE_BOT['message_id']}" and reply.text == "a blue star"
    question = {**OF_THE_BOT, "text": "Reply to the message of #12, or send: /steer 12 a blue star."}
    assert [incoming.text for incoming in told("+ a moon", reply_to_message=question)] == ["/steer 12 + a moon"]
    assert [incoming.text for incoming in told("/help", reply_to_message=question)] == ["/help"]
    assert [incoming.replies_to for incoming in told(f"{BOT} hi", reply_to_message=OPENED)] == [""]


@given(st.text())
def test_nothing_that_people_type_is_too_much(text: str) -> None:
    """Chatter in a group is left alone, whatever it is; a reply is taken word for word."""
    if not text.lstrip().startswith("/") and BOT not in text.lower():
        assert told(text) == []
        answered = told(text, reply_to_message=OF_THE_BOT)
        words = text.replace("\u2060", "").strip()
        assert [incoming.text for incoming in answered] == ([words] if words else [])


@pytest.mark.parametrize("name", ["edited_message", "edited_channel_post"])
def test_an_edited_message_draws_nothing_again(name: str) -> None:
    """Whoever mends a typing mistake does not want two pictures; Telegram is not even asked for edits."""
    message = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "text": "a star", "edit_date": 2}
    update = Update.de_json({"update_id": 1, name: message}, None)
    assert incoming_of(update, User(**ME)) == [] and name not in ALLOWED


@pytest.mark.parametrize("emoji", ["👎🏽", "👎🏻", "👎🏿", "👎\ufe0f"])
def test_a_thumb_of_any_skin_deletes(emoji: str) -> None:
    """Phones remember a colour; and taking it for another changes nothing."""

    def told(old: str, new: str) -> list[Any]:
        lists = {
            name: [{"type": "emoji", "emoji": letter}] if letter else []
            for name, letter in (("old_reaction", old), ("new_reaction", new))
        }
        chat = {"id": GROUP, "type": "supergroup", "title": "x"}
        value = {"chat": chat, "message_id": 9, "user": botapi.person(ANN), "date": 1, **lists}
        return list(incoming_of(Update.de_json({"update_id": 1, "message_reaction": value}, None), User(**ME)))

    (incoming,) = told("", emoji)
    assert incoming.emoji == "👎" and wants_power(incoming)
    assert told("👎", emoji) == []


def pressed(data: str) -> list[Any]:
    """What the bot makes of a press."""
    shown = {"message_id": 9, "date": 1, "chat": {"id": GROUP, "type": "supergroup", "title": "x"}, "from": ME}
    query = {"id": "q", "from": botapi.person(ANN), "message": shown, "chat_instance": "1", "data": data}
    return list(incoming_of(Update.de_json({"update_id": 1, "callback_query": query}, None), User(**ME)))


@pytest.mark.parametrize(
    ("data", "job", "picture"),
    [("vary:12", 12, None), ("vary:12:3", 12, 3), (f"vary:{10**18 - 1}:4", 10**18 - 1, 4)],
)
def test_a_button_knows_its_job_and_its_picture(data: str, job: int, picture: int | None) -> None:
    """Old buttons have no picture; Telegram keeps 64 bytes."""
    (press,) = pressed(data)
    assert (press.action, press.job, press.picture) == (Action.VARY, job, picture) and len(data) <= 64


@pytest.mark.parametrize("data", ["vary", "vary:", "vary:x", "vary:1:5", "vary:1:2:3", "dance:1", ""])
def test_a_button_that_is_none_of_ours_means_nothing(data: str) -> None:
    """Anybody can make a client that sends what it likes."""
    assert pressed(data) == []


THEIRS_ALONE = {**OF_THE_BOT, "from": ANONYMOUS}
THEIRS = {**OF_THE_BOT, "from": ANONYMOUS, **PHOTO}
OURS = {**OF_THE_BOT, **PHOTO}
FILE = {"file_id": "d", "file_unique_id": "d", "mime_type": "image/png", "file_size": 9}

BARE = {"file_id": "d", "file_unique_id": "d"}
TEXT = {**BARE, "mime_type": "text/plain", "file_name": "a.txt"}
NAMED = {**BARE, "mime_type": "text/plain", "file_name": "A.PNG"}
FRAME = {"file_id": "g", "file_unique_id": "g", "width": 9, "height": 9}
FILM = {"file_id": "m", "file_unique_id": "m", "mime_type": "video/mp4"}
GIF = {**FILM, "width": 9, "height": 9, "duration": 1, "thumbnail": FRAME}
STICKER = {
    "file_id": "s",
    "file_unique_id": "s",
    "width": 9,
    "height": 9,
    "is_animated": False,
    "is_video": False,
    "type": "regular",
}


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({"text": "/imagine a star"}, []),
        ({**PHOTO, "caption": "/imagine a star"}, ["f"]),
        ({"document": FILE, "caption": "/imagine a star"}, ["d"]),
        ({"document": {**FILE, "mime_type": "text/plain"}, "caption": "/imagine a star"}, ["d"]),
        ({"document": BARE, "caption": "/imagine a star"}, ["d"]),
        ({"text": "/imagine a star", "reply_to_message": {**THEIRS_ALONE, "document": BARE}}, ["d"]),
        ({"text": "/imagine a star", "reply_to_message": {**THEIRS_ALONE, "document": TEXT}}, []),
        ({"text": "/imagine a star", "reply_to_message": {**THEIRS_ALONE, "document": NAMED}}, ["d"]),
        ({"animation": GIF, "document": FILM, "caption": "/imagine a star"}, ["g"]),
        ({"text": "/imagine a star", "reply_to_message": {**THEIRS_ALONE, "sticker": STICKER}}, ["s"]),
        ({"text": "/imagine a star", "reply_to_message": THEIRS}, ["f"]),
        ({"document": FILE, "caption": "/imagine a star", "reply_to_message": THEIRS}, ["d", "f"]),
        ({"text": "a star", "reply_to_message": OURS}, []),
        ({"text": "a star --init 0.4", "reply_to_message": OURS}, ["f"]),
        ({"text": "a star —init 0.4", "reply_to_message": OURS}, ["f"]),
    ],
)
def test_the_pictures_of_a_message_and_of_the_one_it_replies_to_come_along(fields: Json, files: list[str]) -> None:
    """But not a picture of ours that is only answered with new words."""
    wanted: list[str] = []

    def fetch(file: str, size: int) -> Any:
        wanted.append(file)
        return file

    chat = {"id": GROUP, "type": "supergroup", "title": "x"}
    message = {"message_id": 3, "date": 1, "chat": chat, "from": botapi.person(ANN), **fields}
    (incoming,) = incoming_of(Update.de_json({"update_id": 1, "message": message}, None), User(**ME), fetch)
    assert wanted == files and incoming.pictures == tuple(files)


@pytest.mark.parametrize("kind", ["video", "voice"])
async def test_what_can_be_no_picture_is_refused_and_not_passed_over(kind: str) -> None:
    """Whoever sends a film with words thinks that it is used."""
    file = {"file_id": "v", "file_unique_id": "v", "duration": 1, "width": 9, "height": 9}
    message = {"message_id": 3, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": botapi.person(ANN)}
    update = Update.de_json({"update_id": 1, "message": {**message, "caption": "a star", kind: file}}, None)
    (incoming,) = incoming_of(update, User(**ME), lambda file, size: pytest.fail("nothing is fetched"))
    assert isinstance(incoming, TextMessage)
    with pytest.raises(UserError, match="picture-kind"):
        await incoming.pictures[0]()
