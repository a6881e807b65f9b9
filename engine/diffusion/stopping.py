"""early stopping for `--stop satisfied`, once CLIP no longer improves; see docs/satisfied.md."""

from collections.abc import Sequence

WINDOW = 0.1  # of the drawing's steps
MARGIN = 0.01  # share of the whole way come so far that a window must still add
CLEAN = 0.6  # ᾱ from which on so little noise is left that the picture is decided


def clean_from(until_level: float) -> float:
    """ᾱ from which on a picture may be finished: CLEAN, or where the pull ends before that, as nothing pulls any more.

    Args:
        until_level: ᾱ above which nothing is guided; 1 where the pull never ends.
    """
    return min(CLEAN, until_level)


def is_satisfied(distances: Sequence[Sequence[float]], level: float, steps: int, clean: float = CLEAN) -> bool:
    """Whether every picture of a batch may be finished as it is now.

    Args:
        distances: to the prompt, a row of the batch for each step done.
        level: ᾱ that the last step came from.
        steps: of the whole drawing.
        clean: ᾱ below which there is still too much noise.
    """
    window = max(2, round(WINDOW * steps))
    if level < clean or len(distances) < 2 * window:
        return False
    return all(_still(column, window) for column in zip(*distances, strict=True))


def _still(distances: Sequence[float], window: int) -> bool:
    """Whether the mean of the last window is not below that of the one before by MARGIN of the way come so far."""
    first, before, last = (
        sum(part) / window for part in (distances[:window], distances[-2 * window : -window], distances[-window:])
    )
    return before - last < MARGIN * max(first - last, 0.0)
