"""the benchmark of the full-size network, in small: it measures the same step three times over."""

import pytest
import torch

from engine.model_sets.weights import ModelSet
from tests.bench.engine.full import SECONDARY, beginning, contenders, peak_of, random_unet, timed

CPU = torch.device("cpu")


@pytest.mark.parametrize("channels_last", ["0", "1"])
def test_all_end_in_the_same_place(small: ModelSet, monkeypatch: pytest.MonkeyPatch, channels_last: str) -> None:
    """Otherwise the fastest may be the one that leaves something out."""
    monkeypatch.setenv("IMAGO_CHANNELS_LAST", channels_last)
    loops, parts = contenders(small, CPU)
    mid_2021, final, ours, at_x0 = (step() for step in loops.values())
    moved = (final - beginning(small)).norm()
    assert moved > 1e-3 and torch.equal(mid_2021, final)
    assert (ours - final).norm() <= 5e-3 * moved and torch.isfinite(at_x0).all()
    assert all(torch.isfinite(step()).all() for step in parts.values()) and SECONDARY in parts


def test_it_runs_in_half_precision_too(small: ModelSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU ours alone, as the notebooks' loops ran in float32 there."""
    monkeypatch.setenv("IMAGO_PRECISION", "bfloat16")
    loops, _ = contenders(small, CPU)
    final, ours = loops["final notebook"](), loops["ours"]()
    assert (ours - final).norm() <= 0.5 * (final - beginning(small)).norm()


def test_no_weight_is_zero(small: ModelSet) -> None:
    """A network that says nothing is quick."""
    assert all(tensor.any() for tensor in random_unet(small).state_dict().values())


def test_the_peak_is_of_the_step_alone() -> None:
    """What was in use before and is free again does not count."""
    torch.zeros(20_000_000).sum()
    low, _ = peak_of(lambda: torch.zeros(1), CPU)
    high, _ = peak_of(lambda: torch.zeros(15_000_000) + 1, CPU)
    assert high - low > 90_000_000
    wall, processor = timed(lambda: torch.zeros(10))
    assert wall > 0 and processor >= 0
