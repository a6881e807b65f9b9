"""engine/retry.py"""

from engine.retry import backoff


def test_each_wait_is_twice_the_last_until_the_longest() -> None:
    """However long the trouble lasts, the number stays a number."""
    assert [backoff(failures, longest=60.0) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff(10**6, first=0.5, longest=30.0) == 30.0 and backoff(1, first=0.5, longest=30.0) == 0.5
