"""tests of engine.training.toybox.ideal."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.diffusion.schedule import alphas_cumprod
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.train_unet import HELD_OUT, SEEN, pictures, scenes_of
from engine.training.toybox.world import COLOURS, Scene, render


@pytest.fixture(scope="module")
def ideal() -> IdealDenoiser:
    return IdealDenoiser(held_out_too=True)


def a_scene() -> Tensor:
    scene = Scene(object="cat", colour="pink", background="blue", size="", x=32.0, y=32.0, radius=25.5)
    return torch.from_numpy(render(scene)).permute(2, 0, 1)[None].float() / 127.5 - 1


def noisy(x0: Tensor, t: int) -> tuple[Tensor, Tensor]:
    level = alphas_cumprod("cosine")[t]
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    return level**0.5 * x0 + (1 - level) ** 0.5 * noise, torch.full((len(x0),), t)


def test_a_scene_is_found_under_heavy_noise(ideal: IdealDenoiser) -> None:
    """At timestep 800 nine tenths of the variance are noise, and still nobody could doubt what is drawn."""
    x0 = a_scene()
    assert (ideal(*noisy(x0, 800)) - x0).abs().max() < 0.02


def test_pure_noise_is_the_mean_of_all_scenes(ideal: IdealDenoiser) -> None:
    """Where nothing can be known every scene counts alike; no picture of the palette is that grey."""
    x, t = noisy(a_scene(), 999)
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


def test_where_nothing_is_doubtful_the_answer_is_the_picture(ideal: IdealDenoiser) -> None:
    """Every scene of the world is among those that it tries."""
    x0 = pictures(scenes_of(np.random.default_rng(0), 8, HELD_OUT))
    assert (ideal(*noisy(x0, 500)) - x0).abs().max() < 0.01  # the pictures are rounded to 8 bits


def test_what_teaches_does_not_know_held_out_scenes() -> None:
    """The figures measured on them would be worth nothing."""
    teacher = IdealDenoiser()
    x0 = pictures(scenes_of(np.random.default_rng(0), 8, HELD_OUT))
    assert (teacher(*noisy(x0, 300)) - x0).abs().flatten(1).amax(1).min() > 0.5
    seen = pictures(scenes_of(np.random.default_rng(0), 8, SEEN))
    assert (teacher(*noisy(seen, 300)) - seen).abs().max() < 0.01


def test_it_says_which_scenes_a_picture_may_be(ideal: IdealDenoiser) -> None:
    """One, where nothing is doubtful; many, and all of them likely enough, where nearly all is noise."""
    scenes = scenes_of(np.random.default_rng(0), 8, SEEN)
    x, t = noisy(pictures(scenes), 700)
    assert ideal.scenes(ideal.likely(x, t), np.random.default_rng(1)) == scenes
    x, t = noisy(pictures(scenes[:1]), 970)
    likely = ideal.likely(x, t)
    chances = likely.flatten()
    drawn = [ideal.scenes(likely, np.random.default_rng(seed))[0] for seed in range(50)]
    assert abs(chances.sum() - 1) < 1e-4 and len({scene.object for scene in drawn}) > 2
    numbers = [number for number in range(len(chances)) if ideal.scene(number) in drawn]
    assert chances[numbers].mean() > 2 * chances.mean()


def test_told_the_colours_of_the_palette_it_says_the_same(ideal: IdealDenoiser) -> None:
    """Where nobody could doubt them; told others, it draws in those."""
    scenes = scenes_of(np.random.default_rng(0), 6, HELD_OUT)
    x, t = noisy(pictures(scenes), 700)
    ink, paper = (
        torch.tensor([COLOURS[getattr(scene, name)] for scene in scenes]) / 127.5 - 1
        for name in ("colour", "background")
    )
    assert torch.allclose(ideal.of_colours(x, t, ink, paper), ideal(x, t), atol=1e-3)
    assert torch.allclose(ideal.of_colours(x, t, ink, paper / 2)[:, :, 0, 0], paper / 2, atol=1e-3)
