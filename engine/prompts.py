"""prompt parts with weights, negative ones included: `a castle:2 | fog:-0.5` → normalised parts.

The 2021 notebooks split `text:weight` at the last colon; here a part keeps its colon when what
follows is not a number, so addresses and times of day survive.
"""

import math
from dataclasses import dataclass

MAX_WEIGHT = 100.0


@dataclass(frozen=True)
class Part:
    """One part of a prompt: guides towards it, or away with a negative weight."""

    text: str
    weight: float


def parse_prompt(prompt: str) -> list[Part]:
    """Parse a prompt into parts, weight 1 by default; raises ValueError with a sentence."""
    parts = [_parse_part(piece) for piece in prompt.split("|") if piece.strip()]
    if not parts:
        raise ValueError("The prompt is empty: say what to draw, for example “a red star on a blue background”.")
    return parts


def _parse_part(piece: str) -> Part:
    text, colon, tail = piece.rpartition(":")
    if not colon or not text.strip():
        return Part(piece.strip(), 1.0)
    try:
        weight = float(tail)
    except ValueError:
        return Part(piece.strip(), 1.0)
    if not math.isfinite(weight) or abs(weight) > MAX_WEIGHT:
        raise ValueError(f"The weight of “{text.strip()[:40]}” must be a number from −100 to 100.")
    return Part(text.strip(), weight)


def normalise(parts: list[Part]) -> list[Part]:
    """Weights divided by |Σ weights|; by Σ |weights| where the sum is (nearly) zero, which the notebooks refuse."""
    total = abs(sum(part.weight for part in parts))
    if total < 1e-3:
        total = sum(abs(part.weight) for part in parts) or 1.0
    return [Part(part.text, part.weight / total) for part in parts]
