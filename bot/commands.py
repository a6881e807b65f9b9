"""text → Command: `/imagine …` or a plain sentence, /cancel /queue /show /help /settings and the rest. Pure."""

import re
from dataclasses import dataclass, field

from bot.errors import UserError
from bot.messages import Action
from bot.options import Value, nearest, read

NUMBERED = (Action.UPSCALE, Action.PICK, Action.VARY, Action.FILE, Action.SETTINGS)  # may name one of several
NAMES = ("imagine", "help", "queue", "show", *Action)
_COMMAND = re.compile(r"/(?P<name>[A-Za-z]+)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Imagine:
    """Draw; with `parent`, a remix of that job."""

    prompt: str
    options: dict[str, Value] = field(default_factory=dict)  # fields of Request, and `style`
    parent: int | None = None


@dataclass(frozen=True, kw_only=True)
class Act:
    """Do what a button under a job does; `job` None for the newest of the person, where that makes sense."""

    action: Action
    job: int | None
    picture: int | None = None  # which one of several, from 1
    strength: float | None = None  # of a variation: how much of the picture is kept


@dataclass(frozen=True, kw_only=True)
class Show:
    """Show a job and its line of descent."""

    job: int


@dataclass(frozen=True, kw_only=True)
class ShowQueue:
    """Tell who waits."""


@dataclass(frozen=True, kw_only=True)
class Help:
    """Tell what can be said."""


Command = Imagine | Act | Show | ShowQueue | Help


def parse(text: str) -> Command:
    """The command in a message; raises UserError for one that makes no sense."""
    text = text.strip()
    match = _COMMAND.fullmatch(text)
    if not match:
        return _imagine(text)
    name, rest = match["name"].lower(), (match["rest"] or "").strip()
    if name == "imagine":
        return _imagine(rest)
    if name in ("help", "start"):
        return Help()
    if name == "queue":
        return ShowQueue()
    if name == "show":
        return Show(job=_job(name, rest))
    if name == Action.REMIX:
        number, *prompt = rest.split(maxsplit=1) or [""]
        job = _job(name, number)
        return _imagine(prompt[0], job) if prompt else Act(action=Action.REMIX, job=job)
    if name in (Action.CANCEL, Action.SETTINGS) and not rest:
        return Act(action=Action(name), job=None)
    if name in NUMBERED:
        return _one_of_several(Action(name), rest.split())
    if name in list(Action):
        return Act(action=Action(name), job=_job(name, rest))
    raise UserError("unknown-command", name=name[:40], meant=nearest(name, NAMES))


def _imagine(text: str, parent: int | None = None) -> Imagine:
    prompt, options = read(text)
    if not prompt:
        raise UserError("no-prompt")
    return Imagine(prompt=prompt, options=options, parent=parent)


def _one_of_several(action: Action, words: list[str]) -> Act:
    """`12`, `12 2`, and for a variation `12 2 0.4` or `12 0.4`."""
    job, more = _job(action, words[0] if words else ""), words[1:]
    picture = int(more.pop(0)) if more and re.fullmatch("[1-4]", more[0]) else None
    strength = None
    if more and action is Action.VARY and re.fullmatch(r"0?\.[0-9]{1,4}", more[0]):
        strength = float(more.pop(0))
    if more or (action is Action.PICK and picture is None):
        raise UserError("which-of-several", name=action)
    return Act(action=action, job=job, picture=picture, strength=strength)


def _job(command: str, text: str) -> int:
    if not re.fullmatch(r"#?[0-9]{1,18}", text):
        raise UserError("which-job", name=command)
    return int(text.lstrip("#"))
