"""pictures that people attach on Discord: which ones are meant, and how they are fetched."""

import re
from collections.abc import Sequence

import discord

from bot.adapters.discord.api import FAULTS
from bot.errors import UserError
from bot.messages import Fetch
from engine import MAX_PICTURE_BYTES


def pictures_of(message: discord.Message) -> list[discord.Attachment]:
    """The pictures among the attachments of a message; films and texts are no matter of ours."""
    return [file for file in message.attachments if (file.content_type or "").startswith("image/")]


def pictures_with_reply(message: discord.Message, me: discord.abc.User | None) -> list[discord.Attachment]:
    """Those of a message, and of the one that it replies to.

    In a server Discord tells nothing of what others have attached there: that takes the command on a message.
    """
    answered = message.reference.resolved if message.reference else None
    if not isinstance(answered, discord.Message):
        return pictures_of(message)
    # New words said to a picture of our own are a new wish; only who says --init wants to draw on from it.
    if answered.author == me and not re.search("(?:--|—|–)init", message.content):
        return pictures_of(message)
    return pictures_of(message) + pictures_of(answered)[:1]


def fetches_of(attached: Sequence[discord.Attachment]) -> tuple[Fetch, ...]:
    """How each is fetched, when it is known that it is wanted."""
    return tuple(_fetch(file) for file in attached)


def _fetch(file: discord.Attachment) -> Fetch:
    async def fetch() -> bytes:
        if file.size > MAX_PICTURE_BYTES:
            raise UserError("picture-bytes")
        try:
            return await file.read()
        except FAULTS as error:  # its address is signed and may have run out
            raise UserError("picture-lost") from error

    return fetch
