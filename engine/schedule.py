"""noise levels as pure functions.

ᾱ_t is the share of the picture's variance left at training timestep t (Ho et al. 2020,
arXiv 2006.11239, eq. 4). Tables are computed in float64 numpy, whatever device the networks
are on, so no device ever needs float64.
"""

import math
from typing import Literal

import numpy as np

Schedule = Literal["linear", "cosine"]


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
