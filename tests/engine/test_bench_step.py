"""the benchmark of a guided step: a fair race between three that do the same work."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.diffusion.schedule import Levels
from engine.drawing.models import load_models
from engine.model_sets.weights import load_model_set
from tests.bench.engine.step import ROUNDS, WARM_UP, alternate, contenders, middle, start

CPU = torch.device("cpu")


def test_every_contender_runs_equally_often_in_every_place() -> None:
    """What runs first in a round finds colder caches."""
    called: list[str] = []

    def runner(name: str):
        def run(index: int) -> Tensor:
            called.append(name)
            return torch.tensor(index)

        return run

    seconds = alternate({name: runner(name) for name in "abc"}, [3, 4])
    assert {name: len(times) for name, times in seconds.items()} == dict.fromkeys("abc", ROUNDS)
    for place in range(3):
        assert set(Counter(called[place::3]).values()) == {(WARM_UP + ROUNDS) // 3}


@pytest.mark.parametrize("steps", [1, 3, 60])
def test_the_race_is_run_where_the_toybox_is_pulled(steps: int) -> None:
    """There must be at least one level, however few the steps; and none of the network that only finishes."""
    toybox = load_model_set("toybox")
    few = replace(toybox, defaults=replace(toybox.defaults, steps=steps))
    timesteps = Levels("cosine", steps).timesteps[middle(few)]
    assert toybox.early is not None and len(timesteps) >= 1 and timesteps[0] >= toybox.early["from_timestep"]


def test_where_one_network_draws_it_is_run_at_the_middle_levels() -> None:
    toybox = load_model_set("toybox")
    alone = replace(toybox, early=None, defaults=replace(toybox.defaults, steps=60))
    assert (middle(alone)[0], middle(alone)[-1]) == (15, 44)


def test_all_three_make_the_same_step() -> None:
    """Otherwise the fastest may be the one that leaves something out; without fresh noise they must agree."""
    models = load_models("toybox", CPU)
    loops = contenders(models, eta=0.0)
    index = middle(models.description)[-1]
    mid_2021, final, ours = (loop(index) for loop in loops.values())
    moved = (ours - start(models)).norm()
    assert (final - mid_2021).norm() <= 1e-4 * moved
    assert (ours - final).norm() <= 5e-3 * moved  # a trained CLIP's gradient magnifies the last bits of float32
