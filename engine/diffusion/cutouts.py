"""the cutouts that CLIP sees, cropped and resized as two batched matrix products.

The 2021 notebook cuts squares of random size in a Python loop and shrinks each with adaptive
average pooling. Average pooling is linear and separable, so a crop and its resize are one matrix
for the rows and one for the columns: all crops of all pictures become two batched products,
deterministic on every device and differentiable with no special kernels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.networks.tuning import to_device

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue: how bright they look (ITU-R BT.601)
Held = float | Sequence[tuple[float, float]]  # a number, or (percent of the drawing up to which, number), rising


def value_at(value: Held, percent: float) -> float:
    """The number that holds when so much of the drawing is done."""
    if isinstance(value, float | int):
        return value
    return next((number for until, number in value if percent < until), value[-1][1])


@dataclass(frozen=True, kw_only=True)
class Crops:
    """Where to cut: each tensor is [n, k] int64 in pixels, on the CPU; k crops for each of n pictures."""

    top: Tensor
    left: Tensor
    size: Tensor  # side of the square
    grey: Tensor | None = None  # bool: which lose their colour; None for none

    def __getitem__(self, rows: slice) -> "Crops":
        grey = None if self.grey is None else self.grey[rows]
        return Crops(top=self.top[rows], left=self.left[rows], size=self.size[rows], grey=grey)


def random_crops(
    uniform: Tensor, height: int, width: int, min_size: int, power: float, *, overview: float = 0.0, grey: float = 0.0
) -> Crops:
    """The notebook's distribution: size = U^power · (max − min) + min, uniform offsets.

    With an overview some are as large as they can be, as in Disco Diffusion, whose other crops are its inner ones.

    Args:
        uniform: [n, k, 3] in 0 … 1, the only randomness.
        height, width: of the pictures, in pixels.
        min_size: smallest side of a crop; no larger than the shorter side of the picture is used.
        power: 1 is uniform; below 1 favours large crops.
        overview: share of the crops that are as large as they can be, 0 … 1.
        grey: share of the others that lose their colour, 0 … 1.
    """
    largest = min(height, width)
    smallest = min(min_size, largest)
    u = uniform.double().cpu()
    size = (u[..., 0] ** power * (largest - smallest) + smallest).long()
    order, whole = torch.arange(size.shape[1]), round(overview * size.shape[1])
    size = torch.where(order < whole, largest, size)
    top = (u[..., 1] * (height - size + 1)).long().clamp(max=height - smallest)
    left = (u[..., 2] * (width - size + 1)).long().clamp(max=width - smallest)
    pale = whole + int(grey * (size.shape[1] - whole))
    return Crops(
        top=torch.minimum(top, height - size),
        left=torch.minimum(left, width - size),
        size=size,
        grey=((order >= whole) & (order < pale)).expand_as(size) if grey else None,
    )


def join_crops(crops: list[Crops]) -> Crops:
    """The crops of several pictures, row by row; all have equally many."""
    grey = [torch.zeros_like(one.size, dtype=torch.bool) if one.grey is None else one.grey for one in crops]
    some = any(one.grey is not None for one in crops)
    top, left, size = (torch.cat([getattr(one, name) for one in crops]) for name in ("top", "left", "size"))
    return Crops(top=top, left=left, size=size, grey=torch.cat(grey) if some else None)


def pooling_matrices(start: Tensor, size: Tensor, length: int, out: int) -> Tensor:
    """Rows of adaptive average pooling of [start, start + size) to `out`, [n, k, out, length] float32."""
    i = torch.arange(out, device=start.device)
    first = start[..., None] + i * size[..., None] // out  # n k out
    last = start[..., None] + -((i + 1) * -size[..., None] // out)  # ceil((i + 1) · size / out)
    position = torch.arange(length, device=start.device)
    inside = (position >= first[..., None]) & (position < last[..., None])  # n k out length
    return inside.float() / (last - first)[..., None]


def cut(pictures: Tensor, crops: Crops, side: int) -> Tensor:
    """Cut and resize; pictures: [n, c, h, w] → [n, k, c, side, side]."""
    n, c, h, w = pictures.shape
    top, left, size = to_device(torch.stack([crops.top, crops.left, crops.size]), pictures.device)  # n k each
    rows = pooling_matrices(top, size, h, side).to(pictures.dtype)  # n k s h
    columns = pooling_matrices(left, size, w, side).to(pictures.dtype)  # n k s w
    k = rows.shape[1]
    stacked = pictures.transpose(1, 2).reshape(n, h, c * w)
    tall = (rows.reshape(n, k * side, h) @ stacked).reshape(n, k, side * c, w)
    out = (tall @ columns.transpose(-1, -2)).reshape(n, k, side, c, side).transpose(2, 3)
    if crops.grey is None:
        return out
    luma = out.new_tensor(LUMA)[:, None, None]  # 3 1 1
    pale = (out * luma).sum(dim=2, keepdim=True)
    return torch.where(to_device(crops.grey, out.device)[:, :, None, None, None], pale, out)
