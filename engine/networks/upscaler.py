"""spandrel upscalers, tiled: any size in constant memory, without seams."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from engine.errors import CorruptWeights, MissingWeights
from engine.networks.checkpoints import is_plain, read_tensors
from engine.networks.imports import import_torchvision

WRAPPERS = ("model_state_dict", "state_dict", "params_ema", "params-ema", "params", "model", "net")
PREFIXES = ("module.", "netG.")

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor


class Upscaler(Protocol):
    """What `upscale` asks of a network; spandrel's descriptors have it."""

    @property
    def scale(self) -> int: ...

    def __call__(self, image: Tensor, /) -> Tensor:
        """[n, 3, h, w] → [n, 3, h·scale, w·scale], both in 0 … 1."""
        ...


def load_upscaler(path: Path) -> "ImageModelDescriptor":
    """Any RGB upscaler that spandrel knows (.safetensors or .pth), float32, frozen, on the CPU.

    No code in the file is run: spandrel is given tensors, never the file.

    Raises: MissingWeights, CorruptWeights.
    """
    if not path.is_file():
        raise MissingWeights(path, f"The upscaler {path.name} is not there: get the model set again.")
    tensors = {name: value for name, value in _unwrap(read_tensors(path)).items() if is_plain(value)}
    import_torchvision()
    from spandrel import ModelLoader

    try:
        descriptor = ModelLoader().load_from_state_dict(tensors)
    except Exception as error:  # each of its forty architectures fails in its own way on a network of another shape
        raise CorruptWeights(
            path,
            f"The file {path.name} does not hold an upscaler that spandrel knows: get it again, or choose another.",
        ) from error
    if (descriptor.purpose, descriptor.input_channels, descriptor.output_channels) != ("SR", 3, 3):
        raise CorruptWeights(path, f"The network in {path.name} does not make colour pictures larger: choose another.")
    descriptor.model.float().eval().requires_grad_(False)
    return descriptor


def _unwrap(found: dict[str, Any]) -> dict[str, Any]:
    """The network's own tensors, out of what those who trained it have put around them."""
    inner = next((found[name] for name in WRAPPERS if isinstance(found.get(name), dict)), found)
    if len(inner) == 1 and isinstance(only := next(iter(inner.values())), dict):
        inner = only
    prefix = next((prefix for prefix in PREFIXES if all(str(name).startswith(prefix) for name in inner)), "")
    return {str(name).removeprefix(prefix): value for name, value in inner.items()}


@torch.inference_mode()
def upscale(model: Upscaler, x: Tensor, *, tile: int, overlap: int) -> Tensor:
    """Pictures x [n, 3, h, w] in −1 … 1, made `model.scale` times larger, clamped to the same range.

    Args:
        tile: side of what one call makes, in pixels of x; memory grows with (tile + 2 · overlap)², not with x.
        overlap: pixels that each call sees beyond its tile and throws away. When it reaches as far as the network
            sees (8 pixels for the toybox's), the result is that of one call on the whole picture.
    """
    n, channels, h, w = x.shape
    out = x.new_empty(n, channels, h * model.scale, w * model.scale)
    for rows, columns, large in tiles(model, x, tile, overlap):
        out[..., rows, columns] = large
    return out


def tiles(model: Upscaler, x: Tensor, tile: int, overlap: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """(rows, columns, pixels in −1 … 1) of each part of the large picture that `upscale` makes of x."""
    h, w = x.shape[-2:]
    scale = model.scale
    for top, bottom, above, below in _spans(h, tile, overlap):
        for left, right, before, after in _spans(w, tile, overlap):
            window = (x[..., top - above : bottom + below, left - before : right + after] + 1) / 2
            large = model(window)[
                ..., above * scale : (above + bottom - top) * scale, before * scale : (before + right - left) * scale
            ]
            yield (slice(top * scale, bottom * scale), slice(left * scale, right * scale), large.clamp(0, 1) * 2 - 1)


def _spans(length: int, tile: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """(start, end, pixels seen before, pixels seen after) of each tile along one side."""
    for start in range(0, length, tile):
        end = min(start + tile, length)
        yield start, end, min(overlap, start), min(overlap, length - end)
