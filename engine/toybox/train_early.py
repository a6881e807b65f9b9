"""train the U-Net of the early steps: where nearly all is noise, it decides what is drawn, and where.

It sees cells of 4 × 4 pixels as one position, because under heavy noise nothing smaller can be known, and has its width
where the whole picture fits into a few positions: an expert for one range of noise levels, as in Balaji et al. 2022
(eDiff-I, arXiv 2211.01324). Where little is left to decide, the other U-Net goes on.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.denoisers import network_denoiser
from engine.models import load_models
from engine.toybox.ideal import IdealDenoiser
from engine.toybox.taught import Taught, guess_losses
from engine.toybox.train_unet import (
    GUESS,
    OUTER,
    SEEN,
    Spread,
    examine,
    folded,
    losses_of,
    noised,
    pictures,
    scenes_of,
    weights_of,
)
from engine.toybox.training import Run, Trainer
from engine.toybox.walks import PulledWalks, Walks
from engine.toybox.world import Scene
from engine.unet import UNetConfig

PATCH = 4
CONFIG = UNetConfig(
    image_size=16, in_channels=3 * PATCH**2, out_channels=3 * PATCH**2, model_channels=96, num_res_blocks=1,
    attention_resolutions=(2, 4), channel_mult=(1, 1, 1.5), num_head_channels=48, resblock_updown=False, norm_groups=8)
BATCH = 48
NOISIEST = ((0, 0.2, 0.4, 0.7, 0.95, 1), (180, 450, 620, 820, 965, 1000))  # shares of a batch, timesteps they reach
ALONE = 6250  # steps that it learns from scenes alone; from then on most of a batch are drawings of its own:
PULLED, HIGHEST, SHORT = 12, ((0, 1), (880, 1000)), (1, 6)  # some CLIP pulls towards another scene, in short strides;
WALKS, LONG = 26, (5, 45)  # the others go on where that pull has ended
CLEAR, LESSON = 24, 0.02  # pictures of a batch that are also named where they can be seen, and that loss's weight:
CLEAREST = ((0, 1), (0, 700))  # under heavy noise alone the head learns objects slowly
CLEAN = 2.0  # how much more an error of x0 weighs, at most, where there is little noise
BOUNDS = (180, 450, 600, 750, 850, 930, 1000)  # of the ranges that are examined


def lesson_of(model: Taught, rng: np.random.Generator, scenes: list[Scene], device: torch.device,
              spread: Spread) -> Tensor:
    """The head's loss alone, for which half of the network is enough."""
    x, t = noised(rng, pictures(scenes), spread)
    return guess_losses(model.guess(folded(x.to(device), model.patch), t.to(device)), scenes).mean()


def train(folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None,
          bf16: bool = False) -> None:
    torch.manual_seed(seed)
    model = Taught(CONFIG).to(device, memory_format=torch.channels_last)
    ideal, last = IdealDenoiser().to(device), NOISIEST[1][0]
    pulled, walks = PulledWalks(PULLED, SHORT, load_models("toybox", device), ideal), Walks(WALKS, last, LONG)
    denoise = network_denoiser(lambda x, t: model(x, t)[0], objective="v", schedule="cosine", patch=PATCH)
    run = Run(folder=folder, steps=steps, seed=seed, start_from=start_from, bf16=bf16, hold=0.1, ema=0.995,
              outer=OUTER)

    def from_scenes(rng: np.random.Generator) -> Tensor:
        scenes = scenes_of(rng, BATCH, SEEN)
        x, t = noised(rng, pictures(scenes), NOISIEST)
        x, t = x.to(device), t.to(device)
        losses, _, guesses = losses_of(model, ideal, x, t, "v")
        lesson = lesson_of(model, rng, scenes[:CLEAR], device, CLEAREST)
        named = guess_losses(guesses, scenes).mean()
        return (losses * weights_of(ideal, t, CLEAN)).mean() + GUESS * named + LESSON * lesson

    def from_walks(rng: np.random.Generator) -> Tensor:
        scenes = scenes_of(rng, BATCH - PULLED - WALKS, SEEN)
        x, t = noised(rng, pictures(scenes), NOISIEST)
        pulled.begin(rng, *noised(rng, pictures(scenes_of(rng, pulled.missing, SEEN)), HIGHEST))
        walks.begin(rng, *(pulled.some(rng, walks.missing) if len(pulled.state["kept_t"])
                           else noised(rng, pictures(scenes_of(rng, walks.missing, SEEN)), NOISIEST)))
        x, t = torch.cat([x, pulled.x, walks.x]).to(device), torch.cat([t, pulled.t, walks.t]).to(device)
        losses, x0, guesses = losses_of(model, ideal, x, t, "v")
        points = pulled.clip.encode_texts([said.text for said in pulled.captions(rng)])
        pulled.advance(rng, pulled.pull(rng, denoise, points))
        walks.advance(rng, x0[-WALKS:].cpu())
        named = guess_losses(guesses[:len(scenes)], scenes).mean()
        return (losses * weights_of(ideal, t, CLEAN)).mean() + GUESS * named

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        return from_scenes(rng) if step < ALONE else from_walks(rng)

    Trainer(model, run, walks.state, pulled.state).fit(loss_of, lambda average: examine(average, device, "v", BOUNDS))
