"""what each server has set: where the bot may draw, how many steps, previews, spoilers."""

import json
from dataclasses import asdict, dataclass, replace

from bot import commands
from bot.adapters.base import Notebook
from bot.errors import UserError


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

    def allows(self, *channels: int | None) -> bool:
        """A channel, or the one that its thread belongs to."""
        return not self.channels or any(channel in self.channels for channel in channels)


ANYWHERE = Server()


class Servers:
    """All servers' settings, in memory and in the notebook."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._servers: dict[int, Server] = {}

    async def load(self) -> None:
        """Read them all."""
        for key, text in (await self._notebook.all()).items():
            values = json.loads(text)
            self._servers[int(key)] = Server(**{**values, "channels": tuple(values["channels"])})

    def of(self, guild: int | None) -> Server:
        """The settings of a server, or the defaults."""
        return self._servers.get(guild or 0, ANYWHERE)

    async def change(self, guild: int, channel: int | None = None, **values: int | bool) -> Server:
        """New settings; a channel is allowed when it was not, and the other way round. Durable when it returns."""
        server = replace(self.of(guild), **values)  # type: ignore[arg-type]
        if channel is not None:
            rest = tuple(c for c in server.channels if c != channel)
            server = replace(server, channels=rest if len(rest) < len(server.channels) else (*rest, channel))
        self._servers[guild] = server
        await self._notebook.put(str(guild), json.dumps(asdict(server)))
        return server


def with_steps(text: str, server: Server) -> str:
    """What somebody typed, with the server's number of steps; raises UserError when it asks for too many."""
    try:
        command = commands.parse(text)
    except UserError:
        return text  # the heart says what is wrong with it
    if not isinstance(command, commands.Imagine) or command.parent is not None:
        return text
    steps = command.options.get("steps")
    if server.most_steps and isinstance(steps, int) and steps > server.most_steps:
        raise UserError("discord-most-steps", limit=server.most_steps)
    return text if steps is not None or not server.steps else f"{text} --steps {server.steps}"
