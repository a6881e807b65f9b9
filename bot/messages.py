"""platform-neutral messages, in and out: frozen records; which reaction means which action."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | int | float  # of an option, such as `--steps 100`


class Action(StrEnum):
    """What a button under a picture does."""

    UPSCALE = "upscale"
    RERUN = "rerun"
    REMIX = "remix"
    SETTINGS = "settings"
    DELETE = "delete"
    CANCEL = "cancel"
    STEER = "steer"  # new words while it is drawn
    PICK = "pick"  # one of several
    VARY = "vary"  # draw a variation of it
    OFFER = "offer"  # draw one of the suggestions, where nothing was understood
    FILE = "file"  # the PNG itself, where a platform shows a re-encoded copy


class Stage(StrEnum):
    """The stage of a reply's job; a note belongs to no job."""

    NOTE = "note"
    WAITING = "waiting"
    DRAWING = "drawing"
    FINAL = "final"  # the finished picture
    STOPPED = "stopped"  # cancelled, perhaps with a partial picture
    FAILED = "failed"


# Emoji that exist on every platform first, then aliases; U+FE0F is stripped before the lookup.
REACTIONS: dict[str, Action] = {
    "🔥": Action.UPSCALE,
    "⬆": Action.UPSCALE,
    "🎉": Action.RERUN,
    "⚡": Action.RERUN,
    "🔁": Action.RERUN,
    "👀": Action.SETTINGS,
    "👎": Action.DELETE,
    "💩": Action.DELETE,
    "❌": Action.DELETE,
}
_DRESS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")  # how an emoji is shown, and the colour of its skin


def plain_emoji(emoji: str) -> str:
    """The emoji itself, whatever its colour of skin, as REACTIONS has it."""
    return _DRESS.sub("", emoji)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who talks to the bot."""

    platform: str  # web, discord or telegram
    id: str  # the platform's own id
    name: str = ""  # for display, never for identification
    language: str = "en"  # as reported by the platform: `ru`, `en-US`, …
    moderator: bool = False  # may cancel and delete other people's jobs in this chat
    queued: int = 0  # the chat's limit on queued jobs per person; 0 for the bot's own limit
    most_steps: int = 0  # most steps in this chat; 0 for no limit
    server: str = ""  # the Discord server or the like; empty: the chat counts by itself
    server_today: int = 0  # the server's limit on jobs in 24 hours; 0 for the bot's own limit
    server_queued: int = 0  # the limit on jobs of everybody there that wait or are drawn; 0 for no limit
    account: str = ""  # what holds several people, as a browser does; empty: the person counts alone

    @property
    def key(self) -> str:
        """Identifies the person across platforms."""
        return f"{self.platform}:{self.id}"

    @property
    def counted(self) -> str:
        """Whom limits, turns and bans count."""
        return f"{self.platform}:{self.account or self.id}"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where replies go."""

    platform: str
    chat: str  # channel, chat or conversation
    thread: str = ""  # a topic in the chat, where the platform has them
    # The Discord server or the like that the chat is part of; the chat itself where it is part of none; empty: unknown.
    server: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """Identifies the chat, which is what platforms count their rate limits by."""
        return f"{self.platform}:{self.chat}"


PICTURE_NAME = re.compile(r"\.(?:png|jpe?g|webp|gif)$", re.IGNORECASE)
UNTYPED = ("", "application/octet-stream", "binary/octet-stream")


def may_be_picture(media_type: str | None, name: str | None) -> bool:
    """Whether a file that nobody has pointed out is worth a look; what it is its bytes say, not its type."""
    kind = (media_type or "").partition(";")[0].strip().lower()
    return kind.startswith("image/") or kind in UNTYPED or PICTURE_NAME.search(name or "") is not None


# Downloads an attached picture. Raises UserError when it is too large or unavailable.
Fetch = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, kw_only=True)
class TextMessage:
    """A text message: `/imagine …`, another command, or a plain sentence."""

    key: str  # the platform's update id; the same key is the same message
    person: Person
    address: Address
    text: str
    message: str = ""  # what a reply refers to: message id or interaction, opaque to the core
    remix_of: int | None = None  # job whose prompt was edited into this one
    without: frozenset[str] = frozenset()  # what this remix does not inherit, by Carried.name
    replies_to: str = ""  # id of the bot's message that this replies to, as returned by `Adapter.send`
    addressed: bool = True  # False: a mere reply, which is for the bot only where it shows a drawing in progress
    awaited: bool = False  # the platform shows the person that an answer is on its way
    pictures: tuple[Fetch, ...] = ()  # attached, or of the message this replies to
    options: Mapping[str, Value] = field(default_factory=dict)  # from a form; they override those in the text
    defaults: Mapping[str, Value] = field(default_factory=dict)  # default options of the chat


@dataclass(frozen=True, kw_only=True)
class Press:
    """A button press."""

    key: str
    person: Person
    address: Address
    action: Action
    job: int
    message: str = ""
    picture: int | None = None  # which of several, from 1
    strength: float | None = None  # of a variation: share of the picture kept
    awaited: bool = False  # the platform shows the person that an answer is on its way


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """A reaction added to one of the bot's messages (removals are not reported)."""

    key: str
    person: Person
    address: Address
    message: str  # the bot's message, as returned by `Adapter.send`
    emoji: str


Incoming = TextMessage | Press | Reaction


@dataclass(frozen=True, kw_only=True)
class File:
    """A picture or a GIF to show."""

    name: str  # `12.png`, `12.gif` or, for a preview, `12-40.png`: never made from user text
    content: bytes
    media_type: str  # image/png or image/gif
    alt: str  # alt text: the prompt

    @property
    def job(self) -> str:
        """The number of the job whose picture it is."""
        return self.name.partition(".")[0].partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button under a reply."""

    action: Action
    job: int
    label: str  # in the user's language
    picture: int | None = None  # which of several, from 1


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Something that a remix inherits beside the words, and that may be left out."""

    name: str  # an option as in Request, or `target` for the pictures that guide
    label: str  # in the user's language


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The full content of one of the bot's messages; an edit replaces all of it."""

    text: str  # plain text; adapters escape it and let it mention nobody
    stage: Stage = Stage.NOTE
    picture: File | None = None
    gif: File | None = None
    buttons: tuple[Button, ...] = ()
    job: int | None = None
    percent: int | None = None  # of the drawing, for platforms with a progress bar
    prompt: str = ""  # of the job, for Remix to pre-fill
    carries: tuple[Carried, ...] = ()  # what a remix of the job inherits
    as_file: bool = False  # send the picture as a file, byte for byte
    hidden: bool = False  # show the picture behind a spoiler, where supported
    private: bool = False  # visible to the user only, where supported
    reader: str = ""  # Person.key of the user, for direct messages and pings
    typed: str = ""  # what was typed wrong, for a page that lets it be edited
    offers: tuple[str, ...] = ()  # what may be sent next by one tap
    language: str = "en"  # of the user, for an adapter's own sentences
