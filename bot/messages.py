"""what comes in from a chat and what goes out, the same for every platform: frozen records."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | int | float  # of an option, such as `--steps 100`


class Action(StrEnum):
    """What a control under a picture does."""

    UPSCALE = "upscale"
    RERUN = "rerun"
    REMIX = "remix"
    SETTINGS = "settings"
    DELETE = "delete"
    CANCEL = "cancel"
    PICK = "pick"  # one of several
    VARY = "vary"  # draw on from it
    OFFER = "offer"  # draw one of the things that are offered where nothing was understood
    FILE = "file"  # the PNG itself, where a platform only shows a copy


class Stage(StrEnum):
    """How far a reply's job has come; a note belongs to no job."""

    NOTE = "note"
    WAITING = "waiting"
    DRAWING = "drawing"
    FINAL = "final"  # the finished picture
    STOPPED = "stopped"  # cancelled, perhaps with a partial picture
    FAILED = "failed"


# Emoji that exist on every platform first, then the aliases that only some have; U+FE0F is stripped before looking.
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


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who talks to the bot."""

    platform: str  # web, discord or telegram
    id: str  # the platform's own id
    name: str = ""  # to show, never to identify
    language: str = "en"  # as the platform tells it: `ru`, `en-US`, …
    moderator: bool = False  # may delete and cancel what others made in the chat this came from
    queued: int = 0  # most jobs of one person at a time in that chat; 0 leaves it to the bot's own limit
    most_steps: int = 0  # that a drawing may take in that chat; 0 is no limit
    server: str = ""  # the community that chat is part of, such as a Discord server; empty: the chat is one of its own
    server_today: int = 0  # most jobs of everybody there in 24 hours; 0 leaves it to the bot's own limit

    @property
    def key(self) -> str:
        """One string that is this person on all platforms together."""
        return f"{self.platform}:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A place that replies go to."""

    platform: str
    chat: str  # channel, chat or conversation
    thread: str = ""  # a topic in the chat, where the platform needs both

    @property
    def key(self) -> str:
        """One string for the chat, which is what platforms count their limits by."""
        return f"{self.platform}:{self.chat}"


# Brings an attached picture, as it was sent. Raises UserError when it is too large or cannot be had.
Fetch = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, kw_only=True)
class TextMessage:
    """Somebody typed: `/imagine …`, another command, or a plain sentence."""

    key: str  # the platform's update id; the same key twice is the same message
    person: Person
    address: Address
    text: str
    message: str = ""  # what a reply answers: message id or interaction token, opaque to the heart
    remix_of: int | None = None  # job whose prompt was edited into this one
    pictures: tuple[Fetch, ...] = ()  # attached, or those of the message that this replies to
    options: Mapping[str, Value] = field(default_factory=dict)  # chosen in a form; they win over those in the text
    defaults: Mapping[str, Value] = field(default_factory=dict)  # that hold in this place where none are said


@dataclass(frozen=True, kw_only=True)
class Press:
    """Somebody pressed a button under a picture."""

    key: str
    person: Person
    address: Address
    action: Action
    job: int
    message: str = ""
    picture: int | None = None  # which one of several, from 1
    strength: float | None = None  # of a variation: how much of the picture is kept


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """Somebody added an emoji to a message of the bot (taking one away is not told)."""

    key: str
    person: Person
    address: Address
    message: str  # the bot's message, as `Adapter.send` named it
    emoji: str


Incoming = TextMessage | Press | Reaction


@dataclass(frozen=True, kw_only=True)
class File:
    """A picture or a GIF to show."""

    name: str  # `12.png`, `12.gif` or, for a preview, `12-40.png`: never made from user text
    content: bytes
    media_type: str  # image/png or image/gif
    alt: str  # the prompt, for people who do not see the picture


@dataclass(frozen=True, kw_only=True)
class Button:
    """A control under a reply."""

    action: Action
    job: int
    label: str  # in the asker's language
    picture: int | None = None  # which one of several, from 1


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What one message of the bot shows; an edit replaces all of it."""

    text: str  # plain, no markup; adapters escape it and let it mention nobody
    stage: Stage = Stage.NOTE
    picture: File | None = None
    gif: File | None = None
    buttons: tuple[Button, ...] = ()
    job: int | None = None
    percent: int | None = None  # of the drawing, for platforms that can show a bar
    prompt: str = ""  # of the job, for a Remix that edits it in place
    as_file: bool = False  # the picture is to be kept: byte for byte, not as the platform would show it
    hidden: bool = False  # the picture is shown behind a click, where the platform can
    private: bool = False  # for the asker's eyes only, where the platform can
    reader: str = ""  # Person.key of the asker, for what a platform has to send to a person
    typed: str = ""  # what was typed wrong, for a page that lets it be edited
    offers: tuple[str, ...] = ()  # what may be sent next by one tap
    language: str = "en"  # of the asker, for what an adapter has to say itself
