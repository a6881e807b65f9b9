"""tests of engine.toybox.walks."""

import numpy as np
import torch

from engine.toybox.ideal import IdealDenoiser
from engine.toybox.train_unet import SEEN, pictures, scenes_of
from engine.toybox.walks import LONGEST, Walks


def begun(count: int, first: tuple[int, int] = (700, 710), last: int = 100) -> tuple[Walks, torch.Tensor]:
    walks, scenes = Walks(count, first, last), pictures(scenes_of(np.random.default_rng(0), count, SEEN))
    walks.begin(np.random.default_rng(1), scenes)
    return walks, scenes


def test_a_walk_with_the_best_answers_ends_on_its_scene() -> None:
    """The step is the sampler's: with a perfect network it arrives."""
    ideal, (walks, scenes), rng = IdealDenoiser(), begun(4), np.random.default_rng(2)
    walks.state.update(t=torch.full((4,), 700), stride=torch.full((4,), 20))
    while not walks.ended().any():
        walks.advance(rng, ideal.v(walks.x, walks.t))
    assert (ideal(walks.x, walks.t) - scenes).abs().max() < 0.02


def test_only_walks_that_ended_begin_anew() -> None:
    """The others go on from where the network led them."""
    walks, scenes = begun(3)
    walks.state["t"][1] = 99
    before = walks.x.clone()
    assert walks.ended().tolist() == [False, True, False]
    walks.begin(np.random.default_rng(3), scenes[:1])
    assert torch.equal(walks.x[0], before[0]) and not torch.equal(walks.x[1], before[1])
    assert 700 <= walks.t[1] < 710


def test_a_stride_is_no_longer_than_the_shortest_drawings() -> None:
    """And each walk keeps its own."""
    walks, _ = begun(64)
    before, strides = walks.t.clone(), walks.state["stride"].clone()
    walks.advance(np.random.default_rng(4), torch.zeros_like(walks.x))
    assert torch.equal(before - walks.t, strides) and strides.min() >= 5 and strides.max() <= LONGEST


def test_the_noise_stays_as_large_as_the_timestep_says() -> None:
    """x_t of pure noise, answered with what it is, is as noisy at the next timestep."""
    walks, _ = begun(8)
    walks.state["x"] = torch.from_numpy(np.random.default_rng(5).standard_normal(walks.x.shape, dtype=np.float32))
    level = walks.levels[walks.t][:, None, None, None]
    walks.advance(np.random.default_rng(6), level.sqrt() * walks.x / (1 - level).sqrt())  # x0 = 0, so ε = x / √(1 − ᾱ)
    assert abs(walks.x.std() - 1) < 0.05
