"""the secondary network: the published shape, and a pull that goes through it in the large one's place."""

import math

import torch
from torch import Tensor

from engine.diffusion.denoisers import pulled_by, secondary_denoiser
from engine.diffusion.samplers import Prediction
from engine.diffusion.schedule import alphas_cumprod
from engine.networks.secondary import SecondaryNet

TINY = (8, 8, 16, 16, 16, 16)


def test_it_has_the_published_shape() -> None:
    """55.4 MB of float32, and keys that count through the nested sequences as the checkpoint's do."""
    with torch.device("meta"):
        tensors = SecondaryNet().state_dict()
    assert 4 * sum(tensor.numel() for tensor in tensors.values()) == 55_366_188
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert shapes["timestep_embed.weight"] == (8, 1) and shapes["net.0.0.weight"] == (64, 19, 3, 3)
    deepest = "net.2.main.3.main.3.main.3.main.3.main"
    assert shapes[f"{deepest}.1.0.weight"] == (512, 256, 3, 3) and shapes[f"{deepest}.4.0.weight"] == (256, 512, 3, 3)
    assert shapes["net.2.main.4.0.weight"] == (128, 256, 3, 3) and shapes["net.4.weight"] == (3, 64, 3, 3)


def test_sides_and_batches_are_kept() -> None:
    found = SecondaryNet(TINY)(torch.randn(2, 3, 32, 64), torch.tensor([0.1, 0.9]))
    assert found.shape == (2, 3, 32, 64)


def test_it_is_told_the_angle_of_the_noise() -> None:
    """0 for a clean picture, 1 for pure noise: α = cos(angle · π / 2), whatever the schedule of the large network."""
    told: list[Tensor] = []

    def network(x: Tensor, angle: Tensor) -> Tensor:
        told.append(angle)
        return torch.zeros_like(x)

    levels = alphas_cumprod("linear")
    secondary_denoiser(network, "linear")(torch.randn(3, 3, 4, 4), torch.tensor([0, 400, 999]))
    expected = torch.tensor([math.acos(math.sqrt(levels[t])) * 2 / math.pi for t in (0, 400, 999)])
    assert torch.allclose(told[0], expected.float(), atol=1e-5)


def test_the_large_network_predicts_and_the_small_one_pulls() -> None:
    """And nothing of the large one is kept for a way back."""
    grads = []

    def main(x: Tensor, t: Tensor) -> Prediction:
        grads.append(torch.is_grad_enabled())
        return Prediction(x0=x + 1, eps=x + 2, variance_mix=x + 3)

    def guide(x: Tensor, t: Tensor) -> Prediction:
        return Prediction(x0=x + 10, eps=x + 20, pull=x + 30, distance=x.sum((1, 2, 3)))

    x = torch.zeros(1, 3, 2, 2)
    found = pulled_by(main, guide)(x, torch.tensor([5]))
    assert grads == [False]
    assert [float(part.mean()) for part in (found.x0, found.eps, found.variance_mix, found.pull)] == [1, 2, 3, 30]
    assert found.distance is not None
