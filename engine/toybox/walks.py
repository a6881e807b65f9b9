"""drawings that a U-Net is making while it learns, so that it learns from its own mistakes, too.

A network that only ever sees noised scenes has never seen the outline that it bent itself a few steps ago, takes it for
what was drawn, and bends it further. So part of a batch are walks: each is a picture that was noised once and has since
been walked down by the network's own answers. What it should have answered is the ideal denoiser's word (Ross et al.
2011, DAgger, arXiv 1011.0686). The step is the engine's: DDIM with all of its noise.
"""

import numpy as np
import torch
from torch import Tensor

from engine.guidance import Target, guided
from engine.models import Models
from engine.request import Request
from engine.samplers import Denoise
from engine.schedule import alphas_cumprod
from engine.steps import pull_at, resolved
from engine.toybox.captions import Caption, caption
from engine.toybox.ideal import IdealDenoiser
from engine.toybox.world import SIDE

KEPT = 256  # pulled walks that were taken over where the pull ends


class Walks:
    """Some walks; one that has come to the end waits for a new beginning."""

    def __init__(self, count: int, last: int, strides: tuple[int, int]) -> None:
        """A walk ends below timestep `last`; its `strides`, all alike, lie between these."""
        self.last, self.strides = last, strides
        self.levels = torch.from_numpy(alphas_cumprod("cosine")).float()
        self.state = {"x": torch.zeros(count, 3, SIDE, SIDE), "t": torch.full((count,), -1),
                      "stride": torch.zeros(count, dtype=torch.long)}

    @property
    def x(self) -> Tensor:
        return self.state["x"]

    @property
    def t(self) -> Tensor:
        return self.state["t"]

    @property
    def ended(self) -> Tensor:
        """Which walks need a new beginning, [n] bool."""
        return self.t < self.last

    @property
    def missing(self) -> int:
        """How many that are."""
        return int(self.ended.sum())

    def begin(self, rng: np.random.Generator, x: Tensor, t: Tensor) -> None:
        """Put x_t [k, 3, SIDE, SIDE] at t [k] in the place of the k walks that ended."""
        rows = self.ended
        self.state["stride"][rows] = torch.from_numpy(rng.integers(*self.strides, len(x), endpoint=True))
        self.state["x"][rows], self.state["t"][rows] = x, t

    def advance(self, rng: np.random.Generator, x0: Tensor) -> None:
        """One stride of each, as the network's answer x0 [n, 3, SIDE, SIDE] says (Song et al. 2021, eq. 12, η = 1)."""
        x, t, after = self.x, self.t, (self.t - self.state["stride"]).clamp(min=0)
        level, next_level = (self.levels[at][:, None, None, None] for at in (t, after))
        eps = (x - level.sqrt() * x0) / (1 - level).sqrt()
        variance = (1 - next_level) / (1 - level) * (1 - level / next_level)
        noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
        self.state["x"] = (next_level.sqrt() * x0 + (1 - next_level - variance).clamp(min=0).sqrt() * eps
                           + variance.sqrt() * noise)
        self.state["t"] = t - self.state["stride"]


class PulledWalks(Walks):
    """Walks that a CLIP pulls towards another scene each, as it pulls a drawing, down to where the pull ends."""

    def __init__(self, count: int, strides: tuple[int, int], models: Models, ideal: IdealDenoiser) -> None:
        """They are pulled by the one CLIP of `models`, as that set describes it, towards scenes that `ideal` knows."""
        self.models, self.ideal = models, ideal
        (self.clip, _), = models.clips
        self.known = np.flatnonzero(torch.isfinite(ideal.energy).cpu().numpy())
        until = self.models.description.defaults.until_level
        super().__init__(count, int((alphas_cumprod("cosine") > until).sum()), strides)
        self.state["targets"] = torch.zeros(count, dtype=torch.long)
        self.state["kept_x"], self.state["kept_t"] = torch.zeros(0, 3, SIDE, SIDE), torch.zeros(0, dtype=torch.long)

    def begin(self, rng: np.random.Generator, x: Tensor, t: Tensor) -> None:
        """As ever, each towards a scene of its own; those that have come to the end are kept, the newest of them."""
        done = self.ended & (self.t >= 0)
        for name in ("x", "t"):
            self.state[f"kept_{name}"] = torch.cat([self.state[f"kept_{name}"], self.state[name][done]])[-KEPT:]
        self.state["targets"][self.ended] = torch.from_numpy(rng.choice(self.known, size=len(x)))
        super().begin(rng, x, t)

    def some(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """(x_t, t) of walks that have come to the end."""
        rows = torch.from_numpy(rng.integers(len(self.state["kept_t"]), size=count))
        return self.state["kept_x"][rows], self.state["kept_t"][rows]

    def captions(self, rng: np.random.Generator) -> list[Caption]:
        """What they are pulled towards, said anew."""
        return [caption(self.ideal.scene(int(number)), rng) for number in self.state["targets"]]

    def pull(self, rng: np.random.Generator, denoise: Denoise, embeddings: Tensor) -> Tensor:
        """x0 [n, 3, SIDE, SIDE] as `denoise` says, moved by CLIP's pull (Dhariwal & Nichol 2021, algorithm 2).

        Args:
            embeddings: CLIP's points of the captions, [n, d].
        """
        seeds = [(int(seed), 0) for seed in rng.integers(1 << 31, size=len(self.x))]
        target = Target(clip=self.clip, embeddings=embeddings[:, None], weights=torch.ones(len(self.x), 1))
        pull = pull_at(self.models, resolved(Request(prompt="a star"), self.models.description.defaults), seeds, 0.0)
        device = embeddings.device
        found = guided(denoise, [target], pull, "cosine")(self.x.to(device), self.t.to(device))
        level = self.levels[self.t][:, None, None, None]
        eps = found.eps.cpu() - (1 - level).sqrt() * found.pull.cpu()
        return (self.x - (1 - level).sqrt() * eps) / level.sqrt()
