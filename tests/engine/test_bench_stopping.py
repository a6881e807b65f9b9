"""tests/bench/engine/satisfied.py and negative.py, in a few steps; the figures themselves are commands."""

import numpy as np
import torch

from engine.drawing.models import load_models
from tests.bench.engine import negative, satisfied


def test_a_picture_that_never_satisfies_ends_as_it_would() -> None:
    models = load_models("toybox", torch.device("cpu"))
    never = [lambda *_: False]
    endings = list(satisfied.both_endings(models, ["a red star", "a blue cat"], never, steps=3, cuts=1))
    assert [(ending.steps, ending.all) for [ending] in endings] == [(3, 3)] * 2
    assert all(np.array_equal(ending.early, ending.late) for [ending] in endings)


def test_a_picture_is_kept_as_it_is_when_it_satisfies() -> None:
    """The first time, by each rule."""
    models = load_models("toybox", torch.device("cpu"))
    rules = [lambda history, *_: len(history) >= 2, lambda history, *_: len(history) >= 3]
    [(first, second)] = satisfied.both_endings(models, ["a red star"], rules, steps=4, cuts=1)
    assert (first.steps, second.steps) == (2, 3) and np.array_equal(first.late, second.late)
    assert not np.array_equal(first.early, second.early) and not np.array_equal(first.early, first.late)


def test_red_objects_and_stars_are_counted() -> None:
    """With nothing drawn yet there are none."""
    models = load_models("toybox", torch.device("cpu"))
    assert negative.count_red(models, negative.WITHOUT, 2, steps=1, cuts=1) == (0, 0, 2)
