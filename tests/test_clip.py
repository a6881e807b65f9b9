"""the toybox's CLIP through the one face the engine knows."""

import torch

from engine.clip import Clip
from engine.models import load_clip, load_models
from engine.weights import load_model_set

CPU = torch.device("cpu")


def toybox_clip() -> Clip:
    return load_models("toybox", CPU).clips[0][0]


def test_texts_are_points_on_the_unit_sphere() -> None:
    found = toybox_clip().encode_texts(["a red star", "красная звезда"])
    assert torch.allclose(found.norm(dim=1), torch.ones(2), atol=1e-5)


def test_a_text_is_the_same_alone_and_in_company() -> None:
    clip = toybox_clip()
    assert torch.allclose(clip.encode_texts(["a red star"])[0], clip.encode_texts(["x", "a red star"])[1], atol=1e-5)


def test_both_languages_mean_the_same() -> None:
    clip = toybox_clip()
    english, russian, other = clip.encode_texts(
        ["a blue cat on a white background", "синяя кошка на белом фоне", "a red house on a black background"])
    assert english @ russian > 0.8 > english @ other


def test_any_text_has_tokens() -> None:
    """Unknown words, other scripts, emoji, and more than the context holds."""
    clip = toybox_clip()
    found = clip.encode_texts(["", "🦊", "日本語", "słowo", "word " * 500])
    assert torch.isfinite(found).all()


def test_pictures_are_normalised_by_the_clips_own_figures_and_differentiable() -> None:
    clip = toybox_clip()
    pictures = torch.rand(3, 3, clip.side, clip.side, requires_grad=True)
    clip.encode_images(pictures).sum().backward()
    assert pictures.grad is not None and torch.isfinite(pictures.grad).all()


def test_the_networks_are_frozen() -> None:
    assert not any(p.requires_grad for p in toybox_clip()._model.parameters())


def test_the_quick_layers_compute_what_open_clips_own_do() -> None:
    """Guidance uses the gradient, so that must be the same too."""
    description = load_model_set("toybox")
    plain = load_clip(description, description.clips[0], CPU, quicken=False)
    pictures = torch.rand(3, 3, plain.side, plain.side, requires_grad=True)
    found = []
    for clip in (toybox_clip(), plain):
        points = clip.encode_images(pictures)
        found.append((points, *torch.autograd.grad(points.square().sum(), pictures)))
    for quick, slow in zip(*found, strict=True):
        assert slow.abs().sum() > 0
        assert (quick - slow).norm() <= 2e-5 * slow.norm()
