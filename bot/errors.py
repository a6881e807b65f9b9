"""the bot's error tree.

BotError
├── UserError        what a person asked cannot be done; the id of a sentence with its values
├── ConfigError      the config file or environment cannot be used; one line that names key and file
├── StoreError       the database cannot be used; one sentence that says what to do
├── NotStored        a write that may succeed later: the disk is full, another program holds the database
├── Closed           intake is closed: do not confirm the update, it will be asked again after the restart
└── AdapterError     what a chat platform answered to a send or an edit
    ├── RetryAfter   too many calls: `seconds` until this chat may be written to again
    ├── MessageGone  the message was deleted, or can never be edited again
    ├── AddressGone  the chat was closed to the bot: kicked, blocked, archived, no permission
    ├── Refused      this reply will never be accepted as it is: try another form of it
    └── NotDelivered the call failed and may be tried again: network, the platform's own fault
"""

import errno

# Of an OSError: it passes when space, memory or descriptors are free again.
_PASSING = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.EAGAIN,
}


class BotError(Exception):
    """Base of all."""


class UserError(BotError):
    """What a person asked cannot be done."""

    def __init__(self, text: str, **values: str | int | float) -> None:
        """`text` is the id of a sentence in bot/texts, `values` are its variables."""
        super().__init__(text)
        self.text = text
        self.values = values


class ConfigError(BotError):
    """The config cannot be used; `str(error)` is one line."""


class StoreError(BotError):
    """The database cannot be used; `str(error)` is one sentence."""


class NotStored(BotError):
    """A passing failure of a write, after which nothing of it is stored; `str(error)` is one sentence."""


def is_passing(error: OSError) -> bool:
    """Whether the same call may succeed later."""
    return error.errno in _PASSING


class Closed(BotError):
    """The bot is shutting down and takes no more work."""


class AdapterError(BotError):
    """A chat platform did not take a reply."""


class RetryAfter(AdapterError):
    """The platform asks to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"retry after {seconds:g} s")
        self.seconds = seconds


class MessageGone(AdapterError):
    """The message is no more, or no longer ours to edit."""


class AddressGone(AdapterError):
    """Nothing can be written to this address any more."""


class Refused(AdapterError):
    """A permanent failure of this reply: retrying would not help."""


class NotDelivered(AdapterError):
    """A passing failure."""
