"""counter-based noise from (seed, picture, stream, step): the only source of randomness, no state to save.

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
    BLOTS = 3  # the slopes of Perlin noise
    TARGETS = 4  # where CLIP looks at a picture that pulls


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


def perlin(seed: int, picture: int, height: int, width: int, octaves: int = 3) -> Tensor:
    """Perlin's noise (2002) with two cells along the shorter side, and finer ones at half the strength each.

    [3, height, width] float32, mean 0 and variance 1.
    """
    blots = torch.zeros(3, height, width, dtype=torch.float64)
    for octave in range(octaves):
        cell = min(height, width) / 2 ** (octave + 1)  # pixels
        rows, columns = -int(-height // cell), -int(-width // cell)
        slopes = gaussian(seed, picture, Stream.BLOTS, octave, (3, 2, rows + 1, columns + 1)).double()
        blots += _perlin_octave(slopes, height, width, cell) / 2**octave
    blots -= blots.mean()
    return (blots / blots.std(correction=0)).float()


def _perlin_octave(slopes: Tensor, height: int, width: int, cell: float) -> Tensor:
    """Each corner of a cell is a slope [3, 2, rows, columns]; between them their planes blend into one another."""
    y = (torch.arange(height, dtype=torch.float64)[:, None] + 0.5) / cell
    x = (torch.arange(width, dtype=torch.float64)[None] + 0.5) / cell
    row, column = y.long(), x.long()
    y, x = y - row, x - column
    fade_y, fade_x = (v**3 * (v * (v * 6 - 15) + 10) for v in (y, x))
    total = torch.zeros(slopes.shape[0], height, width, dtype=torch.float64)
    for down in (0, 1):
        for right in (0, 1):
            slope_y, slope_x = slopes[:, :, row + down, column + right].unbind(1)
            plane = slope_y * (y - down) + slope_x * (x - right)
            total += plane * (fade_y if down else 1 - fade_y) * (fade_x if right else 1 - fade_x)
    return total
