"""tests of engine.toybox.walks."""

import numpy as np
import torch
import torch.nn.functional as F

from engine.toybox.ideal import IdealDenoiser
from engine.toybox.train_unet import SEEN, pictures, scenes_of
from engine.toybox.walks import LONGEST, PulledWalks, Walks


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


def test_clip_pulls_only_where_a_drawing_is_pulled() -> None:
    """Below the set's last level the answers stay as they are, and strides are long again."""
    walks = PulledWalks(2, (900, 901), 450)
    walks.aim(["a red star on a blue background"] * 2)
    walks.begin(np.random.default_rng(0), pictures(scenes_of(np.random.default_rng(0), 2, SEEN)))
    walks.state["t"][1] = 700
    answers = torch.zeros_like(walks.x)
    moved = walks.pull(np.random.default_rng(1), lambda x, t: 0 * x, 4, answers)
    assert walks.pulled().tolist() == [True, False]
    assert (moved[0] != 0).any() and not moved[1].any()
    assert walks.stride()[0] * 7 <= walks.state["stride"][0] and walks.stride()[1] == walks.state["stride"][1]


def test_the_pull_leads_towards_what_was_said() -> None:
    """After a walk with perfect answers the picture has the colours of its caption, not those of its first noise."""
    ideal, walks, rng = IdealDenoiser(), PulledWalks(2, (985, 986), 830), np.random.default_rng(0)
    walks.aim(["a red star on a white background"] * 2)
    walks.begin(rng, pictures(scenes_of(rng, 2, SEEN)))
    walks.state["stride"][:] = 56

    def unet(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return F.pixel_unshuffle(ideal.v(F.pixel_shuffle(x, 4), t), 4)

    while not walks.ended().any():
        walks.advance(rng, walks.pull(rng, unet, 4, ideal.v(walks.x, walks.t)))
    borders = ideal(walks.x, walks.t)[:, :, 0, 0]
    assert (borders > 0.8).all()
