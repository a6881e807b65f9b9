"""picture attachments on Discord: which ones a command refers to, and how they are downloaded."""

import re
from collections.abc import Sequence

import discord

from bot.adapters.discord.api import FAULTS
from bot.errors import UserError
from bot.messages import Fetch, may_be_picture
from engine import MAX_PICTURE_BYTES


def pictures_of(message: discord.Message) -> list[discord.Attachment]:
    """What may be pictures among the attachments of a message that others may have written; the rest is left alone."""
    return [file for file in message.attachments if may_be_picture(file.content_type, file.filename)]


def pictures_with_reply(message: discord.Message, me: discord.abc.User | None) -> list[discord.Attachment]:
    """All that a message brings along, to be told by its bytes or refused, and the pictures of the one it replies to.

    Without the message content intent, Discord hides other people's attachments: use the message command for those.
    """
    answered = message.reference.resolved if message.reference else None
    if not isinstance(answered, discord.Message):
        return message.attachments
    # A reply to one of our own pictures is a new prompt, unless it says --init.
    if answered.author == me and not re.search("(?:--|—|–)init", message.content):
        return message.attachments
    return message.attachments + pictures_of(answered)[:1]


def fetches_of(attached: Sequence[discord.Attachment]) -> tuple[Fetch, ...]:
    """Deferred downloads: nothing is fetched before it is known to be wanted."""
    return tuple(_fetch(file) for file in attached)


def _fetch(file: discord.Attachment) -> Fetch:
    async def fetch() -> bytes:
        if file.size > MAX_PICTURE_BYTES:
            raise UserError("picture-bytes")
        try:
            return await file.read()
        except FAULTS as error:  # its URL is signed and may have expired
            raise UserError("picture-lost") from error

    return fetch
