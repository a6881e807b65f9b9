"""networks of any objective, folded pixels and learned variances behind one face."""

import pytest
import torch
from torch import Tensor, nn

from engine.diffusion.denoisers import by_timestep, network_denoiser, symmetric
from engine.diffusion.samplers import Prediction, sample
from engine.diffusion.schedule import Levels, alphas_cumprod


class Oracle(nn.Module):
    """Knows the picture and the noise, and answers as a network of the given objective would."""

    def __init__(self, x0: Tensor, eps: Tensor, objective: str, t: int) -> None:
        super().__init__()
        alpha, sigma = (float(level) ** 0.5 for level in (ALPHAS[t], 1 - ALPHAS[t]))
        self.answer = {"eps": eps, "v": alpha * eps - sigma * x0, "x0": x0}[objective]

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.answer


ALPHAS = alphas_cumprod("cosine")


@pytest.mark.parametrize("objective", ["eps", "v", "x0"])
@pytest.mark.parametrize("t", [3, 400, 950])
def test_a_perfect_network_finds_picture_and_noise(objective: str, t: int) -> None:
    x0, eps = torch.rand(1, 3, 4, 4) * 2 - 1, torch.randn(1, 3, 4, 4)
    x = float(ALPHAS[t]) ** 0.5 * x0 + float(1 - ALPHAS[t]) ** 0.5 * eps
    denoise = network_denoiser(Oracle(x0, eps, objective, t), objective=objective, schedule="cosine")
    found = denoise(x, torch.tensor([t]))
    assert torch.allclose(found.x0, x0, atol=1e-3) and torch.allclose(found.eps, eps, atol=1e-3)


def test_folded_pixels_come_back_in_place() -> None:
    """A network that answers with its input sees patch² times the channels, and nobody outside knows."""
    seen = []

    class Echo(nn.Module):
        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            seen.append(x.shape)
            return x

    x = torch.randn(2, 3, 8, 8)
    found = network_denoiser(Echo(), objective="eps", schedule="cosine", patch=4)(x, torch.tensor([10, 500]))
    assert seen == [(2, 48, 2, 2)] and torch.equal(found.eps, x)


def test_a_learned_variance_is_the_second_half() -> None:
    """From −1 … 1 to a mix of 0 … 1, and with no gradient: guidance must not pull through it."""

    class Both(nn.Module):
        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return torch.cat([x, torch.full_like(x, 0.5)], dim=1)

    x = torch.randn(1, 3, 4, 4, requires_grad=True)
    found = network_denoiser(Both(), objective="eps", schedule="linear", learned_variance=True)(x, torch.tensor([7]))
    assert torch.equal(found.variance_mix, torch.full((1, 3, 4, 4), 0.75)) and not found.variance_mix.requires_grad
    assert torch.equal(found.eps, x)


def test_each_picture_has_its_own_timestep() -> None:
    class Zero(nn.Module):
        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return torch.zeros_like(x)

    x = torch.ones(2, 3, 2, 2)
    found = network_denoiser(Zero(), objective="eps", schedule="cosine")(x, torch.tensor([100, 600]))
    assert found.x0[0].mean() < found.x0[1].mean()


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
@pytest.mark.parametrize("axes", [(-1,), (-2,), (-1, -2)])
def test_a_symmetric_denoiser_ends_on_a_symmetric_picture(sampler: str, axes: tuple[int, ...]) -> None:
    """Whatever the network and the pull want, and though the noise is not symmetric."""
    torch.manual_seed(0)
    x0, pull, mix = torch.rand(1, 3, 8, 8) * 2 - 1, torch.randn(1, 3, 8, 8) * 0.01, torch.rand(1, 3, 8, 8)

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        return Prediction(x0=x0, eps=torch.randn_like(x), pull=pull, variance_mix=mix)

    *_, last = sample(
        symmetric(denoise, axes, "cosine"),
        torch.randn(1, 3, 8, 8),
        lambda i: torch.randn(1, 3, 8, 8),
        Levels("cosine", 6),
        sampler=sampler,
    )
    for axis in axes:
        assert torch.allclose(last.x, last.x.flip(axis), atol=1e-4)
    assert not torch.allclose(last.x, last.x.transpose(-1, -2), atol=1e-2)


def test_the_noise_that_a_symmetric_denoiser_tells_leads_to_its_picture() -> None:
    """Or the next step would begin beside the level that it is told."""
    x = torch.randn(1, 3, 8, 8)

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        return Prediction(x0=x, eps=x)

    found = symmetric(denoise, (-1,), "cosine")(x, torch.tensor([400]))
    level = float(ALPHAS[400])
    assert torch.allclose(level**0.5 * found.x0 + (1 - level) ** 0.5 * found.eps, x, atol=1e-4)


@pytest.mark.parametrize("t", [[700, 900], [100, 599], [600, 20, 999, 3]])
def test_each_picture_goes_to_the_expert_of_its_timestep(t: list[int]) -> None:
    """A batch may hold both kinds, and every answer must come back to its own picture."""
    early, late = (lambda x, t, k=k: Prediction(x0=k * x, eps=x + k) for k in (2, 3))
    x = torch.randn(len(t), 3, 4, 4)
    found = by_timestep(late, early, 600)(x, torch.tensor(t))
    for row, at in enumerate(t):
        k = 2 if at >= 600 else 3
        assert torch.equal(found.x0[row], k * x[row]) and torch.equal(found.eps[row], x[row] + k)
    assert found.variance_mix is None


def test_experts_keep_their_learned_variances() -> None:
    mixes = [lambda x, t, k=k: Prediction(x0=x, eps=x, variance_mix=torch.full_like(x, k)) for k in (0.25, 0.75)]
    found = by_timestep(*mixes, 500)(torch.zeros(2, 3, 2, 2), torch.tensor([499, 500]))
    assert found.variance_mix is not None and found.variance_mix[:, 0, 0, 0].tolist() == [0.25, 0.75]
