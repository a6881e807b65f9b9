"""the Adapter protocol: what the core calls on a chat platform, and what it provides to one."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.messages import Address, Incoming, Reply

# Passes one Incoming to the core. It returns once the effect is durable: only then confirm the update.
# Raises Closed during shutdown (do not confirm). A person's mistake comes back as a Reply, not as an error.
Receive = Callable[[Incoming], Awaitable[None]]


PATIENCE = 60.0  # seconds of silence that are no trouble yet: connections are lost and made again all the time


class Connection:
    """Whether a platform can be reached: for /healthz, and to end the bot when none is left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lost = ""  # why it will not be reached with this config any more, as one sentence
        self.on_lost: Callable[[], None] = lambda: None
        self._clock = clock
        self._since, self._why = 0.0, ""  # when it fell silent, and why

    def begin(self) -> None:
        """It is reached."""
        self.lost = self._why = ""

    def fail(self, why: str) -> None:
        """It is not reached now, for this reason; it is tried again."""
        if not self._why:
            self._since = self._clock()
        self._why = why

    def end(self, why: str) -> None:
        """It will not be reached again until the config is changed."""
        if not self.lost:
            self.lost = why
            self.on_lost()

    @property
    def trouble(self) -> str:
        """One sentence; empty when all is well."""
        return self.lost or (self._why if self._clock() >= self._since + PATIENCE else "")


class Adapter(Protocol):
    """One chat platform. All calls come from one event loop."""

    connection: Connection

    @property
    def platform(self) -> str:
        """The name in Address.platform and Person.platform."""
        ...

    @property
    def gif_apart(self) -> bool:
        """True where a GIF needs its own message; otherwise it is attached to the final picture."""
        ...

    async def start(self, receive: Receive) -> None:
        """Start listening; returns once it does. Raises ConfigError when it cannot (wrong token, port taken)."""
        ...

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        """A new message; returns its id.

        Args:
            nonce: at most 25 characters; after a crash the same send is repeated with the same nonce, and the
                adapter returns the existing message instead of sending a second one, as far as it can tell.
            answers: `message` of the Incoming that this replies to, for a GIF the picture's; empty for none.

        Raises: RetryAfter, AddressGone, NotDelivered.
        """
        ...

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        """Replace everything a message shows; repeating the same edit is no error.

        Raises: RetryAfter, MessageGone, AddressGone, NotDelivered.
        """
        ...

    async def delete(self, address: Address, message: str) -> None:
        """Remove a message of the bot; one that is already gone is no error. Raises like `edit`."""
        ...

    async def close(self) -> None:
        """Stop listening and finish pending calls; takes a few seconds at most."""
        ...


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One message of a conversation stored by the bot itself."""

    id: int  # grows with time
    chat: str
    author: str  # `bot`, or the key of a person
    body: str  # the adapter's own JSON
    created: float  # Unix time


class History(Protocol):
    """Durable storage of conversations for an adapter without a server of its own (the web page)."""

    async def add(self, chat: str, nonce: str, author: str, body: str) -> int:
        """Add an entry; repeating chat and nonce returns the existing one."""
        ...

    async def change(self, entry: int, body: str) -> bool:
        """Replace the body; False when the entry is gone."""
        ...

    async def remove(self, entry: int) -> None:
        """Delete an entry; a missing one is no error."""
        ...

    async def entry(self, chat: str, entry: int) -> HistoryEntry | None:
        """An entry of one chat, however old; None when that chat has none of this number."""
        ...

    async def entries(self, chat: str, limit: int = 200) -> list[HistoryEntry]:
        """The newest entries of one chat, oldest first."""
        ...

    async def picture(self, name: str) -> bytes | None:
        """A finished picture or GIF by its File.name; None when there is none (previews are not kept)."""
        ...


class AdapterNotes(Protocol):
    """Durable key–value storage for an adapter's own settings."""

    async def all(self) -> dict[str, str]:
        """All values by key."""
        ...

    async def put(self, key: str, value: str) -> None:
        """Store a value; it is on disk when this returns."""
        ...
