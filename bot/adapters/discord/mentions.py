"""what Discord writes as numbers in a text, people, channels and emoji of a server, as the names that people see."""

import re
from collections.abc import Mapping

import discord

_WRITTEN = re.compile(r"<(?:(?P<kind>@[!&]?|#)(?P<id>\d{1,20})|a?:(?P<emoji>\w{1,32}):\d{1,20}|t:-?\d{1,14}(?::\w)?)>")
_ABOUT_PEOPLE = re.compile(r"\s*/(?:un)?ban\b", re.IGNORECASE)  # commands that want the number


def with_names(text: str, names: Mapping[int, str]) -> str:
    """A prompt without the numbers of its mentions, which a network would draw; a person without a name is somebody."""
    if _ABOUT_PEOPLE.match(text):
        return text

    def name(match: re.Match[str]) -> str:
        if match["emoji"]:
            return match["emoji"].replace("_", " ")
        return names.get(int(match["id"] or 0), "somebody" if (match["kind"] or "").startswith("@") else "")

    return _WRITTEN.sub(name, text)


def names_in(message: discord.Message) -> dict[int, str]:
    """Whom and what a message mentions."""
    people = {person.id: person.display_name for person in message.mentions}
    return people | {place.id: place.name for place in (*message.role_mentions, *message.channel_mentions)}


def names_of(guild: discord.Guild | None, text: str) -> dict[int, str]:
    """Whom and what a text mentions, as far as it is known without asking; slash commands tell no names."""
    found: dict[int, str] = {}
    for match in _WRITTEN.finditer(text) if guild is not None else ():
        number = int(match["id"] or 0)
        assert guild is not None
        known = guild.get_member(number) or guild.get_role(number) or guild.get_channel_or_thread(number)
        if known is not None:
            found[number] = known.display_name if isinstance(known, discord.Member) else known.name
    return found
