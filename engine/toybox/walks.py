"""drawings that a U-Net is making while it learns, so that it learns from its own mistakes, too.

A network that only ever sees noised scenes has never seen the outline that it bent itself a few steps ago, takes it for
what was drawn, and bends it further. So half of a batch are walks: each is a scene that was noised once and has since
been walked down by the network's own answers. What it should have answered is the ideal denoiser's word (Ross et al.
2011, DAgger, arXiv 1011.0686). The step is the engine's: DDIM with all of its noise.
"""

import numpy as np
import torch
from torch import Tensor

from engine.schedule import alphas_cumprod
from engine.toybox.world import SIDE

LONGEST = 45  # timesteps of a stride; of 200 steps most are shorter than 14, of 60 than 45


class Walks:
    """Some walks; one that has come to the end begins anew with another scene."""

    def __init__(self, count: int, first: tuple[int, int], last: int) -> None:
        """`first`: the timesteps between which a walk begins; it ends below `last`."""
        self.first, self.last = first, last
        self.levels = torch.from_numpy(alphas_cumprod("cosine")).float()
        self.state = {"x": torch.zeros(count, 3, SIDE, SIDE), "t": torch.full((count,), -1),
                      "stride": torch.zeros(count, dtype=torch.long)}

    @property
    def x(self) -> Tensor:
        return self.state["x"]

    @property
    def t(self) -> Tensor:
        return self.state["t"]

    def ended(self) -> Tensor:
        """Which walks need a new scene, [n] bool."""
        return self.t < self.last

    def begin(self, rng: np.random.Generator, scenes: Tensor) -> None:
        """Put scenes [k, 3, SIDE, SIDE] in the place of the k walks that ended, noised."""
        rows, k = self.ended(), len(scenes)
        t = torch.from_numpy(rng.integers(*self.first, k))
        self.state["t"][rows] = t
        self.state["stride"][rows] = torch.from_numpy(rng.integers(5, LONGEST + 1, k))
        level = self.levels[t][:, None, None, None]
        self.state["x"][rows] = level.sqrt() * scenes + (1 - level).sqrt() * _noise(rng, scenes)

    def advance(self, rng: np.random.Generator, v: Tensor) -> None:
        """One stride of each, as the network's answer v [n, 3, SIDE, SIDE] says (Song et al. 2021, eq. 12, η = 1)."""
        x, t, after = self.x, self.t, (self.t - self.state["stride"]).clamp(min=0)
        level, next_level = (self.levels[at][:, None, None, None] for at in (t, after))
        x0, eps = level.sqrt() * x - (1 - level).sqrt() * v, level.sqrt() * v + (1 - level).sqrt() * x
        variance = (1 - next_level) / (1 - level) * (1 - level / next_level)
        self.state["x"] = (next_level.sqrt() * x0 + (1 - next_level - variance).clamp(min=0).sqrt() * eps
                           + variance.sqrt() * _noise(rng, x))
        self.state["t"] = t - self.state["stride"]


def _noise(rng: np.random.Generator, like: Tensor) -> Tensor:
    return torch.from_numpy(rng.standard_normal(like.shape, dtype=np.float32))
