"""ramps: values that change over a drawing, `0:1000,50:500,100:0` as percent:value.

    ramp  = point *( "," point )        1 to 16 points, percents rising
    point = percent ":" value
    both  = digits [ "." digits ]       at most 7 digits before the point and 6 after it

Between two points the value lies on the line that joins them; before the first and after the last it
stays what it is there.
"""

import re
from dataclasses import dataclass

MAX_POINTS = 16
_NUMBER = r"[0-9]{1,7}(?:\.[0-9]{1,6})?"
_POINT = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*")
EXAMPLE = "0:1000,50:500,100:0"


@dataclass(frozen=True)
class Ramp:
    """Points (percent, value), percents rising; `str` is the canonical text."""

    points: tuple[tuple[float, float], ...]

    def at(self, percent: float) -> float:
        """The value at a percent of the drawing, 0 … 100."""
        before = self.points[0]
        for after in self.points:
            if percent <= after[0]:
                share = (percent - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 1.0
                return before[1] + max(0.0, share) * (after[1] - before[1])
            before = after
        return before[1]

    def __str__(self) -> str:
        return ",".join(f"{format_number(percent)}:{format_number(value)}" for percent, value in self.points)


def parse_ramp(text: str) -> Ramp:
    """Raises ValueError with the end of a sentence that starts with the option's name."""
    pieces = text.split(",", MAX_POINTS)
    if len(pieces) > MAX_POINTS:
        raise ValueError(f"has too many points: give {MAX_POINTS} or fewer")
    points = []
    for piece in pieces:
        match = _POINT.fullmatch(piece)
        if match is None:
            raise ValueError(
                f"cannot be read at “{piece.strip()[:40]}”: write percent:value points, for example {EXAMPLE}"
            )
        points.append((float(match[1]), float(match[2])))
    percents = [percent for percent, _ in points]
    if percents[-1] > 100 or any(later <= earlier for earlier, later in zip(percents, percents[1:], strict=False)):
        raise ValueError(f"needs percents that rise from 0 to 100, for example {EXAMPLE}")
    return Ramp(tuple(points))


def format_number(value: float) -> str:
    """Shortest decimal spelling, without an exponent; exact for what the grammar can say."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
