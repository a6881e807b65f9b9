"""sends or edits one message through the Bot API, which has a method for each kind of message."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from cachetools import LRUCache
from telegram import Bot, LinkPreviewOptions, Message, ReplyParameters
from telegram.error import BadRequest

from bot.adapters.files import SMALLER, fit, shrink
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
from bot.messages import Reply, Stage

T = TypeVar("T")
ROOM = 200  # characters reserved for a sentence of our own
PLAIN = LinkPreviewOptions(is_disabled=True)
MOST_SMALLER = 3  # times that a refused file is made smaller
REMEMBERED = 1000  # files whose refused forms are known, so that a wait does not begin with them again


class TelegramApi:
    """Raises the library's errors; Refused for a GIF that is taken in no form."""

    def __init__(self, bot: Bot, say: Say, upload: int) -> None:
        """`upload`: the server's limit on bytes per file."""
        self._bot, self._say, self._upload = bot, say, upload
        self._refused: LRUCache[tuple[int, str, int], int] = LRUCache(REMEMBERED)  # forms, by chat, name and bytes

    async def send(self, chat: int, thread: str, reply: Reply, answers: str) -> Message:
        """Send a message, optionally in a topic and as a reply."""
        return await self._in_some_form(chat, reply, lambda kind, shown: self._send(kind, chat, thread, shown, answers))

    async def edit(self, chat: int, number: int, reply: Reply) -> None:
        """Edit a message; a text may become a picture, but not the reverse."""
        await self._in_some_form(chat, reply, lambda kind, shown: self._edit(kind, chat, number, shown))

    async def _in_some_form(self, chat: int, reply: Reply, call: Callable[[MediaKind, Reply], Awaitable[T]]) -> T:
        """As a photo, else as a file, else smaller; in words, which say so, where nothing of that is taken."""
        if reply.picture is None and reply.gif is None:
            return await call(MediaKind.TEXT, reply)
        file, number, why = file_of(reply), 0, "telegram-refused"
        known = chat, file.name, len(file.content)
        async for kind, shown in self._forms(reply):
            number += 1
            if number <= self._refused.get(known, 0):
                continue
            try:
                return await call(kind, shown)
            except BadRequest as error:
                if not errors.is_about_file(error):
                    raise
                self._refused[known] = number
                if errors.says(error, *errors.FORBIDDEN):
                    why = "telegram-no-media"
                    break
        if not reply.text:  # a GIF, which comes beside its picture
            raise Refused(f"{file.name} is taken in no form")
        result = await call(MediaKind.TEXT, self._in_words(reply, why))
        self._refused.pop(known, None)  # asked for once more, it is tried once more
        return result

    async def _forms(self, reply: Reply) -> AsyncIterator[tuple[MediaKind, Reply]]:
        """How a picture or a GIF may be shown, best first. What is hidden is never a file: those have no spoiler."""
        kind, size = kind_of(reply), len(file_of(reply).content)
        hidden = reply.hidden and not reply.as_file
        if size <= self._upload and not (hidden and kind is MediaKind.DOCUMENT):
            yield kind, reply
        if reply.stage is Stage.DRAWING:
            return  # the next preview may be taken
        if size <= self._upload and not hidden and kind is not MediaKind.DOCUMENT:
            yield MediaKind.DOCUMENT, reply
        for _ in range(MOST_SMALLER):
            if (smaller := await asyncio.to_thread(self._smaller, reply, min(size // SMALLER, self._upload))) is None:
                return
            size = len(file_of(smaller).content)
            if not (hidden and kind_of(smaller) is MediaKind.DOCUMENT):
                yield kind_of(smaller), smaller

    def _smaller(self, reply: Reply, size: int) -> Reply | None:
        """With at most `size` bytes; None where that shows nothing any more. Slow."""
        if reply.gif:
            gif = fit(None, reply.gif, size).gif
            return replace(reply, gif=gif) if gif else None
        picture = shrink(reply.picture, size) if reply.picture else None
        text = f"{truncate(reply.text, CAPTION - ROOM)}\n{self._say(reply.language, 'telegram-smaller')}".strip()
        return replace(reply, text=text, picture=picture) if picture else None

    def _in_words(self, reply: Reply, why: str) -> Reply:
        """Without the picture; a preview goes without a reason, as the next one may be taken."""
        text = truncate(reply.text, TEXT - 2 * ROOM)
        if reply.stage is not Stage.DRAWING or why == "telegram-no-media":
            text = f"{text}\n{self._say(reply.language, why, job=file_of(reply).job)}"
        return replace(reply, text=text, picture=None, gif=None)

    async def _send(self, kind: MediaKind, chat: int, thread: str, reply: Reply, answers: str) -> Message:
        bot, topic, answered = self._bot, int(thread) if thread else None, _reply_to(chat, answers)
        buttons = keyboard(reply, self._say)
        if kind is MediaKind.TEXT:
            return await bot.send_message(
                chat,
                words(reply, TEXT),
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
                words(reply, TEXT), chat, number, reply_markup=buttons, link_preview_options=PLAIN
            )
        except BadRequest as error:
            if not errors.says(error, errors.NO_TEXT):
                raise
            await bot.edit_message_caption(chat, number, caption=words(reply, CAPTION), reply_markup=buttons)


def _reply_to(chat: int, answers: str) -> ReplyParameters | None:
    """Reply parameters; the message is sent even if the original was deleted."""
    if not answers:
        return None
    there, number = numbers(answers)
    return ReplyParameters(number, allow_sending_without_reply=True) if there == chat else None
