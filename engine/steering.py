"""what a drawing is pulled towards may change on the way: `40%:"a blue star";70%:"+ a moon"`.

    then   = change *( ";" change )                 1 to 16 changes, percents rising
    change = percent [ "%" ] ":" quote words quote  percent done, and what is said then

Words replace the prompt; `+ words` adds a part to it, and `- words` takes away the part that has these words, or pushes
away from them where no part has. A change holds from its step on, over a short ramp.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.prompts import parse_prompt, split_prompt
from engine.ramps import format_number

MAX_CHANGES = 16
EXAMPLE = '40%:"a blue star"'
LATE = 0.85  # share of the steps after which a change can hardly show
RAMP = 0.05  # share of the steps over which one prompt goes over into the next
AWAY = -0.5  # weight of what is taken away and was not there
_ENDING = r"\w{0,2}"  # stars, звезды
_OPENING, _CLOSING = '"“„«', '"”“»'
_CHANGE = re.compile(rf'\s*([0-9]{{1,3}}(?:\.[0-9]{{1,6}})?)\s*%?\s*:\s*[{_OPENING}]([^"“”„«»]*)[{_CLOSING}]\s*(;|$)')


@dataclass(frozen=True)
class Change:
    """What is said when so much of the drawing is done, 0 … 100."""

    percent: float
    words: str

    def step(self, steps: int) -> int:
        """How many steps come before it."""
        return min(steps - 1, round(self.percent * steps / 100))


def parse_then(text: str) -> tuple[Change, ...]:
    """Raises ValueError with the rest of a sentence that begins with the option's name."""
    found: list[Change] = []
    at = 0
    while at < len(text):
        match = _CHANGE.match(text, at)
        if match is None or len(found) == MAX_CHANGES:
            raise ValueError(f"must be up to {MAX_CHANGES} changes like {EXAMPLE}, with ; between them")
        found.append(Change(float(match[1]), " ".join(match[2].split())))
        at = match.end()
    percents = [change.percent for change in found]
    if not found or text.rstrip().endswith(";") or max(percents) > 100 or sorted(set(percents)) != percents:
        raise ValueError(f"needs percents that rise from 0 to 100, for example {EXAMPLE}")
    return tuple(found)


def format_then(changes: Iterable[Change]) -> str:
    """The canonical text."""
    return ";".join(f'{format_number(change.percent)}%:"{change.words}"' for change in changes)


def change_prompt(prompt: str, words: str) -> str:
    """The prompt after a change."""
    sign, rest = words[:1], words[1:].strip()
    if sign == "+" and rest:
        return f"{prompt} | {rest}"
    if sign not in ("-", "−", "–") or not rest:
        return words
    parts = [piece.strip() for piece in split_prompt(prompt) if piece.strip()]
    kept = _without(parts, rest)
    if kept is None:
        kept = _without(parts, rest, _ENDING)
    if not kept:
        return f"{prompt} | {rest}:{AWAY:g}"
    return " | ".join(kept)


def _without(parts: list[str], words: str, ending: str = "") -> list[str] | None:
    """The parts without those that have these words; None where no part has."""
    said = re.compile(rf"(?<!\w){re.escape(words)}{ending}(?!\w)", re.IGNORECASE)
    kept = [piece for piece in parts if not said.search(parse_prompt(piece)[0].text)]
    return kept if len(kept) < len(parts) else None


def prompts_over(prompt: str, changes: Iterable[Change], steps: int) -> list[tuple[int, str]]:
    """(step from which it holds, prompt), steps rising; the first holds from the beginning."""
    found = [(0, prompt)]
    for change in changes:
        found.append((change.step(steps), change_prompt(found[-1][1], change.words)))
    return found


def shares_at(since: list[int], step: int, steps: int) -> list[tuple[int, float]]:
    """Which prompts pull before a step, as (number, share): one, or two while one goes over into the next.

    Args:
        since: the step from which each holds, rising; the first from the beginning.
    """
    number = max(k for k, at in enumerate(since) if at <= step or k == 0)
    share = min(1.0, (step - since[number] + 1) / max(1, round(RAMP * steps))) if number else 1.0
    return [(number, 1.0)] if share == 1 else [(number - 1, 1 - share), (number, share)]
