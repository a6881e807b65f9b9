"""the guided-diffusion U-Net, state-dict keys identical to OpenAI's.

The network of Dhariwal & Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis"
(arXiv 2105.05233), written again so that it reads the published checkpoints key for key.
Module names (`in_layers`, `emb_layers`, `h_upd`, …) are theirs, because the keys are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

BLOCKS = ("input_blocks.", "middle_block.", "output_blocks.")  # parts whose convolutions run in reduced precision
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """Shape of one U-Net; the field names are guided-diffusion's."""

    image_size: int  # side of the picture the network sees; only attention placement depends on it
    in_channels: int
    model_channels: int  # must make every level's width a multiple of norm_groups
    out_channels: int  # 2 × in_channels when the network also predicts a variance
    num_res_blocks: int
    attention_resolutions: tuple[int, ...]  # downsampling factors that get attention
    channel_mult: tuple[float, ...]
    num_head_channels: int = 64  # width of a head of attention; −1 where `num_heads` says how many there are
    num_heads: int = 1
    resblock_updown: bool = True
    use_scale_shift_norm: bool = True
    use_new_attention_order: bool = False
    num_classes: int | None = None
    norm_groups: int = 32  # fixed in every published checkpoint; narrow networks learn better with fewer


def timestep_embedding(t: Tensor, dim: int, max_period: float = 10_000) -> Tensor:
    """Sinusoidal embedding, cosines first; t: [n] → [n, dim], always float32."""
    half = dim // 2
    freqs = torch.exp(-math.log(max_period) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
    args = t[:, None].float() * freqs[None]
    embedding = torch.cat([torch.cos(args), torch.sin(args)], dim=-1)
    return F.pad(embedding, (0, dim % 2))


class GroupNorm32(nn.GroupNorm):
    """GroupNorm whose statistics are float32 whatever the precision of the network."""

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__(groups, channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float32:
            return super().forward(x)
        weight, bias = self.weight.float(), self.bias.float()
        return F.group_norm(x.float(), self.num_groups, weight, bias, self.eps).to(x.dtype)


def _convolve(conv: nn.Module, x: Tensor) -> Tensor:
    """Apply a convolution of width 1 or 3, or another layer; one pixel that comes out is a product with what it sees.

    oneDNN sums the gradient of one pixel in an order that two threads make by chance.
    """
    height, width = x.shape[2:]
    if not isinstance(conv, nn.Conv2d) or max(height, width) > conv.stride[0]:
        return cast(Tensor, conv(x))
    edge = conv.kernel_size[0] // 2
    weight = conv.weight[:, :, edge : edge + height, edge : edge + width]
    return F.linear(x.flatten(1), weight.flatten(1), conv.bias)[:, :, None, None]


class Downsample(nn.Module):
    """Half the side: average pooling, or a strided convolution when `channels` is given."""

    def __init__(self, channels: int | None = None) -> None:
        super().__init__()
        self.op: nn.Module
        self.op = nn.AvgPool2d(2) if channels is None else nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return _convolve(self.op, x)


class Upsample(nn.Module):
    """Twice the side by nearest neighbour, then a convolution when `channels` is given."""

    def __init__(self, channels: int | None = None) -> None:
        super().__init__()
        self.conv = None if channels is None else nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return x if self.conv is None else self.conv(x)


def _zero(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


class ResBlock(nn.Module):
    """Two convolutions with the timestep between them; `resample` halves or doubles the side inside."""

    def __init__(
        self,
        channels: int,
        out_channels: int,
        emb_channels: int,
        *,
        scale_shift: bool,
        groups: int = 32,
        resample: type[Downsample] | type[Upsample] | None = None,
    ) -> None:
        super().__init__()
        self.scale_shift = scale_shift
        self.in_layers = nn.Sequential(
            GroupNorm32(groups, channels), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)
        )
        self.h_upd = nn.Identity() if resample is None else resample()
        self.x_upd = nn.Identity() if resample is None else resample()
        self.emb_layers = nn.Sequential(
            nn.SiLU(), nn.Linear(emb_channels, 2 * out_channels if scale_shift else out_channels)
        )
        self.out_layers = nn.Sequential(
            GroupNorm32(groups, out_channels),
            nn.SiLU(),
            nn.Identity(),  # holds dropout's place in the keys
            _zero(nn.Conv2d(out_channels, out_channels, 3, padding=1)),
        )
        self.skip_connection = nn.Identity() if channels == out_channels else nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = self.in_layers[1](self.in_layers[0](x))
        h = _convolve(self.in_layers[2], self.h_upd(h))
        shift_by = self.emb_layers(emb).to(h.dtype)[:, :, None, None]  # n c 1 1
        if self.scale_shift:
            scale, shift = shift_by.chunk(2, dim=1)
            h = torch.addcmul(shift, self.out_layers[0](h), 1 + scale)
        else:
            h = self.out_layers[0](h + shift_by)
        h = _convolve(self.out_layers[3], self.out_layers[1](h))
        return _convolve(self.skip_connection, self.x_upd(x)) + h


def _at_each_position(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """A convolution of width 1 with its channels last; [n, l, c_in] → [n, l, c_out]."""
    return F.linear(x, conv.weight[:, :, 0], conv.bias)


class AttentionBlock(nn.Module):
    """Self-attention over all positions; `new_order` tells how q, k, v are packed in the channels."""

    def __init__(self, channels: int, heads: int, *, new_order: bool, groups: int = 32) -> None:
        super().__init__()
        self.heads = heads
        self.new_order = new_order
        self.norm = GroupNorm32(groups, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = _zero(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        flat = x.reshape(n, c, h * w)
        qkv = _at_each_position(self.qkv, self.norm(flat).transpose(1, 2))  # n hw 3c
        if self.new_order:
            parts = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        else:
            parts = qkv.unflatten(-1, (self.heads, 3, -1)).permute(3, 0, 2, 1, 4)
        q, k, v = parts.unbind()  # n heads hw d each, d next to one another: fused kernels take nothing else
        out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # n hw c
        return (flat + _at_each_position(self.proj_out, out).transpose(1, 2)).reshape(n, c, h, w)


class TimestepSequential(nn.Sequential):
    """A sequence in which only residual blocks receive the timestep embedding."""

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:  # type: ignore[override]
        for layer in self:
            x = layer(x, emb) if isinstance(layer, ResBlock) else layer(x)
        return x


def in_precision(network: Network, dtype: torch.dtype) -> Network:
    """Change the convolutions of the blocks of a U-Net, ours or guided-diffusion's, as its `convert_to_fp16` does.

    No more than these: what the network says at the end and what it knows of the time are not rounded.
    """
    for name, module in network.named_modules():
        if name.startswith(BLOCKS) and isinstance(module, nn.Conv1d | nn.Conv2d):
            module.to(dtype)
    return network


class UNet(nn.Module):
    """ε (or v, or x0: the caller knows) of a noisy picture; x: [n, c, h, w], t: [n] on 0 … 1000."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.recompute = False  # see `_run`
        widths = [int(mult * config.model_channels) for mult in config.channel_mult]
        self.emb_channels = 4 * config.model_channels
        self.time_embed = nn.Sequential(
            nn.Linear(config.model_channels, self.emb_channels),
            nn.SiLU(),
            nn.Linear(self.emb_channels, self.emb_channels),
        )
        if config.num_classes is not None:
            self.label_emb = nn.Embedding(config.num_classes, self.emb_channels)
        self.input_blocks = nn.ModuleList([TimestepSequential(nn.Conv2d(config.in_channels, widths[0], 3, padding=1))])
        skips = self._build_input(widths)
        self.middle_block = TimestepSequential(
            self._res(widths[-1], widths[-1]), self._attention(widths[-1]), self._res(widths[-1], widths[-1])
        )
        self.output_blocks = nn.ModuleList()
        self._build_output(widths, skips)
        self.out = nn.Sequential(
            GroupNorm32(config.norm_groups, widths[0]),
            nn.SiLU(),
            _zero(nn.Conv2d(widths[0], config.out_channels, 3, padding=1)),
        )

    def _build_input(self, widths: list[int]) -> list[int]:
        """Build `input_blocks`; returns the width of every skip, outermost first."""
        config, skips, ch = self.config, [widths[0]], widths[0]
        for level, width in enumerate(widths):
            for _ in range(config.num_res_blocks):
                self.input_blocks.append(self._stage(ch, width, level))
                skips.append(ch := width)
            if level < len(widths) - 1:
                down = self._res(ch, ch, Downsample) if config.resblock_updown else Downsample(ch)
                self.input_blocks.append(TimestepSequential(down))
                skips.append(ch)
        return skips

    def _build_output(self, widths: list[int], skips: list[int]) -> None:
        config, ch = self.config, widths[-1]
        for level, width in reversed(list(enumerate(widths))):
            for index in range(config.num_res_blocks + 1):
                stage = self._stage(ch + skips.pop(), width, level)
                ch = width
                if level > 0 and index == config.num_res_blocks:
                    stage.append(self._res(ch, ch, Upsample) if config.resblock_updown else Upsample(ch))
                self.output_blocks.append(stage)

    def _res(self, ch: int, out: int, resample: type[Downsample] | type[Upsample] | None = None) -> ResBlock:
        return ResBlock(
            ch,
            out,
            self.emb_channels,
            scale_shift=self.config.use_scale_shift_norm,
            groups=self.config.norm_groups,
            resample=resample,
        )

    def _attention(self, ch: int) -> AttentionBlock:
        config = self.config
        heads = config.num_heads if config.num_head_channels == -1 else ch // config.num_head_channels
        return AttentionBlock(ch, heads, new_order=config.use_new_attention_order, groups=config.norm_groups)

    def _stage(self, ch: int, width: int, level: int) -> TimestepSequential:
        stage = TimestepSequential(self._res(ch, width))
        if 2**level in self.config.attention_resolutions:
            stage.append(self._attention(width))
        return stage

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Raw output [n, out_channels, h, w] in the dtype of the last layer, float32 if nobody changed it.

        Args:
            x: [n, in_channels, h, w], sides multiples of 2^(levels − 1).
            t: [n], the training timestep of each picture, may be fractional.
            y: [n] class labels, for class-conditional networks only.
        """
        return self.decode(*self.encode(x, t, y))

    def encode(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> tuple[Tensor, list[Tensor], Tensor]:
        """The first half, through the middle block: its output, the skips, the timestep embedding."""
        emb = self.time_embed(timestep_embedding(t, self.config.model_channels).to(self.time_embed[0].weight.dtype))
        if y is not None:
            emb = emb + self.label_emb(y)
        h, skips = x.to(self.input_blocks[0][0].weight.dtype), []
        for stage in self.input_blocks:
            skips.append(h := self._run(stage, h, emb))
        return self._run(self.middle_block, h, emb), skips, emb

    def decode(self, h: Tensor, skips: list[Tensor], emb: Tensor) -> Tensor:
        """The second half, from what `encode` returns; consumes the skips."""
        for stage in self.output_blocks:
            h = self._run(partial(_with_skip, stage), h, skips.pop(), emb)
        return self._run(self._last, h)

    def _last(self, h: Tensor) -> Tensor:
        return cast(Tensor, self.out(h.to(self.out[2].weight.dtype)))

    def _run(self, part: Callable[..., Tensor], *given: Tensor) -> Tensor:
        """A part of the network. With `recompute` its inside is not kept for the way back but worked out again there:
        half the memory, a quarter more time, the same bits. Chen et al. 2016 (arXiv 1604.06174).
        """
        if self.recompute and torch.is_grad_enabled():
            return cast(Tensor, checkpoint(part, *given, use_reentrant=False, preserve_rng_state=False))
        return part(*given)


def _with_skip(stage: nn.Module, h: Tensor, skip: Tensor, emb: Tensor) -> Tensor:
    return cast(Tensor, stage(torch.cat([h, skip], dim=1), emb))
