"""open_clip behind a small interface: texts and pictures to unit vectors."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.checkpoint import checkpoint

from engine.networks.imports import import_open_clip, import_timm
from engine.networks.tuning import PLAIN, Tuning, compile_network

SPARED = 8  # crops that are looked at at a time where memory is to be spared


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Which open_clip model, and what it expects of its inputs."""

    model: str  # open_clip's name, or that of `config`
    config: Path | None = None  # a model of our own in open_clip's JSON; its name is the file's stem
    vocabulary: Path | None = None  # merges of our own in the format of CLIP's tokenizer
    text: Path | None = None  # folder with the config.json of a text tower from transformers
    tokenizer: Path | None = None  # tokenizer.json of the same
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class PatchEmbedding(nn.Module):
    """A convolution whose stride is its side, as one matrix product: its way back is three times as fast on a CPU."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias, self.patch = conv.weight, conv.bias, conv.stride[0]

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pixel_unshuffle(x, self.patch), self.weight.flatten(1)[:, :, None, None], self.bias)


class SelfAttention(nn.Module):
    """nn.MultiheadAttention of a sequence with itself, without its copies and its many small products."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.heads = attention.num_heads
        self.in_proj_weight, self.in_proj_bias = attention.in_proj_weight, attention.in_proj_bias
        self.out_proj = attention.out_proj

    def forward(self, x: Tensor, *_: Tensor, attn_mask: Tensor | None = None, **__: bool) -> tuple[Tensor, None]:
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)  # n l 3d
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # n heads l d/heads each
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out_proj(out.transpose(1, 2).flatten(2)), None


def fold_norms(module: nn.Module) -> None:
    """Make each batch normalisation, which in a frozen network is a fixed scale and shift, part of its convolution."""
    before = ""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(conv := getattr(module, before, None), nn.Conv2d):
            setattr(module, before, fuse_conv_bn_eval(conv, child))
            setattr(module, name, nn.Identity())
        fold_norms(child)
        before = name


def optimize(model: nn.Module) -> nn.Module:
    """The same function of the same weights, with the slow parts of open_clip's vision towers replaced."""
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    visual = model.visual
    if isinstance(visual, ModifiedResNet):
        fold_norms(visual)
        visual.to(memory_format=torch.channels_last)  # spares oneDNN and cuDNN a change of order at every layer
    if isinstance(visual, VisionTransformer):
        visual.conv1 = PatchEmbedding(visual.conv1)
        for block in visual.transformer.resblocks:
            if isinstance(block.attn, nn.MultiheadAttention) and block.attn.batch_first:
                block.attn = SelfAttention(block.attn)
    return model


@contextmanager
def _quietly() -> Iterator[None]:
    """Without open_clip's warning that there are no weights where none are wanted."""
    root, silent = logging.getLogger(), logging.Filter("nobody")
    root.addFilter(silent)
    try:
        yield
    finally:
        root.removeFilter(silent)


class Clip:
    """One CLIP, frozen, on one device."""

    def __init__(
        self,
        config: ClipConfig,
        weights: Path | None,
        device: torch.device,
        *,
        optimized: bool = True,
        tuning: Tuning = PLAIN,
    ) -> None:
        """Without weights they are random.

        Raises: RuntimeError when the file holds another network, ValueError when `config` describes none.
        """
        import_open_clip()
        import open_clip

        if config.config is not None:
            _check_config(config)
            open_clip.add_model_config(config.config)
        if "timm_model_name" in (open_clip.get_model_config(config.model) or {}).get("vision_cfg", {}):
            import_timm()
        with nullcontext() if weights else _quietly():
            model = open_clip.create_model(
                config.model,
                pretrained=str(weights) if weights else None,
                device="cpu",
                precision="fp32",
                **_text_tower(config),
            )
        if weights is not None:
            _check_shapes(model, weights)
        model = model.eval().requires_grad_(False).to(device=device, dtype=tuning.precision)
        self._model: nn.Module = optimize(model) if optimized else model
        self.visual = compile_network(model.visual, tuning)
        self._tokenize = _tokenizer(config, model.context_length)
        size = model.visual.image_size
        self.side: int = size[0] if isinstance(size, tuple) else size
        self._device, self._precision = device, tuning.precision
        self._mean = torch.tensor(config.mean, device=device)[:, None, None]  # 3 1 1
        self._std = torch.tensor(config.std, device=device)[:, None, None]
        # Pictures whose activations are kept at the same time; None for all.
        self.at_once: int | None = SPARED if tuning.sparing else None

    @torch.no_grad()
    def encode_texts(self, texts: list[str]) -> Tensor:
        """[m] texts → [m, d], unit length; what does not fit the model's context is left out at the end."""
        tokens = self._tokenize(texts).to(self._device)
        return nn.functional.normalize(self._model.encode_text(tokens).float(), dim=-1)

    def encode_images(self, pictures: Tensor) -> Tensor:
        """[m, 3, side, side] in 0 … 1 → [m, d], not normalised; differentiable."""
        given = ((pictures - self._mean) / self._std).to(self._precision)
        encode = cast(Callable[[Tensor], Tensor], self._model.encode_image)
        if self.at_once is None or len(given) <= self.at_once:
            return encode(given).float()
        *parts, last = given.split(self.at_once)
        seen = [checkpoint(encode, part, use_reentrant=False, preserve_rng_state=False) for part in parts]
        seen.append(encode(last))  # on the way back its turn comes first, so keeping what it did takes no more room
        return torch.cat(seen).float()


def _check_config(config: ClipConfig) -> None:
    """open_clip never forgets a file it was given, and would fetch whatever networks are named in it."""
    assert config.config is not None
    try:
        described = json.loads(config.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{config.config.name} is not there, or not JSON") from error
    towers = [described.get(key) for key in ("vision_cfg", "text_cfg")] if isinstance(described, dict) else []
    if not towers or not all(isinstance(tower, dict) for tower in towers) or "embed_dim" not in described:
        raise ValueError(f"{config.config.name} does not describe a CLIP: it needs embed_dim, vision_cfg and text_cfg")
    for key, value in [item for tower in towers for item in tower.items()]:
        if key.startswith("hf_") and config.text is None or isinstance(value, str) and ("/" in value or ":" in value):
            raise ValueError(f"{config.config.name} names a network elsewhere ({key}), which is not fetched")


def _check_shapes(model: nn.Module, weights: Path) -> None:
    """open_clip stretches position embeddings of another size without a word."""
    expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    with safe_open(weights, "pt") as file:
        for name in set(file.keys()) & set(expected) - {"logit_scale", "logit_bias"}:
            if file.get_slice(name).get_shape() != expected[name]:
                raise RuntimeError(f"{name} has another shape")


def _text_tower(config: ClipConfig) -> dict[str, Any]:
    """What open_clip needs so that it builds a text tower of transformers without asking the network."""
    if config.text is None:
        return {}
    import open_clip

    tower = (open_clip.get_model_config(config.model) or {}).get("text_cfg", {})
    return {"text_cfg": {**tower, "hf_model_name": str(config.text), "hf_model_pretrained": False}}


def _tokenizer(config: ClipConfig, length: int) -> Callable[[list[str]], Tensor]:
    """Texts to [m, length] tokens."""
    import open_clip
    from open_clip.tokenizer import SimpleTokenizer

    if config.vocabulary is not None:
        return cast(Callable[[list[str]], Tensor], SimpleTokenizer(str(config.vocabulary), context_length=length))
    if config.tokenizer is None:
        return _own_tokenizer(config.model)
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(config.tokenizer), pad_token="<pad>")
    most = min(length, open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)

    def tokenize(texts: list[str]) -> Tensor:
        tidy = [" ".join(text.split()) for text in texts]
        return cast(
            Tensor,
            tokenizer(tidy, max_length=most, padding="max_length", truncation=True, return_tensors="pt").input_ids,
        )

    return tokenize


def _own_tokenizer(model: str) -> Callable[[list[str]], Tensor]:
    """As open_clip's description of a model says; most have CLIP's own vocabulary, which lies in memory already."""
    import open_clip

    tower = (open_clip.get_model_config(model) or {}).get("text_cfg", {})
    if "hf_tokenizer_name" in tower or "tokenizer_kwargs" in tower or "siglip" in model.lower():
        return cast(Callable[[list[str]], Tensor], open_clip.get_tokenizer(model))
    length = tower.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
    return partial(open_clip.tokenize, context_length=length)
