"""how many pictures a call of the networks holds: a few widths only, noted for each step so that it can be drawn again.

    widths = run *( "," run )        1 to 4000 runs, in the order of the steps
    run    = width "x" steps         width one of WIDTHS

Networks add up in an order that depends on the shape of what they are given, not on what the other rows hold. So
what a picture is depends on the widths that its steps were drawn at, and on nothing else of its company.
"""

import re
from collections.abc import Iterable

WIDTHS = (1, 2, 3, 4, 6, 8)
MAX_RUNS = 4000  # an adaptive sampler may take four times a thousand steps
EXAMPLE = "1x30,8x70"
_RUN = re.compile(r"\s*([0-9])\s*[xX×хХ]\s*([0-9]{1,4})\s*")  # the letter may be Latin or Cyrillic

Runs = tuple[tuple[int, int], ...]  # (width, steps in a row that are drawn at it), from the first step on


def rung(rows: int) -> int:
    """The smallest width that has room for so many rows; above the ladder their number itself."""
    return next((width for width in WIDTHS if width >= rows), rows)


def one_more(runs: Runs, width: int) -> Runs:
    """The runs with one step more."""
    if runs and runs[-1][0] == width:
        return *runs[:-1], (width, runs[-1][1] + 1)
    return *runs, (width, 1)


def width_at(runs: Runs, step: int) -> int | None:
    """The width of a step (from 0); None after the last run."""
    for width, steps in runs:
        if step < steps:
            return width
        step -= steps
    return None


def spelled_runs(runs: Iterable[tuple[int, int]]) -> str:
    """The canonical text."""
    return ",".join(f"{width}x{steps}" for width, steps in runs)


def parse_widths(text: str) -> Runs:
    """Raises ValueError with the rest of a sentence that begins with the option's name."""
    pieces = text.split(",", MAX_RUNS)
    matches = [_RUN.fullmatch(piece) for piece in pieces]
    runs = tuple((int(match[1]), int(match[2])) for match in matches if match)
    if len(runs) < len(pieces) or len(pieces) > MAX_RUNS or not all(width in WIDTHS and steps for width, steps in runs):
        known = ", ".join(map(str, WIDTHS))
        raise ValueError(f"cannot be read: write width x steps with widths of {known}, for example {EXAMPLE}")
    return runs
