"""drawings that a U-Net is making while it learns, so that it learns from its own mistakes, too.

A network that only ever sees noised scenes has never seen the outline that it bent itself a few steps ago, takes it for
what was drawn, and bends it further. So half of a batch are walks: each is a scene that was noised once and has since
been walked down by the network's own answers. What it should have answered is the ideal denoiser's word (Ross et al.
2011, DAgger, arXiv 1011.0686). The step is the engine's: DDIM with all of its noise.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.denoisers import network_denoiser
from engine.guidance import Target, guided
from engine.models import load_models
from engine.request import Request
from engine.schedule import alphas_cumprod
from engine.steps import pull_at, resolved
from engine.toybox.world import SIDE

LONGEST = 45  # timesteps of a stride; of 200 steps most are shorter than 14, of 60 than 45


class Walks:
    """Some walks; one that has come to the end begins anew with another scene."""

    def __init__(self, count: int, first: tuple[int, int], last: int, strides: tuple[int, int] = (5, LONGEST)) -> None:
        """`first`: the timesteps between which a walk begins; it ends below `last`. `strides`: between these."""
        self.first, self.last, self.strides = first, last, strides
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

    @property
    def missing(self) -> int:
        """How many that are."""
        return int(self.ended().sum())

    def begin(self, rng: np.random.Generator, scenes: Tensor) -> None:
        """Put scenes [k, 3, SIDE, SIDE] in the place of the k walks that ended, noised."""
        rows, k = self.ended(), len(scenes)
        t = torch.from_numpy(rng.integers(*self.first, k))
        self.state["t"][rows] = t
        self.state["stride"][rows] = torch.from_numpy(rng.integers(*self.strides, k, endpoint=True))
        level = self.levels[t][:, None, None, None]
        self.state["x"][rows] = level.sqrt() * scenes + (1 - level).sqrt() * _noise(rng, scenes)

    def advance(self, rng: np.random.Generator, v: Tensor) -> None:
        """One stride of each, as the network's answer v [n, 3, SIDE, SIDE] says (Song et al. 2021, eq. 12, η = 1)."""
        x, t, after = self.x, self.t, (self.t - self.stride()).clamp(min=0)
        level, next_level = (self.levels[at][:, None, None, None] for at in (t, after))
        x0, eps = level.sqrt() * x - (1 - level).sqrt() * v, level.sqrt() * v + (1 - level).sqrt() * x
        variance = (1 - next_level) / (1 - level) * (1 - level / next_level)
        self.state["x"] = (next_level.sqrt() * x0 + (1 - next_level - variance).clamp(min=0).sqrt() * eps
                           + variance.sqrt() * _noise(rng, x))
        self.state["t"] = t - self.stride()

    def stride(self) -> Tensor:
        """Timesteps that each walk goes now, [n]."""
        return self.state["stride"]


class PulledWalks(Walks):
    """Walks that CLIP pulls towards a caption each, as it pulls a drawing."""

    FINE = 8  # a stride where CLIP pulls is this much shorter, as it is in a drawing

    def __init__(self, count: int, first: tuple[int, int], last: int) -> None:
        super().__init__(count, first, last, (16, 4 * LONGEST // 3))
        self.models = load_models("toybox", torch.device("cpu"))
        (self.clip, _), = self.models.clips
        self.state["targets"] = torch.zeros(count, self.clip.encode_texts([""]).shape[-1])

    def aim(self, captions: list[str]) -> None:
        """What the walks that ended are pulled towards from now on; before they begin anew."""
        self.state["targets"][self.ended()] = self.clip.encode_texts(captions)

    def pulled(self) -> Tensor:
        """Where the set's defaults let CLIP pull, [n] bool."""
        return self.levels[self.t] <= self.models.description.defaults.until_level

    def stride(self) -> Tensor:
        return torch.where(self.pulled(), self.state["stride"] // self.FINE, self.state["stride"])

    def pull(self, rng: np.random.Generator, unet: Callable[[Tensor, Tensor], Tensor], patch: int, v: Tensor) -> Tensor:
        """The answers v [n, 3, SIDE, SIDE], and where CLIP pulls, with its pull (Dhariwal & Nichol 2021, alg. 2)."""
        rows, described = self.pulled(), self.models.description
        if not rows.any():
            return v
        x, t = self.x[rows], self.t[rows]
        seeds = [(int(seed), 0) for seed in rng.integers(1 << 31, size=len(x))]
        target = Target(clip=self.clip, embeddings=self.state["targets"][rows][:, None], weights=torch.ones(len(x), 1))
        request = resolved(Request(prompt="a star"), described.defaults)
        denoise = network_denoiser(unet, objective="v", schedule="cosine", patch=patch)
        found = guided(denoise, [target], pull_at(self.models, request, seeds, 0.0), "cosine")(x, t)
        level = self.levels[t][:, None, None, None]
        eps = found.eps - (1 - level).sqrt() * found.pull
        x0 = (x - (1 - level).sqrt() * eps) / level.sqrt()
        return v.index_put((rows,), level.sqrt() * eps - (1 - level).sqrt() * x0)


def _noise(rng: np.random.Generator, like: Tensor) -> Tensor:
    return torch.from_numpy(rng.standard_normal(like.shape, dtype=np.float32))
