"""the option grammar, `--seed 7`: text → words and values, and back; an error marks the place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import NoReturn

from bot.errors import UserError
from bot.messages import Value
from engine import (
    BOUNDS,
    CHOICES,
    MAX_PROMPT,
    MAX_SIDE,
    MINUSES,
    RAMPS,
    WHOLE,
    BadRequest,
    Request,
    read_option,
    split_prompt,
)

OPTIONS = tuple(f.name for f in fields(Request) if f.name != "prompt")
STYLE = "style"  # not a field of Request: a named set of words and options
NAMES = (*OPTIONS, STYLE)
EXAMPLES = {
    "models": "picturebook",
    "seed": "7",
    "steps": "100",
    "size": "256x384",
    "then": '40%:"a blue star"',
    "widths": "1x30,8x70",
    "threads": "2",
    "init": "0.4",
    "style": "ink",
    "eta": "0.5",
    "guidance_scale": "0:1000,100:500",
    "saturation_scale": "1",
    **{name: said[0] for name, said in CHOICES.items()},
}
_DEFAULTS = {f.name: f.default for f in fields(Request)}
_ALWAYS = ("seed", "models")  # always written out: another bot may have other defaults
_CROSS = {ord(letter): "x" for letter in "×хХ"}  # sizes are stored with a Latin x
# Invisible characters must not turn an option into words; the joiners of emoji stay.
_HIDDEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_BLANK = dict.fromkeys(map(ord, "\u115f\u1160\u2800\u3164\uffa0"), " ")
_QUOTES = dict.fromkeys(map(ord, '"“”„«»'), " ")  # they end the words of --then
_CONTEXT, _LONGEST = 24, 60  # characters shown of a mistake and around it
_KNOWN = "(?i:" + "|".join(NAMES).replace("_", "[-_]") + r")(?![\w-])"
_LETTER = r"[^\W\d_]"
_SAID = r'[0-9.]+%?:["“„«][^"“”„«»]*["”“»]'  # a change of --then, the only value that may hold spaces
# Phones turn two hyphens into a dash, and then it is one before any name; a hyphen alone only before those we know.
_LONG = "–—―‒−﹘－➖"
_DASH = f"[{MINUSES}]"
_INTRO = rf"(?:(?:{_DASH}{{2,}}|[{_LONG}])(?={_LETTER})|{_DASH}(?={_KNOWN}))"
# `=` or a space before the value.
_OPTION = re.compile(
    rf"(?<!\S){_INTRO}(?P<name>{_LETTER}[\w-]*)"
    rf"(?:(?:=|\s+)(?P<value>(?!{_INTRO}|--|[{_LONG}]\s)(?:{_SAID}(?:;\s*{_SAID})*|\S+)))?"
)
# A backslash escapes what would be an option: `\--seed`; more backslashes, more literal ones.
_LIKE = rf"\\*{_INTRO}"
_ESCAPED, _TO_ESCAPE = re.compile(rf"(?<!\S)\\(?={_LIKE})"), re.compile(rf"(?<!\S)(?={_LIKE})")


def read(text: str) -> tuple[str, dict[str, Value]]:
    """Split a text into words and options by name (including `style`). Raises UserError."""
    text = _HIDDEN.sub("", text.translate(_BLANK))
    options = dict(_option(text, match) for match in _OPTION.finditer(text))
    return " ".join(_ESCAPED.sub("", _OPTION.sub(" ", text)).split()), options


def read_fields(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Read options given by name, such as those of a form; numbers stay numbers.

    Their bounds are checked when the request is made. Raises UserError.
    """
    return {
        name: _value(
            name,
            quote_changes(value) if name == "then" else "".join(value.split()),
            f"⟨--{option_name(name)} {value[:_LONGEST]}⟩",
        )
        if isinstance(value, str)
        else value
        for name, value in fields.items()
    }


def quote_changes(text: str) -> str:
    """The words of --then in quotation marks, which a shell has taken away, or nobody typed where nothing follows."""
    return re.sub(r'([0-9.]+%?):\s*([^"“„«;\s][^"“”„«»;]*)(;|$)', r'\1:"\2"\3', text)


def request(prompt: str, options: dict[str, Value]) -> Request:
    """Make the engine's Request; raises UserError in place of BadRequest, so that it can be localized."""
    try:
        return Request(prompt=prompt, **options)  # type: ignore[arg-type]
    except BadRequest as error:
        if error.field != "prompt":
            _refuse(
                error.field, str(options.get(error.field)), f"⟨--{option_name(error.field)} {options.get(error.field)}⟩"
            )
        _refuse_prompt(error, prompt)


def format_command(request: Request, remix_of: int | None = None) -> str:
    """The command that makes this request again; parsing it gives an equal request.

    Args:
        remix_of: the job whose input pictures it takes over.
    """
    values = {name: getattr(request, name) for name in OPTIONS}
    told = {name: value for name, value in values.items() if name in _ALWAYS or value != _DEFAULTS[name]}
    command = "/imagine" if remix_of is None else f"/remix {remix_of}"
    return " ".join([command, escape(request.prompt), *(format_option(name, value) for name, value in told.items())])


def unusual(request: Request, usual: Mapping[str, Value]) -> dict[str, Value]:
    """The options of a request, but for its seed, that are neither the usual ones nor the engine's."""
    values = {name: getattr(request, name) for name in OPTIONS if name not in ("seed", "then", "widths", "threads")}
    return {n: value for n, value in values.items() if value is not None and value != usual.get(n, _DEFAULTS[n])}


def format_option(name: str, value: Value) -> str:
    """An option as it is typed."""
    return f"--{option_name(name)} {_plain(value)}"


def format_words(request: Request) -> str:
    """What it is pulled towards, as it is typed: the prompt, and what is said on the way."""
    words = escape(request.prompt)
    return f"{words} --then {request.then}" if request.then else words


def read_change(text: str) -> str:
    """Words for a drawing in progress, as `--then` has them: `+ words`, `- words`, or words in place of the prompt.

    Raises UserError.
    """
    text = _HIDDEN.sub("", text.translate(_BLANK)).strip()
    sign = "+" if text[:1] in ("+", "＋") else "-" if text[:1] and text[0] in MINUSES and text[:2] != "--" else ""
    words, options = read(text[1:] if sign else text)
    if options:
        raise UserError("steer-options", name=option_name(next(iter(options))))
    words = " ".join(words.translate(_QUOTES).split())
    if not words:
        raise UserError("steer-no-words")
    return f"{sign} {words}" if sign else words


def check_change(request: Request, words: str) -> str:
    """What a drawing would be pulled towards after these words. Raises UserError where that is no prompt."""
    prompt = request.prompt_after(words)
    try:
        Request(prompt=prompt)
    except BadRequest as error:
        _refuse_prompt(error, prompt)
    return prompt


def escape(words: str) -> str:
    """Escape words so that nothing in them reads as an option."""
    return _TO_ESCAPE.sub(r"\\", words)


def _plain(value: Value) -> str:
    """Exact; 2 and 2.0 are written alike."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def option_name(name: str) -> str:
    """The name of an option as it is typed."""
    return name.replace("_", "-")


def option_names() -> str:
    """All options as they are typed."""
    return ", ".join(f"--{option_name(name)}" for name in NAMES)


def nearest(word: str, known: Iterable[str]) -> str:
    """The closest known word, else `none`."""
    return next(iter(get_close_matches(word.lower()[:40], list(known), 1)), "none")


def mark(text: str, start: int, end: int) -> str:
    """Mark a piece of a text with ⟨ ⟩, with a little context."""
    before, piece, after = text[max(0, start - _CONTEXT) : start], text[start:end], text[end : end + _CONTEXT]
    piece = piece if len(piece) <= _LONGEST else piece[: _LONGEST - 1] + "…"
    whole = f"{'…' * (start > _CONTEXT)}{before}⟨{piece}⟩{after}{'…' * (end + _CONTEXT < len(text))}"
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in whole)).strip()


def mark_value(text: str, name: str, value: str) -> str:
    """Mark an option's value with ⟨ ⟩, in its text where it occurs there."""
    for match in _OPTION.finditer(text):
        if _name(match) == name and str(match["value"]).translate(_CROSS).lower() == value.lower():
            return mark(text, *match.span())
    return mark(f"--{option_name(name)} {value}", 0, len(option_name(name)) + 3 + len(value))


def correct(text: str, error: UserError) -> str | None:
    """A text with a mistyped option or command as it was probably meant; None where that is not clear."""
    meant, name = str(error.values.get("meant", "none")), str(error.values.get("name", ""))
    if error.text == "unknown-command":
        return None if meant == "none" else re.sub(r"/\S+", f"/{meant}", text, count=1)
    place = re.search("⟨(.+)⟩", str(error.values.get("where", "")))
    if place is None or text.count(place[1]) != 1:
        return None
    if error.text == "style-unknown":  # these models have no use for it
        return " ".join(text.replace(place[1], " ").split())
    if meant == "none":
        return None
    return text.replace(place[1], f"--{meant}" if error.text == "unknown-option" else f"--{name} {meant}")


def refuse_choice(name: str, value: str, known: Iterable[str], where: str) -> NoReturn:
    """Raise the UserError that lists the choices and the closest one."""
    there = list(known)
    meant = nearest(value, there)
    raise UserError("option-choice", name=option_name(name), options=", ".join(there), meant=meant, where=where)


def _name(match: re.Match[str]) -> str:
    return match["name"].lower().replace("-", "_")


def _option(text: str, match: re.Match[str]) -> tuple[str, Value]:
    name, value, where = _name(match), match["value"], mark(text, *match.span())
    if name not in NAMES:
        at = mark(text, match.start(), match.end("name"))
        meant = option_name(nearest(name, NAMES))
        raise UserError("unknown-option", name=option_name(name)[:40], options=option_names(), meant=meant, where=at)
    if value is None:
        raise UserError("option-value", name=option_name(name), example=EXAMPLES.get(name, "1"), where=where)
    return name, _value(name, value, where)


def _value(name: str, text: str, where: str) -> Value:
    """Parse an option's value. Raises UserError, pointing at `where`."""
    if name == STYLE:
        return text.lower()
    try:
        value: Value = read_option(name, text.lower() if name in CHOICES else text)
    except BadRequest:
        _refuse(name, text, where)
    return value


def _refuse(name: str, value: str, where: str) -> NoReturn:
    if name in CHOICES:
        refuse_choice(name, value, CHOICES[name], where)
    if name == "size":
        raise UserError("option-size", most=MAX_SIDE, where=where)
    if name == "then":
        raise UserError("option-then", where=where)
    if name == "widths":
        raise UserError("option-widths", where=where)
    low, high = BOUNDS[name]
    kind = "option-ramp" if name in RAMPS else "option-whole" if name in WHOLE else "option-number"
    high_text = f"{high:g}" if high < 1 else f"{high:.0f}"
    raise UserError(kind, name=option_name(name), low=f"{low:g}", high=high_text, where=where)


def _refuse_prompt(error: BadRequest, prompt: str) -> NoReturn:
    if len(prompt) > MAX_PROMPT:
        raise UserError("prompt-long", length=len(prompt), limit=MAX_PROMPT) from error
    pieces = split_prompt(prompt)
    if not any(piece.strip() for piece in pieces):
        raise UserError("no-prompt") from error
    if not "".join(prompt.split()).isprintable():
        raise UserError("prompt-letters") from error
    start = 0
    for piece in pieces:
        try:
            if piece.strip():
                Request(prompt=piece)
        except BadRequest:
            break
        start += len(piece) + 1
    raise UserError("prompt-weight", where=mark(prompt, start, start + len(piece))) from error
