"""train the U-Net that finishes a drawing: it predicts v of noised scenes (Salimans & Ho 2022, arXiv 2202.00512).

It first learns to see (`taught`), then to draw, from scenes and from its own walks (`walks`). Down to the timesteps
that it learns from, the other U-Net (`train_early`) walks them.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models import load_unet
from engine.schedule import alphas_cumprod
from engine.toybox.ideal import IdealDenoiser
from engine.toybox.taught import Taught, guess_losses, named_right
from engine.toybox.training import Run, Trainer
from engine.toybox.walks import Walks
from engine.toybox.world import COMBINATIONS, SIDE, Scene, held_out, random_scene, render
from engine.unet import UNetConfig
from engine.weights import load_model_set

PATCH = 2  # the network sees PATCH × PATCH pixels as channels of one position
# A norm group of few channels normalises their means away, and with them colour: so 64 channels outermost, 8 groups.
CONFIG = UNetConfig(
    image_size=32, in_channels=3 * PATCH**2, out_channels=3 * PATCH**2, model_channels=64, num_res_blocks=1,
    attention_resolutions=(2, 4), channel_mult=(1, 1, 2), num_head_channels=32, resblock_updown=False, norm_groups=8)
BATCH = 32
LESSON = 2000  # steps in which only the head and the half of the network before it learn; a third of the work
Spread = tuple[tuple[float, ...], tuple[int, ...]]
# Where the timesteps of a batch lie: shares, and the timesteps that they reach.
EVEN = ((0, 1), (0, 1000))
CLEANER = ((0, 0.5, 1), (0, 400, 1000))  # for the lesson: objects are learned where they can be seen
LATE = ((0, 1), (0, 560))  # then where this network draws
BOUNDS = (0, 150, 300, 450, 560)  # of the ranges that are examined
WALKS, FIRST, LAST = 20, ((0, 1), (510, 760)), 20  # drawings of its own, where they begin and end
STRIDES = (5, 45)  # timesteps
OUTER = ("input_blocks.0.", "out.", "time_embed.", "head.")  # what Adam trains
GUESS = 0.01  # weight of the head's loss; the gradient of v's is then about as large
SEEN = [c for c in COMBINATIONS if not held_out(*c)]
HELD_OUT = [c for c in COMBINATIONS if held_out(*c)]


def scenes_of(rng: np.random.Generator, count: int, combinations: list[tuple[str, str, str]]) -> list[Scene]:
    return [random_scene(rng, combinations) for _ in range(count)]


def pictures(scenes: list[Scene]) -> Tensor:
    """[count, 3, 64, 64] in −1 … 1."""
    pixels = np.array([render(scene) for scene in scenes]).reshape(-1, SIDE, SIDE, 3)  # there may be none
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def noised(rng: np.random.Generator, x0: Tensor, spread: Spread = EVEN) -> tuple[Tensor, Tensor]:
    """(x_t, t) for timesteps that lie in the batch as `spread` says."""
    levels = torch.from_numpy(alphas_cumprod("cosine")).float()
    n = len(x0)
    t = torch.from_numpy(np.interp((rng.permutation(n) + rng.random(n)) / n, *spread)).long().clamp(max=999)
    noise = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
    level = levels[t][:, None, None, None]
    return level.sqrt() * x0 + (1 - level).sqrt() * noise, t


def importance(t: Tensor) -> Tensor:
    """1 / (1 + (λ / w)²) with λ = log ᾱ/(1 − ᾱ), [n]: about one over what the loss comes to at each noise level.

    w is 2.3 where little noise is left to remove, which is mostly chance, and 4.6 near pure noise.
    """
    level = torch.logit(torch.from_numpy(alphas_cumprod("cosine"))[t])
    return (1 / (1 + (level / torch.where(level > 0, 2.3, 4.6)) ** 2)).float()


def folded(x: Tensor, patch: int) -> Tensor:
    """What a network takes: patch × patch pixels as channels."""
    return F.pixel_unshuffle(x, patch).contiguous(memory_format=torch.channels_last)


def lesson_of(model: Taught, rng: np.random.Generator, scenes: list[Scene], device: torch.device,
              spread: Spread) -> Tensor:
    """The head's loss alone, for which half of the network is enough."""
    x, t = noised(rng, pictures(scenes), spread)
    return guess_losses(model.guess(folded(x.to(device), model.patch), t.to(device)), scenes).mean()


def losses_of(model: Taught, ideal: IdealDenoiser, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Squared error against the ideal denoiser's v, [n]; the v that was answered, like x; what the head guesses."""
    out, guesses = model(folded(x, model.patch), t)
    v = F.pixel_shuffle(out, model.patch)
    return (v - ideal.v(x, t)).square().mean((1, 2, 3)), v.detach().float(), guesses


@torch.no_grad()
def examine(model: Taught, device: torch.device, bounds: tuple[int, ...] = BOUNDS) -> dict[str, float]:
    """Loss of v and share of objects named right on 256 held-out scenes, for ranges of the timestep."""
    found, ideal = [], IdealDenoiser(held_out_too=True).to(device)
    for k in range(4):
        rng = np.random.default_rng((1, k))
        scenes = scenes_of(rng, 64, HELD_OUT)
        x, t = noised(rng, pictures(scenes), ((0, 1), (bounds[0], bounds[-1])))
        losses, _, guesses = losses_of(model, ideal, x.to(device), t.to(device))
        found.append((losses.cpu(), named_right(guesses, scenes), t))
    losses, named, t = (torch.cat(parts) for parts in zip(*found, strict=True))
    figures = {}
    for low, high in pairwise(bounds):
        some = (t >= low) & (t < high)
        figures[f"held_out_v_loss_t_{low}_to_{high}"] = losses[some].mean().item()
        figures[f"objects_named_t_{low}_to_{high}"] = named[some].float().mean().item()
    return figures


def batch_of(rng: np.random.Generator, scenes: list[Scene], spread: Spread, walks: Walks,
             device: torch.device) -> tuple[Tensor, Tensor]:
    """(x_t, t): noised scenes, then the walks as they are; those that ended have begun anew."""
    x, t = noised(rng, pictures(scenes), spread)
    walks.begin(rng, *noised(rng, pictures(scenes_of(rng, walks.missing, SEEN)), FIRST))
    return torch.cat([x, walks.x]).to(device), torch.cat([t, walks.t]).to(device)


def early_network(device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """The committed network of the early steps, (x, t) → v."""
    described = load_model_set("toybox")
    network, patch = load_unet(described, device, table=described.early), described.early["patch"]

    @torch.no_grad()
    def v_of(x: Tensor, t: Tensor) -> Tensor:
        return F.pixel_shuffle(network(folded(x, patch), t), patch).float()

    return v_of


def train(folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None,
          bf16: bool = False) -> None:
    torch.manual_seed(seed)
    model = Taught(CONFIG).to(device, memory_format=torch.channels_last)  # a third faster with bfloat16 products
    ideal, walks = IdealDenoiser().to(device), Walks(WALKS, LAST, STRIDES)
    other = early_network(device)
    run = Run(folder=folder, steps=steps, seed=seed, start_from=start_from, bf16=bf16, hold=0.4, ema=0.995,
              outer=OUTER)

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        scenes = scenes_of(rng, BATCH - WALKS, SEEN)
        if step < LESSON:
            return lesson_of(model, rng, scenes, device, CLEANER)
        x, t = batch_of(rng, scenes, LATE, walks, device)
        own = t < LATE[1][-1]
        losses, v, guesses = losses_of(model, ideal, x[own], t[own])
        answers = torch.zeros_like(x).index_put((own,), v)
        if not own.all():
            answers[~own] = other(x[~own], t[~own])
        walks.advance(rng, answers[-WALKS:].cpu())
        named = guess_losses(guesses[:len(scenes)], scenes).mean()
        return (losses * importance(t[own].cpu()).to(device)).mean() + GUESS * named

    Trainer(model, run, walks.state).fit(loss_of, lambda average: examine(average, device))
