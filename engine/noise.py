"""the only maker of random numbers: noise from (seed, picture, stream, step), nothing to save.

Philox is counter-based (Salmon et al. 2011), so each quadruple names its own numbers. They are
drawn on the CPU in float32 and moved, so a seed means the same picture on every device.
"""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor


class Stream(IntEnum):
    """What the numbers are for; the values are part of what a seed means, so they never change."""

    START = 0  # the noise a drawing begins with
    STEP = 1  # fresh noise of a sampler's step
    CUTS = 2  # where CLIP looks


def _source(seed: int, picture: int, stream: Stream, step: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, picture, int(stream), step))))


def gaussian(seed: int, picture: int, stream: Stream, step: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, float32 on the CPU."""
    return torch.from_numpy(_source(seed, picture, stream, step).standard_normal(shape, dtype=np.float32))


def uniform(seed: int, picture: int, stream: Stream, step: int, shape: tuple[int, ...]) -> Tensor:
    """Numbers in [0, 1), float64 on the CPU: they become whole pixels, which must not depend on rounding."""
    return torch.from_numpy(_source(seed, picture, stream, step).random(shape))


def per_picture(seeds: list[tuple[int, int]], stream: Stream, step: int, shape: tuple[int, ...]) -> Tensor:
    """Gaussian noise for a batch, [n, *shape]; seeds: (seed, picture) of each."""
    return torch.stack([gaussian(seed, picture, stream, step, shape) for seed, picture in seeds])
