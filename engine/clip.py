"""open_clip behind one small face: texts and pictures to points on a sphere."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.quirks import allow_cpu_torchvision


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Which open_clip model, and what it expects of its inputs."""

    model: str  # open_clip's name, or that of `config`
    config: Path | None = None  # a model of our own in open_clip's JSON; its name is the file's stem
    vocabulary: Path | None = None  # merges of our own in the format of CLIP's tokenizer
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


def quickened(model: nn.Module) -> nn.Module:
    """The same function of the same weights, with the slow parts of open_clip's vision towers replaced."""
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    visual = model.visual
    if isinstance(visual, ModifiedResNet):
        fold_norms(visual)
    if isinstance(visual, VisionTransformer):
        visual.conv1 = PatchEmbedding(visual.conv1)
        for block in visual.transformer.resblocks:
            if isinstance(block.attn, nn.MultiheadAttention) and block.attn.batch_first:
                block.attn = SelfAttention(block.attn)
    return model


class Clip:
    """One CLIP, frozen, on one device."""

    def __init__(self, config: ClipConfig, weights: Path, device: torch.device, *, quicken: bool = True) -> None:
        allow_cpu_torchvision()
        import open_clip
        from open_clip.tokenizer import SimpleTokenizer

        if config.config is not None:
            open_clip.add_model_config(config.config)
        model = open_clip.create_model(config.model, pretrained=str(weights), device=device, precision="fp32")
        model = model.eval().requires_grad_(False)
        self._model: nn.Module = quickened(model) if quicken else model
        length = model.context_length
        self._tokenize = (
            SimpleTokenizer(str(config.vocabulary), context_length=length) if config.vocabulary is not None
            else open_clip.get_tokenizer(config.model))
        size = model.visual.image_size
        self.side: int = size[0] if isinstance(size, tuple) else size
        self._device = device
        self._mean = torch.tensor(config.mean, device=device)[:, None, None]  # 3 1 1
        self._std = torch.tensor(config.std, device=device)[:, None, None]

    @torch.no_grad()
    def encode_texts(self, texts: list[str]) -> Tensor:
        """[m] texts → [m, d], unit length; what does not fit the model's context is left out at the end."""
        tokens = self._tokenize(texts).to(self._device)
        return nn.functional.normalize(self._model.encode_text(tokens).float(), dim=-1)

    def encode_images(self, pictures: Tensor) -> Tensor:
        """[m, 3, side, side] in 0 … 1 → [m, d], not normalised; differentiable."""
        return cast(Tensor, self._model.encode_image((pictures - self._mean) / self._std)).float()
