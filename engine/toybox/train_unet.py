"""train the toybox's U-Net to predict v of noisy scenes (Salimans & Ho 2022, arXiv 2202.00512).

It first learns to see (`taught`), then to draw. Near pure noise, where a single picture says little about what can be
known, the ideal denoiser's answer is its target.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.schedule import alphas_cumprod
from engine.toybox.ideal import IdealDenoiser
from engine.toybox.taught import Taught, guess_losses, named_right
from engine.toybox.training import Run, Trainer
from engine.toybox.world import COMBINATIONS, Scene, held_out, random_scene, render
from engine.unet import UNetConfig

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
NOISIER = ((0, 0.12, 0.3, 0.85, 1), (0, 300, 500, 850, 1000))  # then where they can be known, but not yet seen
DOUBT = 850  # from this timestep on the target is the ideal denoiser's answer: a single picture says little there
BOUNDS = (0, 300, 700, DOUBT, 1000)  # of the ranges that are examined
OUTER = ("input_blocks.0.", "out.", "time_embed.", "head.")  # what Adam trains
GUESS = 0.01  # weight of the head's loss; the gradient of v's is then about as large
SEEN = [c for c in COMBINATIONS if not held_out(*c)]
HELD_OUT = [c for c in COMBINATIONS if held_out(*c)]


def scenes_of(rng: np.random.Generator, count: int, combinations: list[tuple[str, str, str]]) -> list[Scene]:
    return [random_scene(rng, combinations) for _ in range(count)]


def pictures(scenes: list[Scene]) -> Tensor:
    """[count, 3, 64, 64] in −1 … 1."""
    pixels = np.stack([render(scene) for scene in scenes])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def noised(rng: np.random.Generator, x0: Tensor, spread: Spread = EVEN) -> tuple[Tensor, Tensor, Tensor]:
    """(x_t, v, t) for timesteps that lie in the batch as `spread` says."""
    levels = torch.from_numpy(alphas_cumprod("cosine")).float()
    n = len(x0)
    t = torch.from_numpy(np.interp((rng.permutation(n) + rng.random(n)) / n, *spread)).long().clamp(max=999)
    noise = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
    alpha = levels[t].sqrt()[:, None, None, None]
    sigma = (1 - levels[t]).sqrt()[:, None, None, None]
    return alpha * x0 + sigma * noise, alpha * noise - sigma * x0, t


def importance(t: Tensor) -> Tensor:
    """1 / (1 + (λ / w)²) with λ = log ᾱ/(1 − ᾱ), [n]: about one over what the loss comes to at each noise level.

    w is 2.3 where little noise is left to remove, which is mostly chance, and 4.6 near pure noise.
    """
    level = torch.logit(torch.from_numpy(alphas_cumprod("cosine"))[t])
    return (1 / (1 + (level / torch.where(level > 0, 2.3, 4.6)) ** 2)).float()


def taught(ideal: IdealDenoiser, x0: Tensor, x: Tensor, v: Tensor, t: Tensor, doubt: int = DOUBT) -> Tensor:
    """v, and from timestep `doubt` on its mean over all scenes that x may come from: (√ᾱ·x − E[x0]) / √(1 − ᾱ)."""
    doubtful = t >= doubt
    level = ideal.levels[t[doubtful]][:, None, None, None]
    v = v.clone()
    v[doubtful] = (level.sqrt() * x[doubtful] - ideal(x[doubtful], t[doubtful], x0[doubtful])) / (1 - level).sqrt()
    return v


def folded(x: Tensor, device: torch.device, patch: int) -> Tensor:
    """What a network takes: patch × patch pixels as channels."""
    return F.pixel_unshuffle(x, patch).to(device, memory_format=torch.channels_last)


def lesson_of(model: Taught, rng: np.random.Generator, scenes: list[Scene], device: torch.device,
              spread: Spread) -> Tensor:
    """The head's loss alone, for which half of the network is enough."""
    x, _, t = noised(rng, pictures(scenes), spread)
    return guess_losses(model.guess(folded(x, device, model.patch), t.to(device)), scenes).mean()


def losses_of(model: Taught, ideal: IdealDenoiser, rng: np.random.Generator, scenes: list[Scene],
              device: torch.device, spread: Spread = EVEN, doubt: int = DOUBT) -> tuple[Tensor, Tensor, Tensor]:
    """Squared error of v for each scene, [n], what the head guesses, and the timesteps [n]."""
    x0 = pictures(scenes)
    x, v, t = noised(rng, x0, spread)
    v = taught(ideal, *(part.to(device) for part in (x0, x, v, t)), doubt)
    out, guesses = model(folded(x, device, model.patch), t.to(device))
    return (out - folded(v, device, model.patch)).square().mean((1, 2, 3)), guesses, t


@torch.no_grad()
def examine(model: Taught, ideal: IdealDenoiser, device: torch.device, bounds: tuple[int, ...] = BOUNDS,
            doubt: int = DOUBT) -> dict[str, float]:
    """Loss of v and share of objects named right on 256 held-out scenes, for ranges of the timestep."""
    found = []
    for k in range(4):
        rng = np.random.default_rng((1, k))
        scenes = scenes_of(rng, 64, HELD_OUT)
        losses, guesses, t = losses_of(model, ideal, rng, scenes, device, ((0, 1), (bounds[0], bounds[-1])), doubt)
        found.append((losses.cpu(), named_right(guesses, scenes), t))
    losses, named, t = (torch.cat(parts) for parts in zip(*found, strict=True))
    figures = {}
    for low, high in pairwise(bounds):
        some = (t >= low) & (t < high)
        figures[f"held_out_v_loss_t_{low}_to_{high}"] = losses[some].mean().item()
        figures[f"objects_named_t_{low}_to_{high}"] = named[some].float().mean().item()
    return figures


def train(folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None,
          bf16: bool = False) -> None:
    torch.manual_seed(seed)
    model = Taught(CONFIG).to(device, memory_format=torch.channels_last)  # a third faster with bfloat16 products
    ideal = IdealDenoiser().to(device)
    run = Run(folder=folder, steps=steps, seed=seed, start_from=start_from, bf16=bf16, hold=0.4, outer=OUTER)

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        scenes = scenes_of(rng, BATCH, SEEN)
        if step < LESSON:
            return lesson_of(model, rng, scenes, device, CLEANER)
        losses, guesses, t = losses_of(model, ideal, rng, scenes, device, NOISIER)
        return (losses * importance(t).to(device)).mean() + GUESS * guess_losses(guesses, scenes).mean()

    Trainer(model, run).fit(loss_of, lambda average: examine(average, ideal, device))
