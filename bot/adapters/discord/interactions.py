"""interaction references: the 15-minute token of an interaction, and the message that answers it."""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

_BEGAN = time.time() - time.monotonic()
LIFE = 14 * 60.0  # seconds a token is used; Discord accepts it for 15 minutes
BOUND_LIFE = 14 * 60.0 + 50.0  # where only the token leads to the message


def steady_clock() -> float:
    """Unix time as of the start, and from then on only what has passed: setting the host's clock changes nothing."""
    return _BEGAN + time.monotonic()


class Mode(StrEnum):
    """How an interaction was deferred; this cannot be changed later."""

    PUBLIC = "public"  # a message everybody sees
    PRIVATE = "private"  # a message only the user sees
    UPDATE = "update"  # no new message: the one with the button is edited


@dataclass(frozen=True, kw_only=True)
class InteractionRef:
    """The core carries it as the opaque `message` of an Incoming and stores it with the job."""

    token: str = field(repr=False)
    message: str  # id of the response message; "0" for none
    since: float  # Unix time at which it was received, by our own clock: that may be wrong
    mode: Mode
    bound: bool = False  # the bot cannot write in the channel: only the token leads to the message

    def usable(self, now: float) -> bool:
        """Whether the token is still valid, with a margin."""
        return now < self.since + (BOUND_LIFE if self.bound else LIFE)

    def __str__(self) -> str:
        return f"{self.mode} {self.message} {self.since:.0f} {self.bound:d} {self.token}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse what `str` wrote; None for any other text."""
        words = text.split(" ")
        if len(words) != 5:
            return None
        mode, message, since, bound, token = words
        try:
            return cls(token=token, message=message, since=float(since), mode=Mode(mode), bound=bound == "1")
        except ValueError:
            return None
