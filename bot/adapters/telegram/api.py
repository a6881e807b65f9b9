"""sends or edits one message through the Bot API, which has a method for each kind of message."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from telegram import Bot, LinkPreviewOptions, Message, ReplyParameters
from telegram.error import BadRequest

from bot.adapters.telegram import errors
from bot.adapters.telegram.incoming import numbers
from bot.adapters.telegram.shown import (
    CAPTION,
    TEXT,
    MediaKind,
    Say,
    file_of,
    keyboard,
    kind_of,
    media_of,
    truncate,
    words,
)
from bot.errors import Refused
from bot.messages import Reply

T = TypeVar("T")
ROOM = 200  # characters reserved for a sentence of our own
PLAIN = LinkPreviewOptions(is_disabled=True)


class TelegramApi:
    """Raises the library's errors; Refused for a GIF that a chat does not allow."""

    def __init__(self, bot: Bot, say: Say, upload: int) -> None:
        """`upload`: the server's limit on bytes per file."""
        self._bot, self._say, self._upload = bot, say, upload

    async def send(self, chat: int, thread: str, reply: Reply, answers: str) -> Message:
        """Send a message, optionally in a topic and as a reply."""
        return await self._in_some_form(reply, lambda kind, shown: self._send(kind, chat, thread, shown, answers))

    async def edit(self, chat: int, number: int, reply: Reply) -> None:
        """Edit a message; a text may become a picture, but not the reverse."""
        await self._in_some_form(reply, lambda kind, shown: self._edit(kind, chat, number, shown))

    async def _in_some_form(self, reply: Reply, call: Callable[[MediaKind, Reply], Awaitable[T]]) -> T:
        """As a photo, else as a file; in words, which say so, where a chat allows words alone."""
        kind = kind_of(reply, self._upload)
        try:
            return await call(kind, reply)
        except BadRequest as error:
            forbidden = errors.says(error, *errors.FORBIDDEN)
            if kind is MediaKind.PHOTO and not forbidden and errors.says(error, *errors.PICTURE_REFUSED):
                return await call(MediaKind.DOCUMENT, reply)
            if kind is MediaKind.TEXT or not forbidden:
                raise
            if not reply.text:  # a GIF, which comes beside its picture
                raise Refused(str(error)) from error
        return await call(MediaKind.TEXT, self._without_media(reply))

    def _without_media(self, reply: Reply) -> Reply:
        say = self._say(reply.language, "telegram-no-media", job=str(reply.job or ""))
        return replace(reply, text=f"{truncate(reply.text, TEXT - 2 * ROOM)}\n{say}", picture=None, gif=None)

    async def _send(self, kind: MediaKind, chat: int, thread: str, reply: Reply, answers: str) -> Message:
        bot, topic, answered = self._bot, int(thread) if thread else None, _reply_to(chat, answers)
        buttons = keyboard(reply, self._say)
        if kind is MediaKind.TEXT:
            return await bot.send_message(
                chat,
                self._text(reply),
                message_thread_id=topic,
                reply_parameters=answered,
                reply_markup=buttons,
                link_preview_options=PLAIN,
            )
        methods: dict[MediaKind, Callable[..., Awaitable[Message]]] = {
            MediaKind.PHOTO: bot.send_photo,
            MediaKind.ANIMATION: bot.send_animation,
            MediaKind.DOCUMENT: bot.send_document,
        }
        file = file_of(reply)
        hidden = {"has_spoiler": True} if reply.hidden and kind is not MediaKind.DOCUMENT else {}
        return await methods[kind](
            chat,
            file.content,
            filename=file.name,
            caption=words(reply, CAPTION),
            message_thread_id=topic,
            reply_parameters=answered,
            reply_markup=buttons,
            **hidden,
        )

    async def _edit(self, kind: MediaKind, chat: int, number: int, reply: Reply) -> None:
        bot, buttons = self._bot, keyboard(reply, self._say)
        if kind is not MediaKind.TEXT:
            await bot.edit_message_media(media_of(reply, kind), chat, number, reply_markup=buttons)
            return
        try:
            await bot.edit_message_text(
                self._text(reply), chat, number, reply_markup=buttons, link_preview_options=PLAIN
            )
        except BadRequest as error:
            if not errors.says(error, errors.NO_TEXT):
                raise
            await bot.edit_message_caption(chat, number, caption=words(reply, CAPTION), reply_markup=buttons)

    def _text(self, reply: Reply) -> str:
        """The text of a message without a picture; says so when the picture was too large."""
        large = self._say(reply.language, "telegram-large") if reply.picture or reply.gif else ""
        return f"{words(reply, TEXT - ROOM)}\n{large}".strip()


def _reply_to(chat: int, answers: str) -> ReplyParameters | None:
    """Reply parameters; the message is sent even if the original was deleted."""
    if not answers:
        return None
    there, number = numbers(answers)
    return ReplyParameters(number, allow_sending_without_reply=True) if there == chat else None
