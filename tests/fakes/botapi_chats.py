"""the chats, messages and files of the emulated Telegram: each method of the Bot API changes them or refuses."""

import io
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from engine import png_size

Json = dict[str, Any]
TOKEN = "123456:AAexampleTOKENexampleTOKENexample00"
ME = {"id": 123456, "is_bot": True, "first_name": "Imago", "username": "imago_test_bot"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
EMOJI = "👍👎❤🔥⚡🎉👀💯🤔💩"  # some of those that can be reactions


class ApiError(Exception):
    """A refusal; `more` are its ResponseParameters."""

    def __init__(self, code: int, words: str, **more: int) -> None:
        self.code, self.words, self.more = code, words, more


@dataclass
class Chat:
    """A place with its messages, by number: as the API tells them."""

    id: int
    type: str = "private"
    forum: bool = False
    admins: set[int] = field(default_factory=set)
    gone: str = ""  # why the bot may not write any more
    closed_topics: set[int] = field(default_factory=set)
    moved_to: int = 0
    newest: int = 0  # number of a message
    messages: dict[int, Json] = field(default_factory=dict)
    reactions: dict[int, list[Json]] = field(default_factory=dict)  # of the bot, by message
    calls: deque[float] = field(default_factory=deque)  # that counted for the flood control, of the last minute

    def json(self) -> Json:
        """As the API tells it."""
        name = {"first_name": f"Person {self.id}"} if self.type == "private" else {"title": f"Chat {self.id}"}
        return {"id": self.id, "type": self.type, **name, **({"is_forum": True} if self.forum else {})}


@dataclass(frozen=True)
class State:
    """What a message of the bot showed from one call on."""

    at: float
    method: str
    message: Json
    content: bytes | None  # of the photo, animation or document that it has now


class Chats:
    """All that is kept; the methods are called with checked parameters."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, bytes] = {}
        self.states: list[State] = []
        self.answered: list[str] = []  # presses
        self.menus: dict[str, list[Json]] = {}
        self.menu_button = "default"
        self.webhook: Json | None = None
        self.allowed: set[str] | None = None  # kinds of updates, None for the usual ones

    def _getMe(self) -> Json:
        return ME

    def _setWebhook(self, url: str, secret_token: str = "", allowed_updates: list[str] | None = None) -> bool:
        self.webhook = {"url": url, "secret_token": secret_token} if url else None
        self.allowed = set(allowed_updates) if allowed_updates else None
        return True

    def _deleteWebhook(self, drop_pending_updates: bool = False) -> bool:
        self.webhook = None
        return True

    def _setMyCommands(self, commands: list[Json], language_code: str = "", scope: Json | None = None) -> bool:
        self.menus[language_code] = commands
        return True

    def _setChatMenuButton(self, menu_button: Json) -> bool:
        self.menu_button = menu_button["type"]
        return True

    def _sendMessage(self, chat_id: int, text: str, **more: Any) -> Json:
        return self._post("sendMessage", chat_id, {"text": _long(text, 4096, "message")}, more)

    def _sendPhoto(self, chat_id: int, photo: bytes, caption: str = "", **more: Any) -> Json:
        return self._post("sendPhoto", chat_id, self._media("photo", photo, caption), more)

    def _sendAnimation(self, chat_id: int, animation: bytes, caption: str = "", **more: Any) -> Json:
        return self._post("sendAnimation", chat_id, self._media("animation", animation, caption), more)

    def _sendDocument(self, chat_id: int, document: bytes, caption: str = "", **more: Any) -> Json:
        return self._post("sendDocument", chat_id, self._media("document", document, caption), more)

    def _editMessageText(
        self,
        text: str,
        chat_id: int,
        message_id: int,
        reply_markup: Json | None = None,
        link_preview_options: Json | None = None,
    ) -> Json:
        if "text" not in self._own(chat_id, message_id):
            raise ApiError(400, "Bad Request: there is no text in the message to edit")
        shown = {"text": _long(text, 4096, "message")}
        return self._change("editMessageText", chat_id, message_id, shown, reply_markup)

    def _editMessageCaption(
        self, chat_id: int, message_id: int, caption: str = "", reply_markup: Json | None = None
    ) -> Json:
        old = self._own(chat_id, message_id)
        if "text" in old:
            raise ApiError(400, "Bad Request: there is no caption in the message to edit")
        kept = {kind: old[kind] for kind in ("photo", "animation", "document") if kind in old}
        words = {"caption": _long(caption, 1024, "message caption")} if caption else {}
        return self._change("editMessageCaption", chat_id, message_id, {**kept, **words}, reply_markup)

    def _editMessageMedia(
        self, media: Json, chat_id: int, message_id: int, content: bytes, reply_markup: Json | None = None
    ) -> Json:
        self._own(chat_id, message_id)
        shown = self._media(media["type"], content, media.get("caption", ""))
        return self._change("editMessageMedia", chat_id, message_id, shown, reply_markup)

    def _deleteMessage(self, chat_id: int, message_id: int) -> bool:
        if self.chats[chat_id].messages.pop(message_id, None) is None:
            raise ApiError(400, "Bad Request: message to delete not found")
        return True

    def _answerCallbackQuery(self, callback_query_id: str) -> bool:
        if not callback_query_id.startswith("press") or callback_query_id in self.answered:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.answered.append(callback_query_id)
        return True

    def _getChatMember(self, chat_id: int, user_id: int) -> Json:
        if user_id in self.chats[chat_id].admins:
            return {"user": person(user_id), "status": "creator", "is_anonymous": False}
        return {"user": person(user_id), "status": "member"}

    def _setMessageReaction(
        self, chat_id: int, message_id: int, reaction: list[Json] | None = None, is_big: bool = False
    ) -> bool:
        reaction = reaction or []
        if len(reaction) > 1:
            raise ApiError(400, "Bad Request: REACTIONS_TOO_MANY")
        if any(r["emoji"] not in EMOJI for r in reaction):
            raise ApiError(400, "Bad Request: REACTION_INVALID")
        self.chats[chat_id].reactions[message_id] = reaction
        return True

    # Messages

    def _post(self, method: str, chat: int, shown: Json, more: Json) -> Json:
        here, extra = self.chats[chat], {}
        thread, answered = more.get("message_thread_id"), more.get("reply_parameters")
        if thread in here.closed_topics:
            raise ApiError(400, "Bad Request: TOPIC_CLOSED")
        if thread:
            if not here.forum:
                raise ApiError(400, "Bad Request: message thread not found")
            extra = {"message_thread_id": thread, "is_topic_message": True}
        if answered:
            if original := here.messages.get(answered["message_id"]):
                extra["reply_to_message"] = {k: v for k, v in original.items() if k != "reply_to_message"}
            elif not answered.get("allow_sending_without_reply"):
                raise ApiError(400, "Bad Request: message to be replied not found")
        markup = {"reply_markup": _keyboard(more["reply_markup"])} if more.get("reply_markup") else {}
        message = self._new(here, {"from": ME, **extra, **shown, **markup})
        self._note(method, message)
        return message

    def _own(self, chat: int, number: int) -> Json:
        message = self.chats[chat].messages.get(number)
        if message is None:
            raise ApiError(400, "Bad Request: message to edit not found")
        if message.get("from") != ME:
            raise ApiError(400, "Bad Request: message can't be edited")
        return message

    def _change(self, method: str, chat: int, number: int, shown: Json, markup: Json | None) -> Json:
        """Replace what a message shows; where it has been, what it answers and when stays."""
        old = self._own(chat, number)
        kept = ("message_id", "from", "date", "chat", "message_thread_id", "is_topic_message", "reply_to_message")
        new = {key: old[key] for key in kept if key in old} | shown
        if markup:
            new["reply_markup"] = _keyboard(markup)
        if new == {key: value for key, value in old.items() if key != "edit_date"}:
            words = "message is not modified: specified new message content and reply markup are exactly the same"
            raise ApiError(400, f"Bad Request: {words}")
        new["edit_date"] = int(self.clock())
        self.chats[chat].messages[number] = new
        self._note(method, new)
        return new

    def _new(self, chat: Chat, shown: Json) -> Json:
        chat.newest += 1
        message = {"message_id": chat.newest, "date": int(self.clock()), "chat": chat.json(), **shown}
        chat.messages[chat.newest] = message
        return message

    def _media(self, kind: str, content: bytes, caption: str) -> Json:
        """A new file, as a part of a message."""
        name = f"file{len(self.files)}"
        self.files[name] = content
        words = {"caption": _long(caption, 1024, "message caption")} if caption else {}
        file = {"file_id": name, "file_unique_id": name, "file_size": len(content)}
        if len(content) > (10_000_000 if kind == "photo" else 50_000_000):
            raise ApiError(413, "Request Entity Too Large")
        if kind == "photo":
            png = content.startswith(b"\x89PNG")
            width, height = png_size(content) if png else Image.open(io.BytesIO(content)).size
            if width + height > 10_000 or max(width, height) > 20 * min(width, height):
                raise ApiError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
            return {"photo": [{**file, "width": width, "height": height}], **words}
        if kind == "animation":
            return {"animation": {**file, "width": 8, "height": 8, "duration": 1}, **words}
        return {"document": file, **words}

    def _note(self, method: str, message: Json) -> None:
        media = message.get("photo", [message.get("animation") or message.get("document")])[-1]
        content = self.files[media["file_id"]] if media else None
        self.states.append(State(self.clock(), method, message, content))


def person(number: int, language: str = "en") -> Json:
    """A user."""
    return {"id": number, "is_bot": False, "first_name": f"Person {number}", "language_code": language}


def _long(text: str, limit: int, what: str) -> str:
    if not text.strip():
        raise ApiError(400, f"Bad Request: {what} text is empty")
    if len(text.encode("utf-16-le")) // 2 > limit:
        raise ApiError(400, f"Bad Request: {what} is too long")
    return text


def _keyboard(markup: Json) -> Json:
    for row in markup["inline_keyboard"]:
        for button in row:
            if "copy_text" in button:
                if not 1 <= len(button["copy_text"]["text"]) <= 256:
                    raise ApiError(400, "Bad Request: BUTTON_COPY_TEXT_INVALID")
            elif not 1 <= len(button["callback_data"].encode()) <= 64:
                raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup
