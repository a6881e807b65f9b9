"""samplers, on data whose best denoiser is known in closed form."""

import weakref

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.diffusion.noise import Stream, per_picture
from engine.diffusion.samplers import Denoise, Prediction, ddim_step, ddpm_step, sample
from engine.diffusion.schedule import Levels, alphas_cumprod

POINT = torch.tensor([0.3, -0.8, 0.1]).reshape(1, 3, 1, 1)
ALPHAS = torch.from_numpy(alphas_cumprod("linear"))


def point_denoiser(x: Tensor, t: Tensor) -> Prediction:
    """All the data is one picture."""
    level = ALPHAS[t].float()[:, None, None, None]
    return Prediction(x0=POINT.expand_as(x), eps=(x - level.sqrt() * POINT) / (1 - level).sqrt())


def gaussian_denoiser(spread: float) -> Denoise:
    """All the data is N(0, spread²): x0 = √ᾱ·spread² / (ᾱ·spread² + 1 − ᾱ) · x."""

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        level = ALPHAS[t][:, None, None, None]
        x0 = level.sqrt() * spread**2 / (level * spread**2 + 1 - level) * x
        return Prediction(x0=x0, eps=(x - level.sqrt() * x0) / (1 - level).sqrt())

    return denoise


def noise_for(x: Tensor):
    return lambda i: per_picture([(3, k) for k in range(len(x))], Stream.STEP, i, tuple(x.shape[1:]))


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
@pytest.mark.parametrize("steps", [1, 2, 10, 1000])
def test_a_world_of_one_picture_is_drawn_exactly(sampler: str, steps: int) -> None:
    """Whatever the number of steps, one included: other samplers crash on a schedule of one step."""
    x = torch.randn(2, 3, 1, 1)
    *_, last = sample(point_denoiser, x, noise_for(x), Levels("linear", steps), sampler=sampler)
    assert torch.allclose(last.x, POINT.expand_as(x), atol=1e-5)
    assert last.index == 0


def test_ddim_without_noise_is_of_first_order() -> None:
    """Half the step, half the error: the exact flow of Gaussian data is known."""
    x = torch.full((1, 3, 1, 1), 1.5, dtype=torch.float64)
    top = float(ALPHAS[-1])
    exact = x * 0.5 / np.sqrt(top * 0.25 + 1 - top)
    errors = []
    for steps in (50, 100, 200):
        *_, last = sample(gaussian_denoiser(0.5), x, lambda i: torch.zeros_like(x), Levels("linear", steps), eta=0.0)
        errors.append(float((last.x - exact).abs().max()))
    assert 1.6 < errors[0] / errors[1] < 2.4 and 1.6 < errors[1] / errors[2] < 2.4


def test_fresh_noise_ends_at_its_level() -> None:
    """Down to it a drawing is as without the bound, and from there on the flow of eta 0."""
    x, levels, denoise = torch.randn(1, 3, 2, 2), Levels("linear", 20), gaussian_denoiser(0.5)
    until = float(levels.alphas_cumprod[8])
    walk = list(sample(denoise, x, noise_for(x), levels, fresh_until_level=until))
    noisy = list(sample(denoise, x, noise_for(x), levels))
    [begin] = [step.x for step in walk if step.index == 8]
    assert all(torch.equal(a.x, b.x) for a, b in zip(walk, noisy, strict=True) if a.index >= 8)
    flow = list(sample(denoise, begin, noise_for(x), levels, eta=0.0, start=7))
    assert [torch.equal(a.x, b.x) for a, b in zip(walk[-8:], flow, strict=True)] == [True] * 8
    assert not torch.equal(noisy[-1].x, walk[-1].x)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_drawings_have_the_spread_of_the_data(sampler: str) -> None:
    x = torch.randn(4000, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    *_, last = sample(
        gaussian_denoiser(0.5),
        x,
        lambda i: torch.randn(x.shape, generator=generator),
        Levels("linear", 200),
        sampler=sampler,
    )
    assert abs(float(last.x.std()) - 0.5) < 0.03


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_a_drawing_that_stopped_goes_on_with_the_same_numbers(sampler: str) -> None:
    """(x, index) is the whole state."""
    x, levels, denoise = torch.randn(1, 3, 2, 2), Levels("linear", 12), gaussian_denoiser(0.5)
    whole = list(sample(denoise, x, noise_for(x), levels, sampler=sampler))
    for stop in whole[:-1]:
        *_, last = sample(denoise, stop.x, noise_for(x), levels, sampler=sampler, start=stop.index - 1)
        assert torch.equal(last.x, whole[-1].x)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_picture_k_of_a_batch_is_picture_k_alone(sampler: str) -> None:
    x, levels, denoise = torch.randn(3, 3, 2, 2), Levels("linear", 8), gaussian_denoiser(0.5)
    *_, together = sample(denoise, x, noise_for(x), levels, sampler=sampler)
    alone = per_picture  # the noise of picture 2 when it is drawn on its own
    *_, single = sample(denoise, x[2:], lambda i: alone([(3, 2)], Stream.STEP, i, (3, 2, 2)), levels, sampler=sampler)
    assert torch.allclose(together.x[2:], single.x, atol=1e-6)


def test_the_pull_moves_ddpm_by_the_variance_times_the_gradient() -> None:
    """condition_mean of Dhariwal & Nichol 2021."""
    x, levels, zero = torch.randn(1, 3, 2, 2), Levels("linear", 100), torch.zeros(1, 3, 2, 2)
    free = Prediction(x0=x, eps=x)
    pulled = Prediction(x0=x, eps=x, pull=torch.ones_like(x))
    moved = ddpm_step(pulled, x, zero, levels, 50) - ddpm_step(free, x, zero, levels, 50)
    assert torch.allclose(moved, torch.full_like(x, float(levels.betas[50])), rtol=1e-3)


def test_the_pull_moves_ddims_noise_by_sigma_times_the_gradient() -> None:
    """condition_score of Dhariwal & Nichol 2021: x0 moves by (1 − ᾱ) / √ᾱ times the gradient."""
    x, levels, zero = torch.randn(1, 3, 2, 2), Levels("linear", 100), torch.zeros(1, 3, 2, 2)
    a = levels.alphas_cumprod[0]
    x0 = (x - np.sqrt(1 - a) * x) / np.sqrt(a)
    moved = ddim_step(Prediction(x0=x0, eps=x, pull=torch.ones_like(x)), x, zero, levels, 0, 0.0) - x0
    assert torch.allclose(moved.float(), torch.full_like(x, float((1 - a) / np.sqrt(a))), rtol=1e-2, atol=1e-7)


def test_closing_the_stream_frees_it() -> None:
    """To cancel is to stop: nothing may hold the picture of a cancelled drawing."""
    stream = sample(point_denoiser, torch.randn(1, 3, 4, 4), lambda i: torch.zeros(1, 3, 4, 4), Levels("linear", 50))
    held = weakref.ref(next(stream).x)
    stream.close()
    assert held() is None
