"""train the picture book's upscaler: scenes at 64 px, as a diffusion model would leave them, to clean ones at 256 px.

The network is the SRVGGNetCompact of Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833), in spandrel's own class.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.diffusion.retrieval import SceneTable
from engine.networks.imports import import_torchvision
from engine.networks.unet import UNet
from engine.training.picturebook.tables import Tables
from engine.training.picturebook.unets import CONFIG, CPU, add_noise, answer, held_out_scenes
from engine.training.picturebook.world import DRAWINGS_FILE, Renderer, random_scene
from engine.training.toybox.train_upscaler import degrade, psnr, tint
from engine.training.trainer import Run, Trainer

SCALE = 4
FEATURES, CONVOLUTIONS = 48, 8
BATCH, CROP = 8, 32  # pixels of the small picture
ANSWERED = 0.8  # share of batches that a U-Net has answered


def network() -> nn.Module:
    import_torchvision()
    from spandrel.architectures.Compact import Compact

    return Compact(num_feat=FEATURES, num_conv=CONVOLUTIONS, upscale=SCALE)


class Pairs:
    """Small pictures and large ones of the same scenes."""

    def __init__(self, drawings: Path, device: torch.device, unet: Path | None = None) -> None:
        """`unet`: weights whose answers are enlarged in most cases, so that their flaws are mended."""
        self.device = device
        self.small, self.large = Renderer(drawings), Renderer(drawings, scale=SCALE)
        self.unet = UNet(CONFIG).to(device)
        self.table = SceneTable(Tables(drawings).at(16 * SceneTable.fold)).to(device)
        self.mends = unet is not None
        if unet is not None:
            self.unet.load_state_dict({key: value.float() for key, value in load_file(unet).items()})
        self.unet.requires_grad_(False)

    def redraw(self, rng: np.random.Generator, small: Tensor) -> Tensor:
        """What the U-Net makes of pictures [n, 3, 64, 64] in 0 … 1 that were noised."""
        x, t = add_noise(rng, small * 2 - 1, ((0, 1), (10, 350)))
        with torch.autocast(x.device.type, torch.bfloat16):
            return (answer(self.unet, self.table, x, t).float() + 1) / 2

    def __call__(self, scenes: list) -> tuple[Tensor, Tensor]:
        """[n, 3, 64, 64] and [n, 3, 256, 256] in 0 … 1."""
        found = []
        for render in (self.small, self.large):
            pixels = np.stack([render(scene) for scene in scenes])
            found.append(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float() / 255)
        return found[0], found[1]

    def crops(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Random parts, the small ones with the flaws of a diffusion model."""
        small, large = tint(rng, *self([random_scene(rng) for _ in range(count)]))
        mended = self.mends and rng.random() < ANSWERED
        small = self.redraw(rng, small.to(self.device)) if mended else degrade(rng, small).to(self.device)
        corners = rng.integers(0, 64 - CROP, (count, 2), endpoint=True)
        near = [x[:, top : top + CROP, left : left + CROP] for x, (left, top) in zip(small, corners, strict=True)]
        side = CROP * SCALE
        far = [
            x[:, top : top + side, left : left + side] for x, (left, top) in zip(large, corners * SCALE, strict=True)
        ]
        return torch.stack(near), torch.stack(far).to(self.device)


def train(
    folder: Path,
    steps: int,
    batch: int = BATCH,
    seed: int = 0,
    start_from: Path | None = None,
    unet: Path | None = None,
    drawings: Path = DRAWINGS_FILE,
    device: torch.device = CPU,
    **limits: float | None,
) -> None:
    """`unet`: weights of the U-Net whose pictures it is to enlarge; `limits`: of the Run."""
    torch.manual_seed(seed)
    model, pairs = network().to(device), Pairs(drawings, device, unet)
    run = Run(
        folder=folder,
        steps=steps,
        seed=seed,
        start_from=start_from,
        hold=0.3,
        bf16=False,
        outer=("body.0.", f"body.{2 * CONVOLUTIONS + 2}."),
        **limits,
    )
    scenes = held_out_scenes(np.random.default_rng((1, 0)), 32)
    small, large = (pictures.to(device) for pictures in pairs([scenes.scene(k) for k in range(32)]))
    flaws = np.random.default_rng((1, 1))
    small = pairs.redraw(flaws, small) if unet else degrade(flaws, small.cpu()).to(device)
    bicubic = psnr(F.interpolate(small, scale_factor=SCALE, mode="bicubic"), large)

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        inputs, targets = pairs.crops(rng, batch)
        return F.l1_loss(model(inputs), targets)

    def evaluate(average: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            pictures = torch.cat([average(batch) for batch in small.split(8)])
        return {"held_out_psnr": psnr(pictures, large), "bicubic_psnr": bicubic}

    Trainer(model, run).fit(loss_of, evaluate)
