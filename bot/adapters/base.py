"""the Adapter protocol: what the heart asks of a chat platform, and what it gives to one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.messages import Address, Incoming, Reply

# Hands one Incoming to the heart. It returns when the effect is durable: only then confirm the update.
# Raises Closed while the bot shuts down (do not confirm). What a person did wrong comes back as a Reply, not an error.
Receive = Callable[[Incoming], Awaitable[None]]


class Adapter(Protocol):
    """One chat platform. All calls come from one event loop."""

    @property
    def platform(self) -> str:
        """The name in Address.platform and Person.platform."""
        ...

    @property
    def gif_apart(self) -> bool:
        """True where a GIF needs a message of its own; else it rides with the final picture."""
        ...

    async def start(self, receive: Receive) -> None:
        """Begin to listen; returns once it does. Raises ConfigError when it can't (wrong token, port taken)."""
        ...

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        """A new message; returns its id.

        Args:
            nonce: at most 25 characters; after a crash the same send comes again with the same nonce, and the
                adapter returns the message that is already there instead of a second one, as well as it can find out.
            answers: `message` of the Incoming that this answers, or of a GIF the picture; empty for none.

        Raises: RetryAfter, AddressGone, NotDelivered.
        """
        ...

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        """Replace all that a message shows; the same edit twice is no error.

        Raises: RetryAfter, MessageGone, AddressGone, NotDelivered.
        """
        ...

    async def delete(self, address: Address, message: str) -> None:
        """Remove a message of the bot; one that is already gone is no error. Raises like `edit`."""
        ...

    async def close(self) -> None:
        """Stop listening and let the last calls end; a few seconds at most."""
        ...


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One message of a conversation that we keep ourselves."""

    id: int  # grows with time
    chat: str
    author: str  # `bot`, or the key of a person
    body: str  # the adapter's own JSON
    created: float  # Unix time


class History(Protocol):
    """Where an adapter without a server of its own (the web page) keeps its conversations; durable."""

    async def add(self, chat: str, nonce: str, author: str, body: str) -> int:
        """A new entry; the same chat and nonce again give the entry that is already there."""
        ...

    async def change(self, entry: int, body: str) -> bool:
        """Replace the body; False when the entry is gone."""
        ...

    async def remove(self, entry: int) -> None:
        """Forget an entry; one that is already gone is no error."""
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
    """Where an adapter notes down small things of its own; durable."""

    async def all(self) -> dict[str, str]:
        """Everything that was noted down, by key."""
        ...

    async def put(self, key: str, value: str) -> None:
        """Note something down; it is on the disk when this returns."""
        ...
