"""tests of engine.training.optim."""

import copy

import pytest
import torch
from torch import nn

from engine.training.optim import Muon, orthogonalise, split_parameters


@pytest.mark.parametrize("shape", [(8, 8), (4, 32), (32, 4)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, int]) -> None:
    """That all directions learn equally fast is Muon's point; the quintic iteration stays within 0.6 … 1.3."""
    g = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(g))
    assert orthogonalise(g).shape == shape
    assert values.min() > 0.6 and values.max() < 1.3


def test_bfloat16_matrices_do_not_blow_up() -> None:
    """A Gram matrix rounded to bfloat16 has negative eigenvalues, and the iteration makes those grow."""
    thin = torch.randn(128, 4, generator=torch.Generator().manual_seed(0))
    g = (thin @ thin[:, :4].T).repeat(1, 9)  # 128 rows of rank 4
    assert torch.linalg.svdvals(orthogonalise(g.bfloat16()).float()).max() < 1.5


def test_float32_matrices_whose_products_are_rounded_do_not_blow_up_either() -> None:
    """The same, where torch was told that it may multiply float32 in bfloat16: an upscaler's loss rose to 1e17."""
    thin = torch.randn(128, 4, generator=torch.Generator().manual_seed(0))
    g = (thin @ thin[:, :4].T).repeat(1, 9)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        assert torch.linalg.svdvals(orthogonalise(g)).max() < 1.5
    finally:
        torch.set_float32_matmul_precision(before)


def test_orthogonalising_forgets_the_scale_and_keeps_the_direction() -> None:
    """Gradients of any size make a step of the same size, and downhill."""
    g = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(orthogonalise(g), orthogonalise(1000 * g), atol=1e-4)
    assert (orthogonalise(g) * g).sum() > 0


def test_no_gradient_is_no_step() -> None:
    """An unused or untouched parameter stays as it is, without NaN."""
    unused, untouched = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3, 3))
    untouched.grad = torch.zeros(3, 3)
    Muon([unused, untouched]).step()
    assert torch.equal(unused, torch.ones(3, 3)) and torch.equal(untouched, torch.ones(3, 3))


def test_muon_finds_the_minimum_of_a_bowl() -> None:
    """The least that is asked of an optimiser, for a convolution's four dimensions too."""
    target = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    weight = nn.Parameter(torch.zeros(4, 3, 3, 3))
    optimiser = Muon([weight], lr=0.1)
    for k in range(200):
        for group in optimiser.param_groups:
            group["lr"] = 0.1 * (1 - k / 200)
        optimiser.zero_grad()
        (weight - target).square().sum().backward()
        optimiser.step()
    assert (weight - target).abs().max() < 0.05


def test_momentum_is_in_the_state() -> None:
    """A resumed run must take the same steps as one that was not stopped."""

    def stepped(optimiser: Muon, weight: nn.Parameter, k: int) -> None:
        weight.grad = torch.randn(3, 5, generator=torch.Generator().manual_seed(k))
        optimiser.step()

    straight = nn.Parameter(torch.zeros(3, 5))
    first = Muon([straight])
    stepped(first, straight, 1)
    resumed = nn.Parameter(straight.detach().clone())
    second = Muon([resumed])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    stepped(first, straight, 2)
    stepped(second, resumed, 2)
    assert torch.equal(straight, resumed)


def test_matrices_go_to_muon_but_for_the_outer_ones() -> None:
    """First and last layers, biases and tables learn worse under Muon; frozen parameters learn not at all."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 1))
    model[1].bias.requires_grad_(False)
    inner, rest = split_parameters(model, ("0.", "2."))
    assert [p.shape for p in inner] == [(3, 3)]
    assert len(rest) == 4
