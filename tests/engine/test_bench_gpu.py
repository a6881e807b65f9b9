"""the benchmark of the GPU, in small and on a CPU: what it counts, and that a way that fails hides no other."""

import dataclasses

import pytest
import torch

from engine.drawing import measure as measure_steps
from engine.model_sets.weights import ModelSet
from tests.bench.engine import gpu
from tests.bench.engine.gpu import WAYS, Counting, Drawings, measure, picture, rows
from tests.bench.engine.report import Card

CPU = torch.device("cpu")
CARD = Card(flops=1e12, bandwidth=1e10, launch=1e-6)


@pytest.fixture
def short(small: ModelSet, monkeypatch: pytest.MonkeyPatch) -> ModelSet:
    """With just enough steps below the middle for few rounds."""
    for module in (gpu, measure_steps):
        monkeypatch.setattr(module, "ROUNDS", 1)
        monkeypatch.setattr(module, "WARM_UP", 1)
    return dataclasses.replace(small, side=16, defaults=dataclasses.replace(small.defaults, steps=4))


def apart(told: str) -> float:
    """How far a way ends from eager."""
    return float(told.rpartition("ends ")[2].split()[0])


def test_arithmetic_and_bytes_are_counted_backwards_too() -> None:
    """A product of matrices and its way back are three products."""
    x, w = torch.ones(4, 8, requires_grad=True), torch.ones(8, 16, requires_grad=True)
    with Counting() as counted:
        (x @ w).sum().backward()
    assert counted.flops == 3 * 2 * 4 * 8 * 16
    assert (2 * 4 * 8 * 16, 4 * (4 * 8 + 8 * 16 + 4 * 16)) in counted.operations


def test_each_operation_takes_the_longest_of_three() -> None:
    counted = Counting()
    counted.operations = [(4_000_000, 100), (0, 100_000), (0, 100)]  # 4 µs of arithmetic, 10 of bytes, 1 of launch
    assert counted.seconds(CARD, WAYS["eager"]) == pytest.approx(15e-6)
    assert counted.seconds(CARD, WAYS["graphs"]) == pytest.approx(4e-6)


def test_a_row_for_each_way_and_batch_then_the_bars(short: ModelSet) -> None:
    """The step of a batch is the same whichever way it is gone."""
    eager = [way for way in WAYS if "eager" in way]
    one, *found, share, people = rows(short, CPU, CARD, eager, (1, 8))
    whole = found.pop(1)
    assert [row.name.rpartition("network, ")[2] for row in (one, *found)] == [
        f"{way}, batch {batch}" for batch in (1, 8) for way in eager
    ]
    assert all("predicted" in row.value and apart(row.value) < 1e-3 for row in (one, *found))
    assert people.bar == "≥ 3 times one by one" and "× one by one" in people.value
    assert share.bar == "≥ 60%" and whole.bar == "≤ 15 s"
    assert "4 guided steps" in whole.name and "the same pixels when half" in whole.value


def test_a_way_that_fails_is_told_and_hides_no_other(short: ModelSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What did not work belongs into docs/experiments.md."""
    monkeypatch.setitem(WAYS, "broken", {"IMAGO_PRECISION": "half"})
    broken, eager, whole = rows(short, CPU, CARD, ("broken", "eager"), (1,))
    assert "failed: BadRequest" in broken.value and "a picture" in eager.value and whole.met is not None
    failed = picture(Drawings(short, CPU), "broken")
    assert "failed: BadRequest" in failed.value and failed.met is False


def test_without_a_card_it_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    (only,) = measure()
    assert only.value.startswith("not measured")


def test_batches_are_of_different_pictures(short: ModelSet) -> None:
    """Equal ones could be computed once."""
    first, second = next(Drawings(short, CPU).begun({}, 2)).x
    assert not torch.equal(first, second)
