"""tests of engine.toybox.ideal."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.schedule import alphas_cumprod
from engine.toybox.ideal import IdealDenoiser
from engine.toybox.train_unet import HELD_OUT, pictures, scenes_of
from engine.toybox.world import COLOURS, Scene, render


@pytest.fixture(scope="module")
def ideal() -> IdealDenoiser:
    return IdealDenoiser(grid=8.0)  # coarse: the test's scenes lie on it


def on_the_grid() -> Tensor:
    scene = Scene(object="cat", colour="pink", background="blue", size="", x=32.0, y=32.0, radius=25.5)
    return torch.from_numpy(render(scene)).permute(2, 0, 1)[None].float() / 127.5 - 1


def noisy(x0: Tensor, t: int) -> tuple[Tensor, Tensor]:
    level = alphas_cumprod("cosine")[t]
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    return level**0.5 * x0 + (1 - level)**0.5 * noise, torch.full((len(x0),), t)


def test_a_scene_of_the_grid_is_found_under_heavy_noise(ideal: IdealDenoiser) -> None:
    """At timestep 800 nine tenths of the variance are noise, and still nobody could doubt what is drawn."""
    x0 = on_the_grid()
    assert (ideal(*noisy(x0, 800)) - x0).abs().max() < 0.02


def test_pure_noise_is_the_mean_of_all_scenes(ideal: IdealDenoiser) -> None:
    """Where nothing can be known every scene counts alike; no picture of the palette is that grey."""
    x, t = noisy(on_the_grid(), 999)
    found = ideal(x, t)
    palette = torch.tensor(list(COLOURS.values())).float().mean(0) / 127.5 - 1
    assert (found.mean((0, 2, 3)) - palette).abs().max() < 0.1
    assert found.std((2, 3)).max() < 0.1


def test_the_answer_is_the_best_there_is(ideal: IdealDenoiser) -> None:
    """A mean over the world has less squared error than the likeliest scene or than no answer at all."""
    x0 = pictures(scenes_of(np.random.default_rng(0), 24, HELD_OUT))
    x, t = noisy(x0, 960)
    error = (ideal(x, t) - x0).square().mean()
    assert error < 0.8 * (x0.mean() - x0).square().mean()


def test_the_picture_itself_makes_the_answer_sharp_where_nothing_is_doubtful(ideal: IdealDenoiser) -> None:
    """Scenes off the grid: beside the grid's nearest scene the true one explains the noise far better."""
    x0 = pictures(scenes_of(np.random.default_rng(0), 8, HELD_OUT))
    x, t = noisy(x0, 700)
    assert (ideal(x, t, x0) - x0).square().mean() < 0.001 < (ideal(x, t) - x0).square().mean()
    x, t = noisy(x0, 990)
    assert (ideal(x, t, x0) - ideal(x, t)).abs().max() < 0.01
