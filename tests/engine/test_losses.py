"""the four losses, against the notebook's own formulas."""

import math

import torch
import torch.nn.functional as F

from engine.diffusion.losses import out_of_range, saturation_loss, spherical_distance, total_variation


def test_distance_is_half_the_squared_angle() -> None:
    """2·arcsin(‖a − b‖ / 2)² of unit vectors: 0 for the same, (π/2)²/2 at a right angle."""
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 5.0])
    assert spherical_distance(a, a) == 0
    assert math.isclose(float(spherical_distance(a, b)), (math.pi / 2) ** 2 / 2, rel_tol=1e-6)


def test_distance_has_a_finite_gradient_even_at_the_far_pole() -> None:
    """arcsin has none at 1: without the clamp one unlucky cut turns the drawing into NaN."""
    a = torch.tensor([-1.0, 0.0], requires_grad=True)
    spherical_distance(a, torch.tensor([1.0, 0.0])).backward()
    assert torch.isfinite(a.grad).all()


def test_total_variation_is_the_notebooks() -> None:
    """There: pad right and bottom with the edge, then the mean of dx² + dy²."""
    x = torch.randn(2, 3, 5, 7)
    padded = F.pad(x, (0, 1, 0, 1), "replicate")
    dx = padded[..., :-1, 1:] - padded[..., :-1, :-1]
    dy = padded[..., 1:, :-1] - padded[..., :-1, :-1]
    assert torch.allclose(total_variation(x), (dx**2 + dy**2).mean([1, 2, 3]))


def test_range_loss_counts_only_what_lies_outside() -> None:
    x0 = torch.zeros(2, 1, 2, 2)
    x0[1, 0, 0, 0] = 3.0
    assert out_of_range(x0).tolist() == [0.0, 1.0]


def test_range_loss_pulls_back() -> None:
    """In Disco and its descendants this gradient was zero."""
    x0 = torch.full((1, 1, 1, 1), 2.0, requires_grad=True)
    out_of_range(x0).sum().backward()
    assert x0.grad.item() > 0


def test_the_saturation_loss_is_the_mean_of_what_lies_beyond_the_range() -> None:
    """Of each picture on its own; Disco Diffusion: abs(x_in − x_in.clamp(−1, 1)).mean()."""
    x = torch.zeros(2, 3, 2, 2)
    x[0, 0, 0, 0], x[0, 1, 0, 0], x[1, 2, 1, 1] = 1.6, -1.6, 1.0
    assert torch.allclose(saturation_loss(x), torch.tensor([1.2 / 12, 0.0]))
