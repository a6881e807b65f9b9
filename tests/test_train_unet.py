"""tests of engine.toybox.train_unet."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.toybox.ideal import IdealDenoiser
from engine.toybox.pack import pack
from engine.toybox.taught import Taught
from engine.toybox.train_unet import (
    CLEANER,
    CONFIG,
    EVEN,
    FIRST,
    HELD_OUT,
    LAST,
    LATE,
    SEEN,
    STRIDES,
    batch_of,
    early_network,
    importance,
    losses_of,
    noised,
    pictures,
    scenes_of,
)
from engine.toybox.walks import Walks
from engine.toybox.world import COMBINATIONS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ideal() -> IdealDenoiser:
    return IdealDenoiser()


def test_nothing_that_is_held_out_is_seen() -> None:
    """The figures would be worth nothing."""
    assert not set(SEEN) & set(HELD_OUT)
    assert set(SEEN) | set(HELD_OUT) == set(COMBINATIONS)
    assert 0.08 < len(HELD_OUT) / len(COMBINATIONS) < 0.12


def test_timesteps_lie_where_they_are_told() -> None:
    """Half of a lesson shows pictures where they can be seen; a batch goes no further up than this network draws."""
    empty = torch.zeros(64, 3, 2, 2)
    late, lesson, even = (noised(np.random.default_rng(0), empty, spread)[1] for spread in (LATE, CLEANER, EVEN))
    assert late.float().mean() < 300 < lesson.float().mean() < 460 < even.float().mean() < 540
    assert late.max() < LATE[1][-1] and min(t.min() for t in (late, lesson, even)) >= 0 and even.max() <= 999


def test_a_batch_is_scenes_and_walks() -> None:
    """Walks that ended begin anew, so that a batch always has its size."""
    rng, walks = np.random.default_rng(0), Walks(3, LAST, STRIDES)
    x, t = batch_of(rng, scenes_of(rng, 5, SEEN), LATE, walks, CPU)
    assert x.shape == (8, 3, 64, 64) and t.shape == (8,)
    assert torch.equal(x[5:], walks.x) and (t[5:] >= FIRST[1][0]).all() and not walks.missing


def test_losses_are_against_the_best_answer(ideal: IdealDenoiser) -> None:
    """A network that answers nothing is as wrong as v is large."""
    model = Taught(CONFIG)
    torch.nn.init.zeros_(model.out[-1].weight)
    torch.nn.init.zeros_(model.out[-1].bias)
    x, t = noised(np.random.default_rng(0), pictures(scenes_of(np.random.default_rng(0), 2, SEEN)))
    losses, v, guesses = losses_of(model, ideal, x, t)
    assert torch.allclose(losses, ideal.v(x, t).square().mean((1, 2, 3)))
    assert v.shape == x.shape and not v.any() and guesses.shape[:2] == (2, 64)


def test_the_other_network_walks_where_this_one_does_not() -> None:
    """It is the committed one, asked for v."""
    x, t = torch.zeros(2, 3, 64, 64), torch.tensor([700, 900])
    assert early_network(CPU)(x, t).shape == x.shape


def test_the_middle_noise_levels_weigh_most() -> None:
    """Both ends are mostly chance."""
    weights = importance(torch.tensor([5, 500, 990]))
    assert weights[1] > 0.9 and weights[0] < 0.2 and weights[2] < 0.4


def test_packing_leaves_the_head_behind(tmp_path: Path, monkeypatch: object) -> None:
    """The engine loads strictly: a key too many and nobody can draw."""
    from safetensors.torch import load_file, save_file

    from engine.toybox import pack as module
    monkeypatch.setattr(module, "SET", tmp_path / "toybox")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    (tmp_path / "toybox.toml").write_text('file = "unet.safetensors"\nbytes = 1\nsha256 = ""\n')
    (tmp_path / "run").mkdir()
    save_file({"out.2.weight": torch.ones(2), "head.1.weight": torch.ones(3)}, tmp_path / "run" / "model.safetensors")
    pack("unet", tmp_path / "run")
    assert list(load_file(tmp_path / "toybox" / "unet.safetensors")) == ["out.2.weight"]
    assert "bytes = 1\n" not in (tmp_path / "toybox.toml").read_text()
