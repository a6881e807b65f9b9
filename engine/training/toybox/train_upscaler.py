"""trains the toybox's upscaler: degraded 64 px scenes to clean ones at 256 px.

The network is the SRVGGNetCompact of Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833), in spandrel's own class.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.imports import import_torchvision
from engine.training.toybox.bent import blur
from engine.training.toybox.train_unet import HELD_OUT, SEEN
from engine.training.toybox.world import SIDE, Scene, random_scene, render
from engine.training.trainer import Run, Trainer

SCALE = 4
FEATURES, CONVOLUTIONS = 32, 6  # 70 k parameters; sees 8 pixels far
BATCH = 8
CROP = 32  # pixels of the small picture
MAX_BLUR = 0.8  # standard deviation, pixels of the small picture
MAX_NOISE = 0.02  # standard deviation, of the range 0 … 1
TINTED, TINT = 0.5, 0.12  # share of scenes in colours off the palette's; how far, standard deviation in 0 … 1
CLOSE_UP = 0.3  # share of scenes drawn SCALE times larger: an upscaled picture may be upscaled again


def network() -> nn.Module:
    import_torchvision()
    from spandrel.architectures.Compact import Compact

    return Compact(num_feat=FEATURES, num_conv=CONVOLUTIONS, upscale=SCALE)


def close_up(rng: np.random.Generator, scene: Scene) -> Scene:
    """The same scene SCALE times larger, with a random spot of the object in the middle of the picture."""
    radius = scene.radius * SCALE
    x, y = SIDE / 2 - radius * rng.uniform(-1, 1, 2)
    return replace(scene, radius=radius, x=x, y=y)


def to_tensor(pixels: list[np.ndarray]) -> Tensor:
    """Pictures in 0 … 1, [n, 3, h, w]."""
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous() / 255


def degrade(rng: np.random.Generator, x: Tensor) -> Tensor:
    """Small pictures [n, 3, 64, 64] with the flaws of a diffusion model: blur, grain, blotches of drifting colour."""
    n = len(x)
    softness, grain, blotches = torch.from_numpy(rng.random((3, n), dtype=np.float32))
    fine = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
    coarse = torch.from_numpy(rng.standard_normal((n, 3, 4, 4), dtype=np.float32))
    drift = F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)
    noise = fine * grain[:, None, None, None] + drift * blotches[:, None, None, None]
    return blur(x, softness * MAX_BLUR) + noise * MAX_NOISE


def tint(rng: np.random.Generator, small: Tensor, large: Tensor) -> tuple[Tensor, Tensor]:
    """Both [n, 3, h, w] in 0 … 1, in some pictures all colours moved alike: a drawing's may be none of the palette."""
    n = len(small)
    far = TINT * rng.standard_normal((n, 3)) * (rng.random((n, 1)) < TINTED)
    shift = torch.from_numpy(far).float()[:, :, None, None]
    return (small + shift).clamp(0, 1), (large + shift).clamp(0, 1)


def crops(rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
    """(small [n, 3, CROP, CROP], large [n, 3, CROP·SCALE, CROP·SCALE]) around random spots of random objects."""
    scenes = [random_scene(rng, SEEN) for _ in range(count)]
    scenes = [close_up(rng, scene) if rng.random() < CLOSE_UP else scene for scene in scenes]
    small, large = tint(rng, *(to_tensor([render(scene, scale) for scene in scenes]) for scale in (1, SCALE)))
    small = degrade(rng, small)
    spots = np.array([(s.x, s.y) for s in scenes]) + rng.uniform(-20, 20, (count, 2)) - CROP / 2
    corners = np.rint(spots).astype(int).clip(0, SIDE - CROP)
    inputs = [x[:, top : top + CROP, left : left + CROP] for x, (left, top) in zip(small, corners, strict=True)]
    side = CROP * SCALE
    targets = [
        x[:, top : top + side, left : left + side] for x, (left, top) in zip(large, corners * SCALE, strict=True)
    ]
    return torch.stack(inputs), torch.stack(targets)


def held_out_pairs(count: int = 64) -> tuple[Tensor, Tensor]:
    """Whole pictures (degraded small, clean large) of combinations that training never sees; always the same."""
    rng = np.random.default_rng((1, 0))
    scenes = [random_scene(rng, HELD_OUT) for _ in range(count)]
    small = degrade(rng, to_tensor([render(scene) for scene in scenes]))
    return small, to_tensor([render(scene, SCALE) for scene in scenes])


def psnr(x: Tensor, target: Tensor) -> float:
    """Mean peak signal-to-noise ratio over the pictures, decibels."""
    error = (x.clamp(0, 1) - target).square().mean((1, 2, 3))
    return (-10 * error.log10()).mean().item()


def train(folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None) -> None:
    torch.manual_seed(seed)
    model = network().to(device)
    run = Run(
        folder=folder, steps=steps, seed=seed, start_from=start_from, outer=("body.0.", f"body.{2 * CONVOLUTIONS + 2}.")
    )
    small, large = held_out_pairs()
    bicubic = psnr(F.interpolate(small, scale_factor=SCALE, mode="bicubic"), large)

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        inputs, targets = crops(rng, BATCH)
        return F.l1_loss(model(inputs.to(device)), targets.to(device))

    def evaluate(average: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            pictures = torch.cat([average(batch.to(device)).cpu() for batch in small.split(16)])
        return {"held_out_psnr": psnr(pictures, large), "bicubic_psnr": bicubic}

    Trainer(model, run).fit(loss_of, evaluate)
