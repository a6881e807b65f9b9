"""options as they are typed, `--seed 7` and the rest: text → words and values, and back; a mistake shows its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import NoReturn

from bot.errors import UserError
from bot.messages import Value
from engine import BOUNDS, CHOICES, MAX_PROMPT, MAX_SIDE, RAMPS, WHOLE, BadRequest, Request, read_option

OPTIONS = tuple(f.name for f in fields(Request) if f.name != "prompt")
STYLE = "style"  # an option that is no field of Request: it stands for words and options
NAMES = (*OPTIONS, STYLE)
EXAMPLES = {
    "models": "toybox",
    "seed": "7",
    "steps": "100",
    "size": "256x384",
    "widths": "1x30,8x70",
    "init": "0.4",
    "style": "ink",
    "eta": "0.5",
    "guidance_scale": "0:1000,100:500",
    "saturation_scale": "1",
    **{name: said[0] for name, said in CHOICES.items()},
}
_DEFAULTS = {f.name: f.default for f in fields(Request)}
_ALWAYS = ("seed", "models")  # told even when they are the default: another bot may have other ones
_CROSS = {ord(letter): "x" for letter in "×хХ"}  # sizes are kept with a Latin letter
_CONTEXT, _LONGEST = 24, 60  # characters shown around a mistake, and of it
# Phones turn two hyphens into a dash, which counts where an option of ours follows.
_KNOWN = "(?i:" + "|".join(NAMES).replace("_", "[-_]") + r")(?![\w-])"
_LETTER = r"[^\W\d_]"
# `=` or a space before the value.
_OPTION = re.compile(
    rf"(?<!\S)(?:--(?P<name>{_LETTER}[\w-]*)|[—–](?P<dashed>{_KNOWN}))(?:(?:=|\s+)(?P<value>(?!--|—|–)\S+))?"
)
# A backslash makes a word of what would be an option: `\--seed`; and one more, one more.
_LIKE = rf"\\*(?:--{_LETTER}|[—–]{_KNOWN})"
_ESCAPED, _TO_ESCAPE = re.compile(rf"(?<!\S)\\(?={_LIKE})"), re.compile(rf"(?<!\S)(?={_LIKE})")


def read(text: str) -> tuple[str, dict[str, Value]]:
    """The words of a text, and its options by name (with `style` among them). Raises UserError."""
    options = dict(_option(text, match) for match in _OPTION.finditer(text))
    return " ".join(_ESCAPED.sub("", _OPTION.sub(" ", text)).split()), options


def chosen(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Options that were given by name rather than typed in a text, such as those of a form; numbers stay numbers.

    Their bounds are checked when the request is made. Raises UserError.
    """
    return {
        name: _value(name, "".join(value.split()), f"⟨--{option_name(name)} {value[:_LONGEST]}⟩")
        if isinstance(value, str)
        else value
        for name, value in fields.items()
    }


def request(prompt: str, options: dict[str, Value]) -> Request:
    """The engine's Request; raises UserError in place of BadRequest, so that it can be said in any language."""
    try:
        return Request(prompt=prompt, **options)  # type: ignore[arg-type]
    except BadRequest as error:
        if error.field != "prompt":
            _refuse(
                error.field, str(options.get(error.field)), f"⟨--{option_name(error.field)} {options.get(error.field)}⟩"
            )
        _refuse_prompt(error, prompt)


def format_command(request: Request) -> str:
    """The command that makes this request again: typed in, it is the same one."""
    values = {name: getattr(request, name) for name in OPTIONS}
    told = {name: value for name, value in values.items() if name in _ALWAYS or value != _DEFAULTS[name]}
    words = escape(request.prompt)
    return " ".join(["/imagine", words, *(f"--{option_name(name)} {_plain(value)}" for name, value in told.items())])


def escape(words: str) -> str:
    """Words whose options are words: read again, nothing of them is an option."""
    return _TO_ESCAPE.sub(r"\\", words)


def _plain(value: Value) -> str:
    """Exact, and the same for 2 and 2.0."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def option_name(name: str) -> str:
    """The name of an option as it is typed."""
    return name.replace("_", "-")


def option_names() -> str:
    """All options as they are typed."""
    return ", ".join(f"--{option_name(name)}" for name in NAMES)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, else `none`."""
    return next(iter(get_close_matches(word.lower()[:40], list(known), 1)), "none")


def mark(text: str, start: int, end: int) -> str:
    """A piece of a text in ⟨ ⟩, with a little of what stands around it."""
    before, piece, after = text[max(0, start - _CONTEXT) : start], text[start:end], text[end : end + _CONTEXT]
    piece = piece if len(piece) <= _LONGEST else piece[: _LONGEST - 1] + "…"
    whole = f"{'…' * (start > _CONTEXT)}{before}⟨{piece}⟩{after}{'…' * (end + _CONTEXT < len(text))}"
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in whole)).strip()


def mark_value(text: str, name: str, value: str) -> str:
    """An option's value, in ⟨ ⟩ where a text has it, else alone."""
    for match in _OPTION.finditer(text):
        if _name(match) == name and str(match["value"]).translate(_CROSS).lower() == value.lower():
            return mark(text, *match.span())
    return mark(f"--{option_name(name)} {value}", 0, len(option_name(name)) + 3 + len(value))


def mended(text: str, error: UserError) -> str | None:
    """A text with a mistyped option as it was probably meant; None where that is not clear."""
    meant, name = str(error.values.get("meant", "none")), str(error.values.get("name", ""))
    place = re.search("⟨(.+)⟩", str(error.values.get("where", "")))
    if meant == "none" or place is None or text.count(place[1]) != 1:
        return None
    return text.replace(place[1], f"--{meant}" if error.text == "unknown-option" else f"--{name} {meant}")


def refuse_choice(name: str, value: str, known: Iterable[str], where: str) -> NoReturn:
    """Raises the UserError that tells what there is, and what was probably meant."""
    there = list(known)
    meant = nearest(value, there)
    raise UserError("option-choice", name=option_name(name), options=", ".join(there), meant=meant, where=where)


def _name(match: re.Match[str]) -> str:
    return (match["name"] or match["dashed"]).lower().replace("-", "_")


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
    """An option's value from one word. Raises UserError, pointing at `where`."""
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
    if name == "widths":
        raise UserError("option-widths", where=where)
    low, high = BOUNDS[name]
    kind = "option-ramp" if name in RAMPS else "option-whole" if name in WHOLE else "option-number"
    high_text = f"{high:g}" if high < 1 else f"{high:.0f}"
    raise UserError(kind, name=option_name(name), low=f"{low:g}", high=high_text, where=where)


def _refuse_prompt(error: BadRequest, prompt: str) -> NoReturn:
    if len(prompt) > MAX_PROMPT:
        raise UserError("prompt-long", length=len(prompt), limit=MAX_PROMPT) from error
    if not prompt.strip(" |"):
        raise UserError("no-prompt") from error
    if not "".join(prompt.split()).isprintable():
        raise UserError("prompt-letters") from error
    start = 0
    for piece in prompt.split("|"):
        try:
            if piece.strip():
                Request(prompt=piece)
        except BadRequest:
            break
        start += len(piece) + 1
    raise UserError("prompt-weight", where=mark(prompt, start, start + len(piece))) from error
