"""prompt parts with weights, negative ones included: `a castle:2 | fog:-0.5` → normalised parts.

The 2021 notebooks split `text:weight` at the last colon; here a part keeps its colon when what
follows is not a number, so addresses and times of day survive. Phones and other keyboards write the signs in ways of
their own (−1, ：2, ｜, 1,5): what can only be meant as a weight is read as one, what may be meant so is refused.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_WEIGHT = 100.0
BARS = "|｜￨│┃∣ǀ⏐❘¦"  # what looks like a bar parts a prompt
COLONS = ":：∶꞉﹕︓ː׃"
MINUSES = "-−–—‐‑‒―﹣－⁻₋﹘➖˗"
_BAR, _COLON = re.compile(f"[{BARS}]"), f"[{COLONS}]"
_SIGNS = {ord(sign): "-" for sign in MINUSES} | {ord(sign): "." for sign in "٫‚"} | {ord("，"): ","}
_NUMBER = re.compile(r"[+-]?\s*(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_THOUSANDS = re.compile(r"\d,\d{3}(?!\d)", re.ASCII)  # 1,500 may mean two things
_CLOCK = re.compile(r"(?:^|[\s(,.;])\d+$")  # 23 of 23:59, 16 of 16:9: a number of its own
_MINUTES = re.compile(rf"(?:^|[\s(,.;])\d{{1,2}}{_COLON}\d\d$")  # 23:59 of 23:59:30
_TWO = re.compile(rf"{_COLON}\s?{_COLON}(?=\s|$|[{MINUSES}+]?[\d.,])")  # as another program weighs
_AMID = re.compile(rf"[^\W\d]\s?{_COLON}\s?[{MINUSES}+]?\d+(?:[.,]\d+)?\s")  # a weight, and then more words
_AFTER_CLOCK = re.compile(r"\d+(?:[-/]\d+)?[^\w]*", re.ASCII)
_HALF_CLOCK = re.compile(r"(?:^|[\s(,.;])(?=\D*\d)[\dOОoоlIІ]+$")  # l6 of l6:9
_LIKE_DIGITS = str.maketrans("OОoоОΟlIІｌ", "0000001111")


@dataclass(frozen=True)
class Part:
    """One part of a prompt: guides towards it, or away with a negative weight."""

    text: str
    weight: float


def parse_prompt(prompt: str) -> list[Part]:
    """Parse a prompt into parts, weight 1 by default; raises ValueError with a sentence."""
    parts = [_parse_part(piece) for piece in split_prompt(prompt) if piece.strip()]
    if not parts:
        raise ValueError("The prompt is empty: say what to draw, for example “a red star on a blue background”.")
    return parts


def split_prompt(prompt: str) -> list[str]:
    """The pieces between its bars, of which each has the length that it has in the prompt."""
    return _BAR.split(prompt)


def _parse_part(piece: str) -> Part:
    if _TWO.search(piece):
        raise _unclear(piece, "Parts are separated by | and weighted by one colon, as in “a star:2 | fog:-1”")
    colons = list(re.finditer(_COLON, piece))
    if not colons or not piece[: colons[-1].start()].strip():
        return Part(piece.strip(), 1.0)
    text, tail = piece[: colons[-1].start()], piece[colons[-1].end() :]
    weight = _weight(text, tail)
    if weight is None:
        return Part(piece.strip(), 1.0)
    if _AMID.search(text):
        raise _unclear(piece, "Parts with weights are separated by |, as in “a star:2 | fog:-1”")
    return Part(text.strip(), weight)


def _weight(text: str, tail: str) -> float | None:
    """The number behind the last colon of a part; None where words are. Raises ValueError for what may be either."""
    before, said = _plain(text), _plain(tail)
    touching = text[-1:] == text[-1:].strip() and tail[:1] == tail[:1].strip()
    clock = touching and (_CLOCK.search(before) or (_MINUTES.search(before) and len(said) == 2))
    if clock and _AFTER_CLOCK.fullmatch(said):  # a time of day, a ratio, a score, a verse
        return None
    if touching and not clock and _HALF_CLOCK.search(before) and said.isdigit():
        raise ValueError(
            f"It is not clear whether “{(text + tail).strip()[-20:]}” has a weight: put a space before “:”."
        )
    if _NUMBER.fullmatch(said) and not _THOUSANDS.search(said):
        weight = float("".join(said.split()).replace(",", "."))
        if abs(weight) > MAX_WEIGHT:
            raise ValueError(f"The weight of “{text.strip()[:40]}” must be a number from −100 to 100.")
        return weight
    if _is_nearly_a_number(said):
        raise ValueError(f"The weight of “{text.strip()[:40]}” must be a number from −100 to 100, such as 2 or -0.5.")
    return None


def _plain(tail: str) -> str:
    """Signs and digits as a keyboard of 1980 has them, without what nobody sees."""
    seen = "".join(sign for sign in tail if unicodedata.category(sign) != "Cf").translate(_SIGNS)
    seen = unicodedata.normalize("NFKC", seen).translate(_SIGNS).strip()
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in seen)


def _is_nearly_a_number(said: str) -> bool:
    """Digits and signs and nothing else, or what looks so."""
    likely = any(sign.isdigit() for sign in said) or re.fullmatch(r"[+-]\s*[OОlIІ]+|[lIІ][OО]+", said)
    digits = said.translate(_LIKE_DIGITS) if likely else said
    return re.search(r"\d", digits) is not None and not any(sign.isalpha() for sign in digits)


def _unclear(piece: str, how: str) -> ValueError:
    return ValueError(f"It is not clear what weighs what in “{piece.strip()[:40]}”. {how}.")


def normalise(parts: list[Part]) -> list[Part]:
    """Weights divided by |Σ weights|; by Σ |weights| where the sum is (nearly) zero, which the notebooks refuse."""
    total = abs(sum(part.weight for part in parts))
    if total < 1e-3:
        total = sum(abs(part.weight) for part in parts) or 1.0
    return [Part(part.text, part.weight / total) for part in parts]
