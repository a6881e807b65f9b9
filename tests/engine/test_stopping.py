"""engine/diffusion/stopping.py: the rule on distances that are made up."""

import math

import pytest

from engine.diffusion.stopping import CLEAN, clean_from, is_satisfied

STEPS = 100


def falling(done: int, rate: float) -> list[list[float]]:
    """Distances that come down to 0.2 by an exponential."""
    return [[0.2 + math.exp(-rate * step)] for step in range(done)]


def test_it_is_satisfied_once_the_distance_has_settled() -> None:
    assert is_satisfied(falling(80, 0.2), 0.9, STEPS)


def test_it_is_not_while_the_distance_still_falls() -> None:
    assert not is_satisfied(falling(80, 0.02), 0.9, STEPS)


def test_it_is_not_while_there_is_noise() -> None:
    """The distance also stands still before anything is to be seen."""
    assert not is_satisfied(falling(80, 0.2), CLEAN - 0.01, STEPS)


def test_where_the_pull_ends_sooner_it_need_not_wait_longer() -> None:
    """Nothing that comes after could bring the picture nearer to the prompt."""
    assert clean_from(1.0) == CLEAN and clean_from(0.14) == 0.14
    assert is_satisfied(falling(80, 0.2), 0.2, STEPS, clean_from(0.14))


@pytest.mark.parametrize("done", [0, 1, 19])
def test_it_needs_two_windows_to_compare(done: int) -> None:
    assert not is_satisfied(falling(done, 5.0), 0.9, STEPS)


def test_one_bad_step_is_neither_here_nor_there() -> None:
    """Cuts are random, so each distance is a little off."""
    distances = falling(80, 0.02)
    distances[-1] = [distances[-1][0] + 0.05]
    assert not is_satisfied(distances, 0.9, STEPS)


def test_a_distance_that_rises_is_no_reason_to_go_on() -> None:
    assert is_satisfied([[1 + step / 100] for step in range(80)], 0.9, STEPS)


def test_a_batch_goes_on_until_all_are_satisfied() -> None:
    settled, moving = falling(80, 0.2), falling(80, 0.02)
    both = [[a[0], b[0]] for a, b in zip(settled, moving, strict=True)]
    assert not is_satisfied(both, 0.9, STEPS)
    assert is_satisfied([[a[0], a[0]] for a in settled], 0.9, STEPS)
