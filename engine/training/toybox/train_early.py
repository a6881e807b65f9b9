"""trains the U-Net of the early, noisy steps, which decides what is drawn and where.

An expert for one range of noise levels, as in Balaji et al. 2022 (eDiff-I, arXiv 2211.01324). It has the shape of the
network that finishes, says x0 as that one does, and is best begun with its weights, which know scenes already. It
learns from scenes, from bent ones (`bent`), and from drawings that CLIP pulls (`walks`).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.denoisers import network_denoiser
from engine.drawing.models import load_models
from engine.training.toybox.bent import Bent
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.taught import Taught, guess_losses
from engine.training.toybox.train_unet import (
    CONFIG,
    GUESS,
    OFTEN,
    OUTER,
    PATCH,
    add_noise,
    examine,
    losses_of,
    pictures,
    scenes_of,
    weights_of,
    wild_of,
)
from engine.training.toybox.walks import PulledWalks
from engine.training.trainer import Run, Trainer

BATCH, WILD, BENT, PULLED = 48, 12, 6, 14  # of a batch so many are bent scenes in wild colours, so many in the
# palette's, so many are drawings of its own, pulled towards another scene each; the others are scenes.
NOISIEST = ((0, 0.1, 0.5, 0.95, 1), (600, 690, 820, 965, 1000))  # shares of a batch, timesteps they reach
COLOURED = ((0, 1), (650, 920))  # where wild colours can be seen
HIGHEST, STRIDES = ((0, 1), (880, 1000)), (1, 6)  # timesteps where its drawings begin, and their steps
CLEAN = 2.0  # how much more an error of x0 weighs, at most, where there is little noise
BOUNDS = (600, 690, 750, 800, 850, 900, 950, 1000)  # of the ranges that are examined


def train(
    folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None, bf16: bool = False
) -> None:
    """`start_from`: a committed unet.safetensors or early.safetensors to begin with."""
    torch.manual_seed(seed)
    model = Taught(CONFIG).to(device, memory_format=torch.channels_last)
    ideal = IdealDenoiser().to(device)
    bent, pulled = Bent(ideal), PulledWalks(PULLED, STRIDES, load_models("toybox", device), ideal)
    denoise = network_denoiser(lambda x, t: model(x, t)[0], objective="x0", schedule="cosine", patch=PATCH)
    run = Run(folder=folder, steps=steps, seed=seed, start_from=start_from, bf16=bf16, hold=0.4, ema=0.995, outer=OUTER)

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        scenes = scenes_of(rng, BATCH - WILD - BENT - PULLED, OFTEN)
        wild_x, wild_t, told = wild_of(rng, bent, WILD, COLOURED)
        x, t = add_noise(rng, torch.cat([pictures(scenes), bent(rng, BENT)]), NOISIEST)
        pulled.begin(rng, *add_noise(rng, pictures(scenes_of(rng, pulled.missing, OFTEN)), HIGHEST))
        x, t = (torch.cat(parts).to(device) for parts in ((wild_x, x, pulled.x), (wild_t, t, pulled.t)))
        losses, _, guesses = losses_of(model, ideal, x, t, "x0", told)
        points = pulled.clip.encode_texts([said.text for said in pulled.captions(rng)])
        pulled.advance(rng, pulled.pull(rng, denoise, points))
        named = guess_losses(guesses[WILD : WILD + len(scenes)], scenes).mean()
        return (losses * weights_of(ideal, t, CLEAN)).mean() + GUESS * named

    Trainer(model, run, pulled.state).fit(loss_of, lambda average: examine(average, device, "x0", BOUNDS))
