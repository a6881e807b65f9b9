"""how long to wait before the next try: one pure function for everything that is tried again."""


def backoff(failures: int, *, first: float = 1.0, longest: float) -> float:
    """Seconds to wait after so many failures in a row, 1 or more: `first`, then twice as long each time."""
    return min(longest, first * 2.0 ** min(failures - 1, 60))
