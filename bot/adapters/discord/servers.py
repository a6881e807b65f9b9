"""what each server has set: where the bot may draw, how many steps, previews, spoilers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from bot.adapters.base import AdapterNotes
from bot.errors import UserError
from bot.language import commands
from bot.language.options import Value
from bot.language.styles import defaults_of


@dataclass(frozen=True, kw_only=True)
class Server:
    """The settings of one server."""

    channels: tuple[int, ...] = ()  # where the bot may be asked; empty for all
    steps: int = 0  # of a drawing for which nobody says how many; 0 leaves it to the models
    most_steps: int = 0  # that somebody may ask for; 0 is no limit
    most_queued: int = 0  # pictures of one person at a time; 0 leaves it to the bot's own limit
    most_per_day: int = 0  # pictures of everybody in 24 hours; 0 leaves it to the bot's own limit
    previews: bool = True
    spoiler: bool = False
    options: str = ""  # that hold where a person says nothing else, as they are typed

    def allows(self, *channels: int | None) -> bool:
        """A channel, or the one that its thread belongs to."""
        return not self.channels or any(channel in self.channels for channel in channels)


ANYWHERE = Server()


class Servers:
    """All servers' settings, in memory and in the notes."""

    def __init__(self, notes: AdapterNotes) -> None:
        self._notes = notes
        self._servers: dict[int, Server] = {}

    async def load(self) -> None:
        """Read them all."""
        for key, text in (await self._notes.all()).items():
            values = json.loads(text)
            self._servers[int(key)] = Server(**{**values, "channels": tuple(values["channels"])})

    def of(self, guild: int | None) -> Server:
        """The settings of a server, or the defaults."""
        return self._servers.get(guild or 0, ANYWHERE)

    async def change(self, guild: int, channel: int | None = None, **values: int | bool | str) -> Server:
        """New settings; a channel is allowed when it was not, and the other way round. Durable when it returns.

        Raises UserError for options that are none.
        """
        server = replace(self.of(guild), **values)  # type: ignore[arg-type]
        _check_steps(defaults_of(server.options), server)
        if channel is not None:
            rest = tuple(c for c in server.channels if c != channel)
            server = replace(server, channels=rest if len(rest) < len(server.channels) else (*rest, channel))
        self._servers[guild] = server
        await self._notes.put(str(guild), json.dumps(asdict(server)))
        return server


def defaults_for(text: str, server: Server) -> str:
    """The options that hold in a server, as they are typed; raises UserError when somebody asks for too many steps."""
    try:
        command = commands.parse(text)
    except UserError:
        return ""  # the heart says what is wrong with it
    if isinstance(command, commands.Imagine):
        _check_steps(command.options, server)
    return f"--steps {server.steps} {server.options}" if server.steps else server.options


def _check_steps(options: Mapping[str, Value], server: Server) -> None:
    steps = options.get("steps")
    if server.most_steps and isinstance(steps, int) and steps > server.most_steps:
        raise UserError("discord-most-steps", limit=server.most_steps)
