"""tests of engine.toybox.train_unet."""

from pathlib import Path

import numpy as np
import torch

from engine.toybox.ideal import IdealDenoiser
from engine.toybox.pack import pack
from engine.toybox.train_unet import (
    CLEANER,
    DOUBT,
    EVEN,
    HELD_OUT,
    NOISIER,
    SEEN,
    importance,
    noised,
    pictures,
    scenes_of,
    taught,
)
from engine.toybox.world import COMBINATIONS


def test_nothing_that_is_held_out_is_seen() -> None:
    """The figures would be worth nothing."""
    assert not set(SEEN) & set(HELD_OUT)
    assert set(SEEN) | set(HELD_OUT) == set(COMBINATIONS)
    assert 0.08 < len(HELD_OUT) / len(COMBINATIONS) < 0.12


def test_v_and_x_give_the_picture_back() -> None:
    """x0 = √ᾱ·x − √(1 − ᾱ)·v, the equation that the engine draws by."""
    ideal = IdealDenoiser(grid=30.0)
    x0 = pictures(scenes_of(np.random.default_rng(0), 8, SEEN))
    x, v, t = noised(np.random.default_rng(1), x0)
    level = ideal.levels[t][:, None, None, None]
    assert torch.allclose(level.sqrt() * x - (1 - level).sqrt() * v, x0, atol=1e-4)


def test_only_doubtful_timesteps_get_the_ideal_answer() -> None:
    """Elsewhere the picture itself is what can be known, and the grid is too coarse to say it."""
    ideal = IdealDenoiser(grid=30.0)
    x0 = pictures(scenes_of(np.random.default_rng(0), 16, SEEN))
    x, v, t = noised(np.random.default_rng(1), x0)
    better = taught(ideal, x0, x, v, t)
    same = (better == v).flatten(1).all(1)
    assert torch.equal(same, t < DOUBT) and not same.all()


def test_batches_favour_noise_or_clean_pictures_as_they_are_told() -> None:
    """More than half of a drawing batch lies where an object can be known, but not yet seen."""
    empty = torch.zeros(64, 3, 2, 2)
    drawn, lesson, even = (noised(np.random.default_rng(0), empty, spread)[2] for spread in (NOISIER, CLEANER, EVEN))
    assert 0.5 < ((drawn >= 500) & (drawn < 850)).float().mean() < 0.6
    assert lesson.float().mean() < 460 < even.float().mean() < 540 < drawn.float().mean()
    assert min(t.min() for t in (drawn, lesson, even)) >= 0 and max(t.max() for t in (drawn, lesson, even)) <= 999


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
