"""bot/jobs/estimate.py: how long jobs wait beside others."""

import pytest

from bot.jobs.estimate import Company, Load, waits


def load(owner: str, seconds: float | None, pictures: int = 1) -> Load:
    return Load(owner=owner, pictures=pictures, seconds=seconds)


@pytest.mark.parametrize(
    ("running", "at_once", "waiting", "expected"),
    [
        ([], 0, [load("ann", 9)], [None]),
        ([], 1, [load("a", 5), load("b", 7), load("c", None)], [0, 5, 12]),
        ([load("x", 3)], 1, [load("a", 5), load("b", 7)], [3, 8]),
        ([load("x", 3)], 2, [load("a", 5), load("b", 7)], [0, 3]),
        ([load("x", 3), load("y", 4)], 2, [load("a", 5), load("b", 7), load("c", 1)], [3, 4, 8]),
        ([load("x", 3, pictures=4)], 4, [load("a", 5), load("b", 7)], [3, 3]),
        ([load("x", None)], 1, [load("a", 5), load("b", 7)], [None, None]),
        ([load("x", None), load("y", 2)], 2, [load("a", 5), load("b", 7)], [2, 7]),
        ([], 1, [load("a", None), load("b", 7)], [0, None]),
    ],
)
def test_a_job_begins_when_there_is_room(
    running: list[Load], at_once: int, waiting: list[Load], expected: list[float | None]
) -> None:
    """With one at a time that is the sum of all before it."""
    assert list(waits(waiting, Company(running=running, at_once=at_once))) == expected


def test_a_persons_next_job_waits_for_their_own() -> None:
    """Where everybody may have one drawn at a time."""
    company = Company(running=[load("ann", 9)], at_once=4)
    assert list(waits([load("ann", 5), load("bob", 5), load("ann", 5)], company, per_person=1)) == [9, 0, 14]
