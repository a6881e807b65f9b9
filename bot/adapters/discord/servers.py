"""per-server settings: allowed channels, steps, limits, previews, spoilers."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from bot.adapters.base import AdapterNotes
from bot.errors import UserError
from bot.language.styles import defaults_of
from bot.messages import Value

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Server:
    """The settings of one server."""

    channels: tuple[int, ...] = ()  # channels the bot serves; empty for all
    steps: int = 0  # default steps; 0 for the model set's default
    most_steps: int = 0  # most steps allowed; 0 for no limit
    most_queued: int = 0  # queued pictures per person; 0 for the bot's own limit
    most_per_day: int = 0  # pictures for the whole server in 24 hours; 0 for the bot's own limit
    previews: bool = True
    spoiler: bool = False
    options: str = ""  # default options, as typed
    greeted: bool = False  # somebody has been shown examples, after the first picture

    def allows(self, *channels: int | None) -> bool:
        """Whether a channel, or the parent of a thread, is allowed."""
        return not self.channels or any(channel in self.channels for channel in channels)


ANYWHERE = Server()
UNKNOWN = Server(previews=False, spoiler=True)  # what protects people holds where nobody knows what was set


class Servers:
    """The settings of all servers, cached in memory and stored in the adapter's notes."""

    def __init__(self, notes: AdapterNotes) -> None:
        self._notes = notes
        self._servers: dict[int, Server] = {}
        self._defaults: dict[int, Mapping[str, Value]] = {}

    async def load(self) -> None:
        """Load them all."""
        for key, text in (await self._notes.all()).items():
            self._keep(int(key), _read(key, text))

    def of(self, guild: int | None) -> Server:
        """The settings of a server, or the defaults."""
        return self._servers.get(guild or 0, ANYWHERE)

    def defaults_of(self, guild: int | None) -> Mapping[str, Value]:
        """The default options of a server."""
        return self._defaults.get(guild or 0, {})

    async def change(self, guild: int, channel: int | None = None, **values: int | bool | str) -> Server:
        """Change settings; `channel` is toggled in the list of allowed ones. Durable when it returns.

        Raises UserError for invalid options, NotStored.
        """
        server = replace(self.of(guild), **values)  # type: ignore[arg-type]
        _check_steps(_defaults_of(server), server)
        if channel is not None:
            rest = tuple(c for c in server.channels if c != channel)
            server = replace(server, channels=rest if len(rest) < len(server.channels) else (*rest, channel))
        await self._notes.put(str(guild), json.dumps(asdict(server)))
        self._keep(guild, server)
        return server

    def _keep(self, guild: int, server: Server) -> None:
        self._servers[guild] = server
        try:
            self._defaults[guild] = _defaults_of(server)
        except UserError as error:  # stored by a version with other options
            log.warning("the options of server %d do not hold any more: %s", guild, error.text)
            self._defaults[guild] = {}


def _read(key: str, text: str) -> Server:
    """Settings as they were stored, perhaps by a newer version; strict ones where they cannot be read."""
    try:
        stored = json.loads(text)
        if not isinstance(stored, dict):
            raise TypeError
        known = {f.name: stored[f.name] for f in fields(Server) if f.name in stored}
        server = Server(**{**known, "channels": tuple(known.get("channels", ()))})
        if any(type(getattr(server, f.name)) is not type(f.default) for f in fields(Server)):
            raise TypeError
        return server
    except (ValueError, TypeError):
        log.error("the settings of server %s cannot be read: pictures are hidden there until they are set anew", key)
        return UNKNOWN


def _defaults_of(server: Server) -> dict[str, Value]:
    """Raises UserError for invalid options."""
    return ({"steps": server.steps} if server.steps else {}) | defaults_of(server.options)


def _check_steps(options: Mapping[str, Value], server: Server) -> None:
    steps = options.get("steps")
    if server.most_steps and isinstance(steps, int) and steps > server.most_steps:
        raise UserError("most-steps", limit=server.most_steps)
