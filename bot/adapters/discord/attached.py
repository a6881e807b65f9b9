"""pictures that people attach on Discord: which ones are meant, and how they are fetched."""

from collections.abc import Sequence

import discord

from bot.adapters.discord.calls import FAULTS
from bot.errors import UserError
from bot.messages import Fetch
from engine import MAX_PICTURE_BYTES


def pictures_of(message: discord.Message) -> list[discord.Attachment]:
    """The pictures among the attachments of a message; films and texts are no matter of ours."""
    return [file for file in message.attachments if (file.content_type or "").startswith("image/")]


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
