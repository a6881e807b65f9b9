"""train the toybox's U-Net to predict v of noisy scenes (Salimans & Ho 2022, arXiv 2202.00512)."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.schedule import alphas_cumprod
from engine.toybox.training import Run, Trainer
from engine.toybox.world import COMBINATIONS, held_out, random_scene, render
from engine.unet import UNet, UNetConfig

PATCH = 2  # the network sees PATCH × PATCH pixels as channels of one position
# A norm group of few channels normalises their means away, and with them colour: so 64 channels outermost, 8 groups.
CONFIG = UNetConfig(
    image_size=32, in_channels=3 * PATCH**2, out_channels=3 * PATCH**2, model_channels=64, num_res_blocks=1,
    attention_resolutions=(2, 4), channel_mult=(1, 1, 2), num_head_channels=32, resblock_updown=False, norm_groups=8)
BATCH = 32
NOISIER = 0.75  # power of the timesteps: below 1 favours those where what is drawn, and where, is decided
SEEN = [c for c in COMBINATIONS if not held_out(*c)]
HELD_OUT = [c for c in COMBINATIONS if held_out(*c)]


def pictures(rng: np.random.Generator, count: int, combinations: list[tuple[str, str, str]]) -> Tensor:
    """Random scenes, [count, 3, 64, 64] in −1 … 1."""
    pixels = np.stack([render(random_scene(rng, combinations)) for _ in range(count)])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def noised(rng: np.random.Generator, x0: Tensor, power: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """(x_t, v, t) for timesteps spread evenly over the batch; a power above 1 favours the cleaner ones."""
    levels = torch.from_numpy(alphas_cumprod("cosine")).float()
    n = len(x0)
    t = torch.from_numpy(((rng.permutation(n) + rng.random(n)) / n) ** power * len(levels)).long()
    noise = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
    alpha = levels[t].sqrt()[:, None, None, None]
    sigma = (1 - levels[t]).sqrt()[:, None, None, None]
    return alpha * x0 + sigma * noise, alpha * noise - sigma * x0, t


def importance(t: Tensor) -> Tensor:
    """1 / (1 + (λ / 2.3)²) with λ = log ᾱ/(1 − ᾱ), [n]: one over what the loss comes to at each noise level.

    Near pure noise, and where almost nothing is left to remove, most of the loss cannot be learned
    away; weighed like this the levels where shapes are decided are no longer drowned by the rest.
    """
    level = torch.from_numpy(alphas_cumprod("cosine"))[t]
    return (1 / (1 + (torch.logit(level) / 2.3) ** 2)).float()


def v_losses(model: nn.Module, rng: np.random.Generator, x0: Tensor, device: torch.device,
             power: float = 1.0) -> tuple[Tensor, Tensor]:
    """Squared error of v for each picture, [n], and its timestep, [n]."""
    x, v, t = noised(rng, x0, power)
    folded = F.pixel_unshuffle(x, PATCH).to(device, memory_format=torch.channels_last)
    out = model(folded, t.to(device))
    return (out - F.pixel_unshuffle(v, PATCH).to(device)).square().mean((1, 2, 3)), t


def train(folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None,
          bf16: bool = False) -> None:
    torch.manual_seed(seed)
    model = UNet(CONFIG).to(device, memory_format=torch.channels_last)  # a third faster with bfloat16 products
    run = Run(folder=folder, steps=steps, seed=seed, start_from=start_from, bf16=bf16, muon_lr=0.012, hold=0.1,
              outer=("input_blocks.0.", "out.", "time_embed."))

    def evaluate(average: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            rngs = [np.random.default_rng((1, k)) for k in range(4)]
            found = [v_losses(average, rng, pictures(rng, 64, HELD_OUT), device) for rng in rngs]
        losses, t = (torch.cat(parts).cpu() for parts in zip(*found, strict=True))
        return {"held_out_v_loss": losses.mean().item(),
                "held_out_v_loss_t_300_to_850": losses[(t >= 300) & (t <= 850)].mean().item()}

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        losses, t = v_losses(model, rng, pictures(rng, BATCH, SEEN), device, NOISIER)
        return (losses * importance(t).to(device)).mean()

    Trainer(model, run).fit(loss_of, evaluate)
