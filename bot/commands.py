"""text → Command: `/imagine …` or a plain sentence, /cancel /queue /show /help /settings and the rest. Pure."""

import re
from dataclasses import dataclass, field, fields
from typing import NoReturn

from bot.errors import UserError
from bot.messages import Action
from engine import BOUNDS, MAX_PROMPT, SAMPLERS, WHOLE, BadRequest, Request

Value = str | int | float
OPTIONS = tuple(f.name for f in fields(Request) if f.name != "prompt")
_EXAMPLES = {"models": "toybox", "sampler": "ddim", "seed": "7", "steps": "100"}
# Phones turn two hyphens into a dash, which counts where an option of ours follows; `=` or a space before the value.
_KNOWN = "|".join(OPTIONS).replace("_", "[-_]")
_OPTION = re.compile(
    rf"(?<!\S)(?:--(?P<name>[A-Za-z][\w-]*)|[—–](?P<dashed>{_KNOWN})\b)(?:(?:=|\s+)(?P<value>(?!--|—|–)\S+))?"
)
_COMMAND = re.compile(r"/(?P<name>[A-Za-z]+)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)

_PERSON = re.compile(r"#?(?P<job>[0-9]{1,18})|<@!?(?P<mentioned>[0-9]{1,20})>|[a-z]{1,20}:[\w-]{1,64}")
_FORGET = re.compile(r"me(?:\s+(?P<code>[0-9]{1,12}))?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Imagine:
    """Draw; with `parent`, a remix of that job."""

    prompt: str
    options: dict[str, Value] = field(default_factory=dict)  # fields of Request
    parent: int | None = None


@dataclass(frozen=True, kw_only=True)
class Act:
    """Do what a button under a job does; `job` None for the newest of the person, where that makes sense."""

    action: Action
    job: int | None


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


@dataclass(frozen=True, kw_only=True)
class Ban:
    """Shut somebody out, or let them in again."""

    who: str  # `#12` for whoever asked for picture 12, else Person.key, without its platform where that is this one
    lift: bool = False


@dataclass(frozen=True, kw_only=True)
class Purge:
    """Take a picture away everywhere it was sent."""

    job: int


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Take no new pictures, or take them again."""

    lift: bool = False


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Delete all that is stored of the person; without the code, ask whether that is meant."""

    code: str = ""


@dataclass(frozen=True, kw_only=True)
class WhoAmI:
    """Tell how the bot knows the person."""


House = Ban | Purge | Pause | Forget | WhoAmI
Command = Imagine | Act | Show | ShowQueue | Help | House


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
    if name in list(Action):
        return Act(action=Action(name), job=_job(name, rest))
    if (house := _house(name, rest)) is not None:
        return house
    raise UserError("unknown-command", name=name[:40])


HOUSE = ("ban", "unban", "purge", "pause", "resume", "forget", "whoami")


def _house(name: str, rest: str) -> House | None:
    """One of HOUSE, or None."""
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


def request(prompt: str, options: dict[str, Value]) -> Request:
    """The engine's Request; raises UserError in place of BadRequest, so that it can be said in any language."""
    try:
        return Request(prompt=prompt, **options)  # type: ignore[arg-type]
    except BadRequest as error:
        _refuse(error, prompt)


def option_names() -> str:
    """All options as they are typed."""
    return ", ".join(f"--{name.replace('_', '-')}" for name in OPTIONS)


def spelled(request: Request) -> str:
    """The options of a request as they are typed."""
    chosen = ((name, getattr(request, name)) for name in OPTIONS)
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in chosen if value is not None)


def _imagine(text: str, parent: int | None = None) -> Imagine:
    options = dict(_option(match) for match in _OPTION.finditer(text))
    prompt = " ".join(_OPTION.sub(" ", text).split())
    if not prompt:
        raise UserError("no-prompt")
    return Imagine(prompt=prompt, options=options, parent=parent)


def _option(match: re.Match[str]) -> tuple[str, Value]:
    spelling = (match["name"] or match["dashed"]).lower()
    name = spelling.replace("-", "_")
    if name not in OPTIONS:
        raise UserError("unknown-option", name=spelling[:40], options=option_names())
    value = match["value"]
    if value is None:
        raise UserError("option-value", name=spelling, example=_EXAMPLES.get(name, "1"))
    if name not in BOUNDS:
        return name, value
    try:
        return name, int(value) if name in WHOLE else float(value)
    except ValueError:
        _refuse_number(name)


def _job(command: str, text: str) -> int:
    if not re.fullmatch(r"#?[0-9]{1,18}", text):
        raise UserError("which-job", name=command)
    return int(text.lstrip("#"))


def _refuse(error: BadRequest, prompt: str) -> NoReturn:
    if error.field in BOUNDS:
        _refuse_number(error.field)
    if error.field == "sampler":
        raise UserError("option-choice", name="sampler", options=", ".join(SAMPLERS)) from error
    if len(prompt) > MAX_PROMPT:
        raise UserError("prompt-long", length=len(prompt), limit=MAX_PROMPT) from error
    if not prompt.strip(" |"):
        raise UserError("no-prompt") from error
    weighed = "".join(prompt.split()).isprintable()
    raise UserError("prompt-weight" if weighed else "prompt-letters") from error


def _refuse_number(name: str) -> NoReturn:
    low, high = BOUNDS[name]
    text = "option-whole" if name in WHOLE else "option-number"
    raise UserError(text, name=name.replace("_", "-"), low=f"{low:g}", high=f"{high:.0f}")
