"""the noise schedule: betas, ᾱ and spaced timesteps, as pure functions.

ᾱ_t is the share of the picture's variance left at training timestep t (Ho et al. 2020,
arXiv 2006.11239, eq. 4). Tables are computed in float64 numpy, whatever device the networks
are on, so no device ever needs float64.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

Schedule = Literal["linear", "cosine"]
SOLVER_STEPS = 97  # of the adaptive sampler where nobody says: log σ from 157 to 0.01 in steps of 0.1; it may take more


def betas(name: Schedule, steps: int = 1000) -> np.ndarray:
    """Variance added at each training step, [steps] float64.

    linear: Ho et al. 2020, scaled to any number of steps; cosine: Nichol & Dhariwal 2021
    (arXiv 2102.09672, eq. 17), never above 0.999.
    """
    if name == "linear":
        scale = 1000 / steps
        return np.linspace(scale * 1e-4, scale * 0.02, steps)
    if name != "cosine":
        raise ValueError(f"unknown noise schedule {name!r}: use 'linear' or 'cosine'")
    at = np.arange(steps + 1) / steps
    level = np.array([math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2 for t in at])
    return np.minimum(1 - level[1:] / level[:-1], 0.999)


def alphas_cumprod(name: Schedule, steps: int = 1000) -> np.ndarray:
    """ᾱ_t for t = 0 … steps − 1, [steps] float64, falling."""
    return np.cumprod(1 - betas(name, steps))


Spacing = Sequence[tuple[int, float]]  # (timestep, share of the steps that lie below it), both rising; () is even


def spaced_timesteps(count: int, total: int = 1000, spacing: Spacing = ()) -> np.ndarray:
    """`count` different training timesteps from 0 to total − 1, rising, [count] int64.

    Evenly spread it is guided-diffusion's `space_timesteps` (but a single step is the noisiest one). With a spacing
    the steps crowd where a drawing is decided, and are evenly spread between the timesteps that it names.
    """
    if not 1 <= count <= total:
        raise ValueError(f"a drawing takes 1 to {total} steps, not {count}")
    if count == 1:
        return np.array([total - 1])
    last = count - 1
    even = np.cumsum([0.0, *[(total - 1) / last] * last])  # summed up as published, so that ties round alike
    if not spacing:
        return np.round(even).astype(np.int64)
    at = np.interp(even / even[-1], (0, *(share for _, share in spacing), 1), (0, *(t for t, _ in spacing), total - 1))
    room = np.arange(count)  # keeps crowded ones apart: the k-th is at least k, and the k-th from the top total − 1 − k
    apart = np.maximum.accumulate(np.round(at).astype(np.int64) - room) + room
    return np.minimum(apart, total - count + room)


class Levels:
    """The noise levels one drawing walks down; index 0 is the cleanest, as in the papers."""

    def __init__(self, name: Schedule, steps: int, total: int = 1000, spacing: Spacing = ()) -> None:
        self.timesteps = spaced_timesteps(steps, total, spacing)
        self.alphas_cumprod = alphas_cumprod(name, total)[self.timesteps]  # ᾱ_i
        self.alphas_cumprod_prev = np.append(1.0, self.alphas_cumprod[:-1])  # ᾱ_{i−1}
        self.betas = 1 - self.alphas_cumprod / self.alphas_cumprod_prev

    def __len__(self) -> int:
        return len(self.timesteps)
