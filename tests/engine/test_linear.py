"""The linear denoiser that guidance may look through, and the vision tower that is made for it."""

import torch

from engine.diffusion.linear import LinearDenoiser, load_linear
from engine.training.picturebook import clips


def some(components: int = 5, side: int = 4) -> LinearDenoiser:
    """Components of a world of 4 × 4 pixels."""
    source = torch.Generator().manual_seed(2)
    basis = torch.linalg.qr(torch.randn(3 * side**2, components, generator=source))[0].T.contiguous()
    return LinearDenoiser(
        torch.randn(3 * side**2, generator=source) * 0.1, basis, torch.tensor([9.0, 4.0, 1.0, 0.5, 0.1][:components])
    )


def test_a_clean_picture_of_the_world_is_left_as_it_is() -> None:
    """Where there is no noise nothing is taken away."""
    linear = some()
    picture = (linear.mean + torch.tensor([1.0, -2.0, 0.5, 0.3, 0.1]) @ linear.basis).view(1, 3, 4, 4)
    x = torch.nn.functional.interpolate(picture, scale_factor=2) * linear.levels[0].sqrt()
    found = torch.nn.functional.avg_pool2d(linear(x, torch.tensor([0])), 2)
    assert torch.allclose(found, picture, atol=2e-2)


def test_pure_noise_says_nothing_but_the_mean() -> None:
    """What a drawing begins with must not look like anything."""
    found = some()(torch.randn(1, 3, 8, 8), torch.tensor([999]))
    assert torch.allclose(found[..., ::2, ::2].flatten(), some().mean, atol=1e-2)


def test_no_other_linear_guess_is_nearer() -> None:
    """Wiener's filter is the best there is: neither more nor less of a component helps."""
    linear, source, t = some(), torch.Generator().manual_seed(4), 700
    weights = torch.randn(4000, 5, generator=source) * linear.variance.sqrt()
    clean = (linear.mean + weights @ linear.basis).view(-1, 3, 4, 4)
    alpha = linear.levels[t].sqrt()
    x = alpha * clean + (1 - alpha**2).sqrt() * torch.randn(clean.shape, generator=source)
    found = linear(x, torch.full((4000,), t))
    middle = linear.mean.view(1, 3, 4, 4)

    def error(scale: float) -> float:
        return float((middle + scale * (found - middle) - clean).square().mean())

    assert error(1.0) < min(error(0.8), error(1.2))


def test_it_takes_pictures_that_are_not_square() -> None:
    """The middle is seen, its edges are repeated."""
    assert some()(torch.randn(2, 3, 8, 12), torch.tensor([500, 900])).shape == (2, 3, 8, 12)


def test_its_file_is_read_again(tmp_path) -> None:
    """In half precision but for the variances, which span several powers of ten."""
    clips.save_linear(some(), str(tmp_path / "linear.safetensors"))
    kept = load_linear(tmp_path / "linear.safetensors")
    assert torch.allclose(kept.basis, some().basis, atol=1e-3) and torch.equal(kept.variance, some().variance)


def test_the_vision_tower_says_weighed_components() -> None:
    """It is open_clip's own class, only that its weights are computed."""
    source = torch.Generator().manual_seed(2)
    size = 3 * clips.SIDE**2
    basis = torch.linalg.qr(torch.randn(size, clips.COMPONENTS, generator=source))[0].T.contiguous()
    linear = LinearDenoiser(torch.zeros(size), basis, torch.linspace(9, 0.1, clips.COMPONENTS))
    clip = clips.clip_of(linear)
    picture = torch.randn(2, 3, clips.SIDE, clips.SIDE, generator=source)
    said = torch.nn.functional.normalize(clip.visual(picture), dim=-1)
    expected = (picture.flatten(1) @ basis.T) * linear.variance**clips.WEIGHT
    assert float((said * torch.nn.functional.normalize(expected, dim=-1)).sum(1).min()) > 0.99
