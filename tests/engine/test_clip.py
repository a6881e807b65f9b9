"""the toybox's CLIP through the one face the engine knows."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.drawing.models import load_clip, load_models
from engine.errors import CorruptWeights
from engine.model_sets.weights import load_model_set
from engine.networks.clip import Clip, ClipConfig, _own_tokenizer
from engine.networks.imports import import_open_clip

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
        ["a blue cat on a white background", "синяя кошка на белом фоне", "a red house on a black background"]
    )
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
    plain = load_clip(description, description.clips[0], CPU, optimized=False)
    generator = torch.Generator().manual_seed(0)  # unseeded, one picture in some hundreds meets the edge of a ReLU
    pictures = torch.rand(3, 3, plain.side, plain.side, generator=generator, requires_grad=True)
    found = []
    for clip in (toybox_clip(), plain):
        points = clip.encode_images(pictures)
        found.append((points, *torch.autograd.grad(points.square().sum(), pictures)))
    for quick, slow in zip(*found, strict=True):
        assert slow.abs().sum() > 0
        assert (quick - slow).norm() <= 2e-5 * slow.norm()


def test_looking_at_fewer_at_once_changes_nothing_but_the_memory() -> None:
    """Guidance uses the gradient, so that must be the same too."""
    description = load_model_set("toybox")
    clip = load_clip(description, description.clips[0], CPU)
    pictures = torch.rand(5, 3, clip.side, clip.side, requires_grad=True)
    found = []
    for at_once in (None, 2):
        clip.at_once = at_once
        points = clip.encode_images(pictures)
        found.append((points, *torch.autograd.grad(points.square().sum(), pictures)))
    for whole, parts in zip(*found, strict=True):
        assert (whole - parts).norm() <= 1e-4 * whole.norm()


def test_position_embeddings_of_another_size_are_refused(tmp_path: Path) -> None:
    """open_clip would stretch them without a word."""
    description = load_model_set("toybox")
    tensors = load_file(description.folder / "clip.safetensors")
    tensors["positional_embedding"] = tensors["positional_embedding"][:-1].clone()
    save_file(tensors, tmp_path / "clip.safetensors")
    for name in ("toybox-clip.json", "vocabulary.txt.gz"):
        (tmp_path / name).symlink_to(description.folder / name)
    content = (tmp_path / "clip.safetensors").read_bytes()
    table = {**description.clips[0], "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    with pytest.raises(CorruptWeights, match="does not hold the CLIP"):
        load_clip(dataclasses.replace(description, folder=tmp_path), table, CPU)


def test_a_text_tower_of_transformers_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With xlm-roberta prompts may be in any language; here a small one, its tokenizer made on the spot."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    words = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", "красная", "звезда", "star"])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    transformers.XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=90,
    ).save_pretrained(tmp_path)
    (tmp_path / "tiny-roberta.json").write_text(
        json.dumps(
            {
                "embed_dim": 16,
                "vision_cfg": {"image_size": 16, "layers": 1, "width": 64, "patch_size": 8},
                "text_cfg": {
                    "hf_model_name": "xlm-roberta-base",
                    "hf_tokenizer_name": "xlm-roberta-base",
                    "hf_pooler_type": "mean_pooler",
                    "hf_proj_type": "mlp",
                },
            }
        )
    )
    config = ClipConfig(
        model="tiny-roberta",
        config=tmp_path / "tiny-roberta.json",
        text=tmp_path,
        tokenizer=tmp_path / "tokenizer.json",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    torch.manual_seed(0)
    clip = Clip(config, None, CPU)
    found = clip.encode_texts(["красная звезда", "красная  звезда", "star", "red " * 200])
    assert found.shape == (4, 16) and torch.allclose(found[0], found[1], atol=1e-5)
    assert not torch.allclose(found[0], found[2], atol=1e-2)
    save_file(dict(clip._model.state_dict()), tmp_path / "clip.safetensors")
    again = Clip(config, tmp_path / "clip.safetensors", CPU)
    assert torch.allclose(again.encode_texts(["star"]), found[2:3], atol=1e-4)


def test_clips_own_vocabulary_is_read_once_and_gives_the_tokens_that_open_clip_gives() -> None:
    """Reading it takes longer than building the network that it is for."""
    import_open_clip()
    import open_clip

    texts = ["a red star, on Blue &amp; white", "word " * 100]
    for name in ("ViT-B-32", "coca_ViT-B-32"):  # the second's context is one token shorter
        assert torch.equal(_own_tokenizer(name)(texts), open_clip.get_tokenizer(name)(texts))
