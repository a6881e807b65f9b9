"""what each server has set: where the bot may draw, how many steps, previews, spoilers."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from bot.adapters.base import AdapterNotes
from bot.errors import UserError
from bot.language.styles import defaults_of
from bot.messages import Value

log = logging.getLogger(__name__)


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
        self._defaults: dict[int, Mapping[str, Value]] = {}

    async def load(self) -> None:
        """Read them all."""
        for key, text in (await self._notes.all()).items():
            values = json.loads(text)
            self._keep(int(key), Server(**{**values, "channels": tuple(values["channels"])}))

    def of(self, guild: int | None) -> Server:
        """The settings of a server, or the defaults."""
        return self._servers.get(guild or 0, ANYWHERE)

    def defaults_of(self, guild: int | None) -> Mapping[str, Value]:
        """The options that hold in a server where a person says nothing else."""
        return self._defaults.get(guild or 0, {})

    async def change(self, guild: int, channel: int | None = None, **values: int | bool | str) -> Server:
        """New settings; a channel is allowed when it was not, and the other way round. Durable when it returns.

        Raises UserError for options that are none.
        """
        server = replace(self.of(guild), **values)  # type: ignore[arg-type]
        _check_steps(_defaults_of(server), server)
        if channel is not None:
            rest = tuple(c for c in server.channels if c != channel)
            server = replace(server, channels=rest if len(rest) < len(server.channels) else (*rest, channel))
        self._keep(guild, server)
        await self._notes.put(str(guild), json.dumps(asdict(server)))
        return server

    def _keep(self, guild: int, server: Server) -> None:
        self._servers[guild] = server
        try:
            self._defaults[guild] = _defaults_of(server)
        except UserError as error:  # stored by a version that knew other options
            log.warning("the options of server %d do not hold any more: %s", guild, error.text)
            self._defaults[guild] = {}


def _defaults_of(server: Server) -> dict[str, Value]:
    """Raises UserError for options that are none."""
    return ({"steps": server.steps} if server.steps else {}) | defaults_of(server.options)


def _check_steps(options: Mapping[str, Value], server: Server) -> None:
    steps = options.get("steps")
    if server.most_steps and isinstance(steps, int) and steps > server.most_steps:
        raise UserError("most-steps", limit=server.most_steps)
