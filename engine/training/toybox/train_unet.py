"""trains the U-Net that finishes a drawing; predicts x0.

Where there is little noise, v is mostly that noise, and a network that has to carry it through all of its layers has
little room left for outlines; the clean picture is a simple thing to say (Li & He 2025, arXiv 2511.13720). It learns
from scenes, from bent ones (`bent`), and from walks of its own, many of which begin where a pull has ended (`walks`).
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.diffusion.denoisers import Objective
from engine.diffusion.schedule import alphas_cumprod
from engine.drawing.models import load_models
from engine.networks.unet import UNetConfig
from engine.training.toybox.bent import Bent
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.taught import Taught, guess_losses, names_right
from engine.training.toybox.walks import Walks, sample_ended_pulls
from engine.training.toybox.world import COMBINATIONS, HARD, SIDE, Scene, held_out, random_scene, render
from engine.training.trainer import Run, Trainer

PATCH = 4  # the network sees PATCH × PATCH pixels as channels of one position
# A norm group of few channels normalises their means away, and with them colour: so 64 channels outermost, 8 groups.
CONFIG = UNetConfig(
    image_size=16,
    in_channels=3 * PATCH**2,
    out_channels=3 * PATCH**2,
    model_channels=64,
    num_res_blocks=1,
    attention_resolutions=(4,),
    channel_mult=(1, 1.5, 2),
    num_head_channels=32,
    resblock_updown=False,
    norm_groups=8,
)
BATCH, WILD, BENT, WALKS = 64, 20, 10, 22  # of a batch so many are bent scenes in wild colours, so many in the
# palette's, so many are walks; the others are scenes.
Noised = tuple[Tensor, Tensor]  # x_t and t of some pictures
Spread = tuple[tuple[float, ...], tuple[int, ...]]
# Where the timesteps of a batch lie: shares, and the timesteps that they reach.
EVEN = ((0, 1), (0, 1000))
LATE = ((0, 0.3, 1), (0, 300, 760))  # where this network draws, and a little above
BOUNDS = (0, 150, 300, 450, 600, 760)  # of the ranges that are examined
FIRST, LAST, STRIDES = ((0, 1), (600, 760)), 20, (10, 90)  # timesteps where walks begin and end, and their steps
PULLS, PULLED = 600, 0.4  # drawings whose pull has ended, and the share of walks that begin with one
OUTER = ("input_blocks.0.", "out.", "time_embed.", "head.")  # what Adam trains
GUESS = 0.01  # weight of the head's loss; the gradient of v's is then about as large
CLEAN = 4.0  # how much more an error of x0 weighs, at most, where there is little noise
SEEN = [c for c in COMBINATIONS if not held_out(*c)]
HELD_OUT = [c for c in COMBINATIONS if held_out(*c)]
OFTEN = SEEN + [c for c in SEEN if c[0] in HARD]


def scenes_of(rng: np.random.Generator, count: int, combinations: list[tuple[str, str, str]]) -> list[Scene]:
    return [random_scene(rng, combinations) for _ in range(count)]


def pictures(scenes: list[Scene]) -> Tensor:
    """[count, 3, 64, 64] in −1 … 1."""
    pixels = np.array([render(scene) for scene in scenes]).reshape(-1, SIDE, SIDE, 3)  # there may be none
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def add_noise(rng: np.random.Generator, x0: Tensor, spread: Spread = EVEN) -> tuple[Tensor, Tensor]:
    """(x_t, t) for timesteps that lie in the batch as `spread` says."""
    levels = torch.from_numpy(alphas_cumprod("cosine")).float()
    n = len(x0)
    t = torch.from_numpy(np.interp((rng.permutation(n) + rng.random(n)) / n, *spread)).long().clamp(max=999)
    noise = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
    level = levels[t][:, None, None, None]
    return level.sqrt() * x0 + (1 - level).sqrt() * noise, t


def weights_of(ideal: IdealDenoiser, t: Tensor, clean: float) -> Tensor:
    """Of losses of v, [n]: an error of x0 weighs 1 / σ², as v's does, but at most `clean`."""
    return (clean * (1 - ideal.levels[t])).clamp(max=1)


def fold_patches(x: Tensor, patch: int) -> Tensor:
    """What a network takes: patch × patch pixels as channels."""
    return F.pixel_unshuffle(x, patch).contiguous(memory_format=torch.channels_last)


def losses_of(
    model: Taught, ideal: IdealDenoiser, x: Tensor, t: Tensor, objective: Objective, told: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Squared error of v, [n]; the x0 that was answered, like x; what the head guesses.

    Args:
        told: the x0 that the first pictures should be answered with, [k, 3, SIDE, SIDE]; the others', or all of them,
            is the ideal denoiser's word.
    """
    out, guesses = model(fold_patches(x, model.patch), t)
    out, level = F.pixel_shuffle(out, model.patch).float(), ideal.levels[t][:, None, None, None]
    alpha, sigma = level.sqrt(), (1 - level).sqrt()
    v, x0 = (out, alpha * x - sigma * out) if objective == "v" else ((alpha * x - out) / sigma, out)
    wanted = ideal(x, t) if told is None else torch.cat([told, ideal(x[len(told) :], t[len(told) :])])
    return (v - (alpha * x - wanted) / sigma).square().mean((1, 2, 3)), x0.detach(), guesses


@torch.no_grad()
def examine(model: Taught, device: torch.device, objective: Objective, bounds: tuple[int, ...]) -> dict[str, float]:
    """Loss of v and share of objects named right on 256 held-out scenes, for ranges of the timestep."""
    found, ideal = [], IdealDenoiser(held_out_too=True).to(device)
    for k in range(4):
        rng = np.random.default_rng((1, k))
        scenes = scenes_of(rng, 64, HELD_OUT)
        x, t = add_noise(rng, pictures(scenes), ((0, 1), (bounds[0], bounds[-1])))
        losses, _, guesses = losses_of(model, ideal, x.to(device), t.to(device), objective)
        found.append((losses.cpu(), names_right(guesses, scenes), t))
    losses, named, t = (torch.cat(parts) for parts in zip(*found, strict=True))
    figures = {}
    for low, high in pairwise(bounds):
        some = (t >= low) & (t < high)
        figures[f"held_out_v_loss_t_{low}_to_{high}"] = losses[some].mean().item()
        figures[f"objects_named_t_{low}_to_{high}"] = named[some].float().mean().item()
    return figures


def batch_of(
    rng: np.random.Generator, scenes: list[Scene], bent: Bent, walks: Walks, pulls: Noised
) -> tuple[Tensor, Tensor, Tensor]:
    """(x_t, t, told): noised bent scenes in wild colours, whose x0 is told; noised scenes, noised bent ones, walks.

    Walks that ended begin anew, from bent scenes or from `pulls`.
    """
    wild_x, wild_t, told = wild_of(rng, bent, WILD, LATE)
    x, t = add_noise(rng, pictures(scenes), LATE)
    bent_x, bent_t = add_noise(rng, bent(rng, BENT), LATE)
    begin_walks(rng, bent, walks, pulls)
    return torch.cat([wild_x, x, bent_x, walks.x]), torch.cat([wild_t, t, bent_t, walks.t]), told


def begin_walks(rng: np.random.Generator, bent: Bent, walks: Walks, pulls: Noised) -> None:
    """Give those that ended a new beginning, in any order."""
    few = int(rng.binomial(walks.missing, PULLED))
    rows = torch.from_numpy(rng.integers(len(pulls[0]), size=few))
    bent_x, bent_t = add_noise(rng, bent(rng, walks.missing - few), FIRST)
    order = torch.from_numpy(rng.permutation(walks.missing))
    walks.begin(rng, torch.cat([bent_x, pulls[0][rows]])[order], torch.cat([bent_t, pulls[1][rows]])[order])


def wild_of(rng: np.random.Generator, bent: Bent, count: int, spread: Spread) -> tuple[Tensor, Tensor, Tensor]:
    """(x_t, t, x0 that is the right answer) of bent scenes in wild colours."""
    drawn, ink, paper = bent.wild(rng, count)
    x, t = add_noise(rng, drawn, spread)
    device = bent.ideal.masks.device
    return x, t, bent.ideal.of_colours(*(part.to(device) for part in (x, t, ink, paper)))


def train(
    folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None, bf16: bool = False
) -> None:
    torch.manual_seed(seed)
    model = Taught(CONFIG).to(device, memory_format=torch.channels_last)
    ideal, walks = IdealDenoiser().to(device), Walks(WALKS, LAST, STRIDES)
    bent = Bent(ideal)
    run = Run(folder=folder, steps=steps, seed=seed, start_from=start_from, bf16=bf16, hold=0.1, ema=0.995, outer=OUTER)
    pulls = sample_ended_pulls(load_models("toybox", device), ideal, PULLS, folder / "pulls.safetensors")

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        scenes = scenes_of(rng, BATCH - WILD - BENT - WALKS, OFTEN)
        x, t, told = (part.to(device) for part in batch_of(rng, scenes, bent, walks, pulls))
        losses, x0, guesses = losses_of(model, ideal, x, t, "x0", told)
        walks.advance(rng, x0[-WALKS:].cpu())
        named = guess_losses(guesses[WILD : WILD + len(scenes)], scenes).mean()
        return (losses * weights_of(ideal, t, CLEAN)).mean() + GUESS * named

    Trainer(model, run, walks.state).fit(loss_of, lambda average: examine(average, device, "x0", BOUNDS))
