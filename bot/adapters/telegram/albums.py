"""albums: pictures sent together come as messages of their own, of which one has the words; they are taken together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cachetools import LRUCache
from telegram import Message, Update

QUIET = 0.7  # seconds without another message of the album, after which it is whole
MOST = 10  # pictures of an album
REMEMBERED = 1000  # albums


@dataclass
class Album:
    """The messages of a media group that have come so far, by number."""

    messages: dict[int, Message] = field(default_factory=dict)
    whole: bool = False


class Albums:
    """Collects the messages of each album."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`sleep` waits for messages of the same album."""
        self._sleep = sleep
        self._albums: LRUCache[tuple[int, str], Album] = LRUCache(REMEMBERED)

    def see(self, update: Update) -> None:
        """Note a message that has come, before any message of its album is answered."""
        message = update.message or update.channel_post
        if message is not None and message.media_group_id is not None:
            album = self._albums.setdefault((message.chat_id, message.media_group_id), Album())
            if len(album.messages) < MOST:
                album.messages[message.message_id] = message

    async def of(self, update: Update) -> list[Message]:
        """All messages of this one's album, once no more come; empty where it is of none."""
        self.see(update)
        message = update.message or update.channel_post
        if message is None or message.media_group_id is None:
            return []
        album = self._albums[message.chat_id, message.media_group_id]
        while not album.whole:
            count = len(album.messages)
            await self._sleep(QUIET)
            album.whole = len(album.messages) in (count, MOST)
        return [album.messages[number] for number in sorted(album.messages)]
