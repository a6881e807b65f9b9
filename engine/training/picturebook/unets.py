"""train the picture book's U-Net: it is shown x_t and what the table says of it, and says x0.

It learns from noised scenes and from walks of its own (Ross et al. 2011, DAgger, arXiv 1011.0686): pictures that were
noised once and have since been walked down by its own answers, so that it meets the outlines that it bent itself. Under
heavy noise, and for walks, the right answer is the ideal denoiser's word. The table knows scenes that are held out, the
ideal denoiser does not: where a walk has come to one, nothing is learned.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.diffusion.retrieval import SceneTable
from engine.diffusion.schedule import alphas_cumprod
from engine.networks.unet import UNet
from engine.training.picturebook.ideal import IdealDenoiser
from engine.training.picturebook.tables import Scenes, Tables, join_scenes
from engine.training.picturebook.world import DRAWINGS_FILE, things
from engine.training.toybox import train_unet
from engine.training.toybox.train_unet import PATCH
from engine.training.trainer import Run, Trainer

CONFIG = replace(train_unet.CONFIG, in_channels=3 * PATCH**2 + 3 * SceneTable.fold**2)  # the table's word beside x_t
CPU = torch.device("cpu")
OUTER = ("input_blocks.0.", "out.", "time_embed.")  # what Adam trains
CLEAN = 4.0  # how much more an error of x0 weighs, at most, where there is little noise

Spread = tuple[tuple[float, ...], tuple[int, ...]]  # where timesteps lie: shares, and the timesteps that they reach
EVERYWHERE: Spread = ((0, 0.15, 0.5, 0.8, 0.97, 1), (0, 400, 700, 850, 970, 1000))
DISAGREED = 0.003  # squared difference of table and ideal denoiser
WALKING = 0.42  # share of a batch that are walks
DOUBTFUL = 820  # from this timestep on the ideal denoiser is asked
FIRST: Spread = ((0, 1), (840, 940))  # timesteps where walks begin
LAST, STRIDES = 15, (12, 70)  # where they end, and their steps
FRESH = 0.3  # share of a walk's steps that add fresh noise
LEVELS = torch.from_numpy(alphas_cumprod("cosine")).float()


@contextmanager
def in_bfloat16(device: torch.device) -> Iterator[None]:
    """Train quickly: products and norms without a detour to float32, on a CPU attention without fused kernels.

    All is as before afterwards: the upscaler, which learns in the same process, blows up with rounded products.
    """
    from engine.networks import unet

    def forward(self: nn.GroupNorm, x: Tensor) -> Tensor:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    exact, flash, precision = (
        unet.GroupNorm32.forward,
        torch.backends.cuda.flash_sdp_enabled(),
        torch.get_float32_matmul_precision(),
    )
    try:
        unet.GroupNorm32.forward = forward  # type: ignore[method-assign]
        torch.backends.cuda.enable_flash_sdp(device.type != "cpu")
        torch.set_float32_matmul_precision("medium")
        yield
    finally:
        unet.GroupNorm32.forward = exact  # type: ignore[method-assign]
        torch.backends.cuda.enable_flash_sdp(flash)
        torch.set_float32_matmul_precision(precision)


def add_noise(rng: np.random.Generator, x0: Tensor, spread: Spread) -> tuple[Tensor, Tensor]:
    """(x_t, t) for timesteps that lie in the batch as `spread` says."""
    n = len(x0)
    t = torch.from_numpy(np.interp((rng.permutation(n) + rng.random(n)) / n, *spread)).long().clamp(max=999)
    t, noise = t.to(x0.device), _noise(rng, x0)
    level = _level(t)
    return level.sqrt() * x0 + (1 - level).sqrt() * noise, t


def _noise(rng: np.random.Generator, like: Tensor) -> Tensor:
    return torch.from_numpy(rng.standard_normal(like.shape, dtype=np.float32)).to(like.device)


def _level(t: Tensor) -> Tensor:
    """ᾱ of each timestep, [n, 1, 1, 1]"""
    return LEVELS.to(t.device)[t][:, None, None, None]


def answer(model: nn.Module, table: SceneTable, x: Tensor, t: Tensor) -> Tensor:
    """x0, like x."""
    folded = F.pixel_unshuffle(x, PATCH)
    out: Tensor = model(torch.cat([folded, table.beside(x, t, (16, 16))], dim=1), t)
    return F.pixel_shuffle(out.float(), PATCH)


def weights_of(t: Tensor) -> Tensor:
    """Of squared errors of x0, [n]: 1 / σ², as v's, but at most CLEAN."""
    return (1 / (1 - LEVELS.to(t.device)[t])).clamp(max=CLEAN)


class Walks:
    """Drawings that the network is making; one that has come to its end waits for a new beginning."""

    def __init__(self, count: int, device: torch.device) -> None:
        state = {
            "x": torch.zeros(count, 3, 64, 64),
            "t": torch.full((count,), -1),
            "stride": torch.ones(count, dtype=torch.long),
            "fresh": torch.zeros(count),
            "left": torch.zeros(count, dtype=torch.long),
            "right": torch.zeros(count, dtype=torch.long),
            "ground": torch.zeros(count, dtype=torch.long),
        }
        self.state = {name: value.to(device) for name, value in state.items()}

    @property
    def scenes(self) -> Scenes:
        return Scenes(self.state["left"], self.state["right"], self.state["ground"])

    def begin(self, rng: np.random.Generator, tables: Tables) -> None:
        """Give those that ended a new scene."""
        rows = self.state["t"] < LAST
        count = int(rows.sum())
        scenes = tables.random(rng, count)
        self.state["x"][rows], self.state["t"][rows] = add_noise(rng, tables.pictures(scenes), FIRST)
        self.state["stride"][rows] = torch.from_numpy(rng.integers(*STRIDES, count)).to(rows.device)
        self.state["fresh"][rows] = torch.from_numpy(rng.random(count) < FRESH).float().to(rows.device)
        for name in ("left", "right", "ground"):
            self.state[name][rows] = getattr(scenes, name)

    def advance(self, rng: np.random.Generator, x0: Tensor) -> None:
        """One stride of each, as the network's answer says (Song et al. 2021, eq. 12, η = 1 or 0)."""
        x, t = self.state["x"], self.state["t"]
        after = (t - self.state["stride"]).clamp(min=0)
        level, next_level = _level(t), _level(after)
        eps = (x - level.sqrt() * x0) / (1 - level).sqrt()
        variance = (1 - next_level) / (1 - level) * (1 - level / next_level) * self.state["fresh"][:, None, None, None]
        noise = _noise(rng, x)
        self.state["x"] = (
            next_level.sqrt() * x0 + (1 - next_level - variance).clamp(min=0).sqrt() * eps + variance.sqrt() * noise
        )
        self.state["t"] = t - self.state["stride"]


BOUNDS = (0, 200, 400, 600, 750, 850, 900, 950, 1000)


@torch.no_grad()
def examine(model: nn.Module, table: SceneTable, tables: Tables, ideal: IdealDenoiser) -> dict[str, float]:
    """PSNR of x0 against the ideal denoiser's (decibels, of 0 … 1) by timestep, on 240 held-out scenes."""
    found = []
    for k in range(4):
        rng = np.random.default_rng((1, k))
        x0 = tables.pictures(held_out_scenes(rng, 60))
        x, t = add_noise(rng, x0, ((0, 1), (BOUNDS[0], BOUNDS[-1])))
        with torch.autocast(x.device.type, torch.bfloat16):
            said = answer(model, table, x, t)
        found.append((-10 * ((said - ideal(x, t)) / 2).square().mean((1, 2, 3)).log10(), t))
    psnr, t = (torch.cat(parts) for parts in zip(*found, strict=True))
    return {
        f"psnr_{low}_{high}": round(psnr[(t >= low) & (t < high)].mean().item(), 2) for low, high in pairwise(BOUNDS)
    }


def held_out_scenes(rng: np.random.Generator, count: int) -> Scenes:
    """Two thirds single ones, a third pairs, all of them held out."""
    from engine.training.picturebook.grounds import GROUNDS
    from engine.training.picturebook.world import pair_held_out, single_held_out

    rows: list[tuple[int, int, int]] = []
    names = things()
    while len(rows) < count:
        left, right, on = (int(rng.integers(limit)) for limit in (len(names), len(names), len(GROUNDS)))
        if len(rows) % 3 == 2:
            if left != right and pair_held_out(names[left], names[right]):
                rows.append((left, right, on))
        elif single_held_out(names[left], GROUNDS[on]):
            rows.append((left, -1, on))
    return Scenes(*torch.tensor(rows).T)


def train(
    folder: Path,
    steps: int,
    spread: Spread = EVERYWHERE,
    batch: int = 96,
    seed: int = 0,
    start_from: Path | None = None,
    hold: float = 0.4,
    muon_lr: float = 0.02,
    drawings: Path = DRAWINGS_FILE,
    device: torch.device = CPU,
    **limits: float | None,
) -> None:
    """`spread`: where the timesteps of noised scenes lie; `batch`: WALKING of them are walks; `limits`: of the Run."""
    torch.manual_seed(seed)
    walking = round(WALKING * batch)
    tables, model, walks = Tables(drawings).to(device), UNet(CONFIG).to(device), Walks(walking, device)
    ideal, table = IdealDenoiser(tables).to(device), SceneTable(tables.at(16 * SceneTable.fold)).to(device)
    run = Run(
        folder=folder,
        steps=steps,
        seed=seed,
        start_from=start_from,
        bf16=True,
        hold=hold,
        ema=0.998,
        outer=OUTER,
        muon_lr=muon_lr,
        **limits,
    )

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        scenes = tables.random(rng, batch - walking)
        x, t = add_noise(rng, tables.pictures(scenes), spread)
        walks.begin(rng, tables)
        x, t = torch.cat([x, walks.state["x"]]), torch.cat([t, walks.state["t"]])
        wanted = tables.pictures(join_scenes(scenes, walks.scenes))
        walked = torch.arange(batch, device=device) >= batch - walking  # and may have come to another scene
        doubtful = ((t >= DOUBTFUL) | walked).nonzero()[:, 0]
        wanted[doubtful] = ideal(x[doubtful], t[doubtful])
        said = answer(model, table, x, t)
        walks.advance(rng, said[batch - walking :].detach())
        apart = (table(x, t) - wanted).square().mean((1, 2, 3))
        agreed = (apart < DISAGREED) | (t >= DOUBTFUL) | ~walked  # else it may be held out: not to be learned
        return ((said - wanted).square().mean((1, 2, 3)) * weights_of(t) * agreed).mean()

    every = Tables(drawings, held_out_too=True).to(device)
    best = IdealDenoiser(every).to(device)
    with in_bfloat16(device):
        Trainer(model, run, walks.state).fit(loss_of, lambda average: examine(average, table, every, best), every=200)
