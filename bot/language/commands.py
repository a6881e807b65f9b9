"""parses text into a Command: `/imagine …` or a plain sentence, /cancel, /queue, /show and the rest. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.errors import UserError
from bot.language.options import nearest, read, read_change, read_fields
from bot.messages import Action, Value

NUMBERED = (
    Action.UPSCALE,
    Action.PICK,
    Action.OFFER,
    Action.VARY,
    Action.FILE,
    Action.SETTINGS,
)  # may refer to one of several pictures
LONGEST_SEARCH = 60  # characters
MODERATION = ("ban", "unban", "purge", "pause", "resume", "forget", "whoami")
NAMES = ("imagine", "help", "queue", "show", "pictures", "words", *Action, *MODERATION)
NEWEST = (Action.UPSCALE, Action.VARY, Action.RERUN, Action.FILE)  # of the person's pictures, where no number is said
RUSSIAN = {
    "нарисуй": "imagine",
    "помощь": "help",
    "очередь": "queue",
    "покажи": "show",
    "картинки": "pictures",
    "слова": "words",
    "увеличь": "upscale",
    "вариант": "vary",
    "ещё": "rerun",
    "еще": "rerun",
    "переделай": "remix",
    "подправь": "steer",
    "отмена": "cancel",
    "отмени": "cancel",
    "настройки": "settings",
    "файл": "file",
    "удали": "delete",
    "забудь": "forget",
    "ктоя": "whoami",
}
NO_OPTIONS: Mapping[str, Value] = {}
_COMMAND = re.compile(r"/(?P<name>[^\W\d_]+)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)
_NUMBER = re.compile(r"(?:#?([0-9]{1,18})(?:\s+|\Z))?(.*)", re.DOTALL)

_PERSON = re.compile(r"#?(?P<job>[0-9]{1,18})|<@!?(?P<mentioned>[0-9]{1,20})>|[a-z]{1,20}:[\w-]{1,64}")
_FORGET = re.compile(r"(?:me|меня)(?:\s+(?P<code>[0-9]{1,12}))?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Imagine:
    """Draw; with `parent`, a remix of that job."""

    prompt: str
    options: dict[str, Value] = field(default_factory=dict)  # fields of Request, and `style`
    parent: int | None = None


@dataclass(frozen=True, kw_only=True)
class Act:
    """Do what a button under a job does; `job` None for the person's newest job."""

    action: Action
    job: int | None
    picture: int | None = None  # which of several, from 1
    strength: float | None = None  # of a variation: share of the picture kept


@dataclass(frozen=True, kw_only=True)
class Steer:
    """New words for a drawing in progress; `job` None for the person's newest."""

    job: int | None
    words: str  # as in --then


@dataclass(frozen=True, kw_only=True)
class Show:
    """Show a job and its line of descent; None for the newest of the person."""

    job: int | None


@dataclass(frozen=True, kw_only=True)
class ShowPictures:
    """List the person's newest pictures."""


@dataclass(frozen=True, kw_only=True)
class ShowQueue:
    """Show the queue."""


@dataclass(frozen=True, kw_only=True)
class ShowWords:
    """List what can be drawn by name."""

    search: str = ""  # a name, a group, or a word to search for


@dataclass(frozen=True, kw_only=True)
class Help:
    """Show the help."""

    more: bool = False  # all of it


@dataclass(frozen=True, kw_only=True)
class Ban:
    """Ban a person, or lift the ban."""

    who: str  # `#12` for the owner of job 12, or a Person.key, whose platform may be left out
    lift: bool = False


@dataclass(frozen=True, kw_only=True)
class Purge:
    """Remove a picture everywhere it was sent."""

    job: int


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Pause new pictures, or resume."""

    lift: bool = False


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Delete everything stored about the person; without the code, ask for confirmation."""

    code: str = ""


@dataclass(frozen=True, kw_only=True)
class WhoAmI:
    """Show how the bot identifies the person."""


ModerationCommand = Ban | Purge | Pause | Forget | WhoAmI
Command = Imagine | Act | Steer | Show | ShowPictures | ShowQueue | ShowWords | Help | ModerationCommand


def parse(text: str, options: Mapping[str, Value] = NO_OPTIONS) -> Command:
    """Parse a message; raises UserError.

    Args:
        options: of a form; they override those in the text.
    """
    text = text.strip()
    match = _COMMAND.fullmatch(text)
    name, rest = (match["name"].lower(), (match["rest"] or "").strip()) if match else ("imagine", text)
    name = RUSSIAN.get(name, name)
    if name == "imagine":
        command = _imagine(rest)
        return replace(command, options=command.options | read_fields(options)) if options else command
    if name in ("help", "start"):
        return Help(more=name == "help" and bool(rest))
    if name == "queue":
        return ShowQueue()
    if name == "words":
        return ShowWords(search=rest[:LONGEST_SEARCH])
    if name == "show":
        return Show(job=_job(name, rest) if rest else None)
    if name == "pictures":
        return ShowPictures()
    if name == Action.REMIX:
        number, *prompt = rest.split(maxsplit=1) or [""]
        job = _job(name, number)
        return _imagine(prompt[0], job) if prompt else Act(action=Action.REMIX, job=job)
    if name == Action.STEER:
        return _steer(rest)
    if name in (Action.CANCEL, Action.SETTINGS, *NEWEST) and not rest:
        return Act(action=Action(name), job=None)
    if name in NUMBERED:
        return _one_of_several(Action(name), rest.split())
    if name in list(Action):
        return Act(action=Action(name), job=_job(name, rest))
    if (moderation := _moderation(name, rest)) is not None:
        return moderation
    raise UserError("unknown-command", name=name[:40], meant=nearest(name, [*NAMES, *RUSSIAN]))


def in_language(name: str, language: str) -> str:
    """A command's name in the reader's language."""
    russian = (word for word, meant in RUSSIAN.items() if meant == name and language.lower().startswith("ru"))
    return next(russian, name)


def _moderation(name: str, rest: str) -> ModerationCommand | None:
    """A moderation command, or None."""
    if name in ("ban", "unban"):
        if not (match := _PERSON.fullmatch(rest)):
            raise UserError("which-person", name=name)
        who = f"#{match['job']}" if match["job"] else match["mentioned"] or rest
        return Ban(who=who, lift=name == "unban")
    if name == "purge":
        return Purge(job=_job(name, rest))
    if name in ("pause", "resume"):
        return Pause(lift=name == "resume")
    if name == "forget":
        if not (match := _FORGET.fullmatch(rest)):
            raise UserError("forget-whom")
        return Forget(code=match["code"] or "")
    return WhoAmI() if name == "whoami" else None


def _imagine(text: str, parent: int | None = None) -> Imagine:
    prompt, options = read(text)
    if not prompt:
        raise UserError("no-prompt")
    return Imagine(prompt=prompt, options=options, parent=parent)


def _steer(text: str) -> Steer | Act:
    """`12 a blue star`, `a blue star`, `0 3 stars` (of the newest), `12 + a moon`; without words the question how."""
    number, words = _NUMBER.fullmatch(text).groups()  # type: ignore[union-attr]
    job = int(number or 0) or None
    return Steer(job=job, words=read_change(words)) if words else Act(action=Action.STEER, job=job)


def _one_of_several(action: Action, words: list[str]) -> Act:
    """`12`, `12 2`, and for a variation `12 2 0.4` or `12 0.4`."""
    job, more = _job(action, words[0] if words else ""), words[1:]
    picture = int(more.pop(0)) if more and re.fullmatch("[1-4]", more[0]) else None
    strength = None
    if more and action is Action.VARY and re.fullmatch(r"0?\.[0-9]{1,4}", more[0]):
        strength = float(more.pop(0))
    if more or (action in (Action.PICK, Action.OFFER) and picture is None):
        raise UserError("which-of-several", name=action)
    return Act(action=action, job=job, picture=picture, strength=strength)


def _job(command: str, text: str) -> int:
    if not re.fullmatch(r"#?[0-9]{1,18}", text):
        raise UserError("which-job", name=command)
    return int(text.lstrip("#"))
