"""engine/drawing/measure.py: how many pictures a device draws at a time."""

from dataclasses import replace

import pytest
import torch

from engine.drawing import measure
from engine.drawing.measure import best_width, choose_width, step_seconds
from engine.drawing.models import load_models
from engine.request import SOLVER


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step takes may be rough here."""
    monkeypatch.setattr(measure, "WARM_UP", 1)
    monkeypatch.setattr(measure, "ROUNDS", 1)


@pytest.mark.parametrize(
    ("seconds", "width"),
    [
        ({1: 1.0, 2: 1.1, 3: 1.3, 4: 1.5, 6: 2.1, 8: 2.7}, 6),
        ({1: 1.0, 2: 2.0, 3: 3.0}, 1),
        ({1: 1.0, 2: 1.1}, 2),
        ({1: 1.0}, 1),
        ({}, 1),
    ],
)
def test_the_widest_that_is_worth_it_is_chosen(seconds: dict[int, float], width: int) -> None:
    """A wider batch makes everybody in it wait longer; what memory has no room for was not measured."""
    assert choose_width(seconds) == width


def test_a_cpu_draws_one_at_a_time_unless_it_is_told_otherwise() -> None:
    """One picture keeps it busy."""
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    assert best_width("toybox") == 1


def test_a_step_of_a_width_can_be_measured() -> None:
    found = step_seconds(load_models("toybox", torch.device("cpu")), 2)
    assert found is not None and found > 0


def test_so_can_one_of_a_set_that_draws_by_the_solver() -> None:
    """Its walk has no index that could be set: a GPU that was to draw such a set would have stopped here."""
    models = load_models("toybox", torch.device("cpu"))
    described = replace(models.description, defaults=replace(models.description.defaults, sampler=SOLVER))
    found = step_seconds(replace(models, description=described), 1)
    assert found is not None and found > 0
