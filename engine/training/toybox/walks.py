"""on-policy samples: drawings that a U-Net makes while it learns, so that it learns from its own errors.

A network that only ever sees noised scenes has never seen the outline that it bent itself a few steps ago, takes it for
what was drawn, and bends it further. So part of a batch are walks: each is a picture that was noised once and has since
been walked down by the network's own answers. What it should have answered is the ideal denoiser's word (Ross et al.
2011, DAgger, arXiv 1011.0686). The step is the engine's: DDIM with all of its noise.
"""

from itertools import takewhile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.diffusion.guidance import Target, add_guidance
from engine.diffusion.samplers import Denoise
from engine.diffusion.schedule import alphas_cumprod
from engine.drawing.models import Models
from engine.drawing.steps import first_noise, levels_of, pull_at, resolve_defaults, steps_of
from engine.request import Request
from engine.training.toybox.captions import Caption, caption
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.world import HARD, SIDE, Scene

TOGETHER, LENGTHS = 10, (40, 60, 100)  # drawings at a time that a finishing network is to go on from, and their steps


class Walks:
    """Some walks; one that has come to the end waits for a new beginning."""

    def __init__(self, count: int, last: int, strides: tuple[int, int]) -> None:
        """A walk ends below timestep `last`; its `strides`, all alike, lie between these."""
        self.last, self.strides = last, strides
        self.levels = torch.from_numpy(alphas_cumprod("cosine")).float()
        self.state = {
            "x": torch.zeros(count, 3, SIDE, SIDE),
            "t": torch.full((count,), -1),
            "stride": torch.zeros(count, dtype=torch.long),
        }

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
        self.state["x"] = (
            next_level.sqrt() * x0 + (1 - next_level - variance).clamp(min=0).sqrt() * eps + variance.sqrt() * noise
        )
        self.state["t"] = t - self.state["stride"]


class PulledWalks(Walks):
    """Walks that a CLIP pulls towards another scene each, as it pulls a drawing, down to where the pull ends."""

    def __init__(self, count: int, strides: tuple[int, int], models: Models, ideal: IdealDenoiser) -> None:
        """They are pulled by the one CLIP of `models`, as that set describes it, towards scenes that `ideal` knows."""
        self.models, self.ideal = models, ideal
        ((self.clip, _),) = models.clips
        self.known = known_scenes(ideal)
        until = self.models.description.defaults.until_level
        super().__init__(count, int((alphas_cumprod("cosine") > until).sum()), strides)
        self.state["targets"] = torch.zeros(count, dtype=torch.long)

    def begin(self, rng: np.random.Generator, x: Tensor, t: Tensor) -> None:
        """As ever, each towards a scene of its own."""
        self.state["targets"][self.ended] = torch.from_numpy(rng.choice(self.known, size=len(x)))
        super().begin(rng, x, t)

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
        pull = pull_at(
            self.models, resolve_defaults(Request(prompt="a star"), self.models.description.defaults), seeds, 0.0
        )
        device = embeddings.device
        found = add_guidance(denoise, [target], pull, "cosine")(self.x.to(device), self.t.to(device))
        level = self.levels[self.t][:, None, None, None]
        eps = found.eps.cpu() - (1 - level).sqrt() * found.pull.cpu()
        return (self.x - (1 - level).sqrt() * eps) / level.sqrt()


def known_scenes(ideal: IdealDenoiser) -> np.ndarray:
    """Numbers of the scenes that `ideal` knows; those of HARD objects are there twice."""
    known = np.flatnonzero(torch.isfinite(ideal.energy).cpu().numpy())
    return np.concatenate([known, [number for number in known if ideal.scene(int(number)).object in HARD]])


def sample_ended_pulls(models: Models, ideal: IdealDenoiser, count: int, path: Path) -> tuple[Tensor, Tensor]:
    """(x_t, t) of drawings where `models` no longer pull them, towards scenes that `ideal` knows; kept at `path`."""
    if not path.exists():
        rng = np.random.default_rng(0)
        scenes = [ideal.scene(int(number)) for number in rng.choice(known_scenes(ideal), size=count)]
        parts = [_sample_ended(models, scenes[at : at + TOGETHER], rng) for at in range(0, count, TOGETHER)]
        x, t = (torch.cat(together).cpu() for together in zip(*parts, strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"x": x, "t": t}, path)
    kept = load_file(path)
    return kept["x"], kept["t"]


def _sample_ended(models: Models, scenes: list[Scene], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    defaults, steps = models.description.defaults, int(rng.choice(LENGTHS))
    asked = [Request(prompt=caption(scene, rng).text, seed=int(rng.integers(1 << 31)), steps=steps) for scene in scenes]
    requests = [resolve_defaults(request, defaults) for request in asked]
    levels = levels_of(models, requests[0])
    last = int((levels.alphas_cumprod > defaults.until_level).sum()) - 1
    *_, step = takewhile(
        lambda step: step.index > last, steps_of(models, requests, first_noise(models, requests), steps - 1)
    )
    return step.x, torch.full((len(scenes),), int(levels.timesteps[step.index - 1]))
