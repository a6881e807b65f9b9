"""a U-Net with an auxiliary head that predicts what is drawn and where.

The loss of v alone hardly rewards a network for agreeing with itself, so it learns colours and edges long before
objects. Asked at every position of its middle block for the object, both colours, the size and the way to the object's
centre, it learns to see them within 30,000 pictures. The thought is that of REPA (Yu et al. 2024, arXiv 2410.06940),
with the scene itself in place of another network's features. The head is thrown away when the weights are packed.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.networks.unet import UNet, UNetConfig
from engine.training.toybox.world import COLOURS, OBJECTS, SIDE, Scene

BINS = (len(OBJECTS), len(COLOURS), len(COLOURS), 9, 32, 32)  # object, ink, paper, radius, way to the centre: x, y
SMALLEST = 9.0  # radius in pixels from which its bins count, two pixels each


class Taught(UNet):
    """The U-Net and its head; gives (v, guesses [n, positions, sum(BINS)])."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        width = int(config.channel_mult[-1] * config.model_channels)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, sum(BINS)))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        middle, skips, emb = self.encode(x, t, y)
        guesses = self.head(middle.flatten(2).transpose(1, 2).contiguous())
        return self.decode(middle, skips, emb), guesses

    def load_state_dict(
        self,
        state_dict: Mapping[str, Tensor],
        strict: bool = True,  # type: ignore[override]
        assign: bool = False,
    ) -> object:
        """As ever, but committed weights have no head: the one that is here stays."""
        head = {key: value for key, value in self.state_dict().items() if key.startswith("head.")}
        return super().load_state_dict(head | dict(state_dict), strict, assign)

    @property
    def patch(self) -> int:
        """Pixels, each way, that are one position of the network."""
        return SIDE // self.config.image_size


def answers(scenes: list[Scene], side: int) -> Tensor:
    """What the head should say at each of side · side positions, [n, side², len(BINS)] int64."""
    here = (np.arange(side) + 0.5) * SIDE / side
    rows = np.empty((len(scenes), side, side, len(BINS)), dtype=np.int64)
    for row, scene in zip(rows, scenes, strict=True):
        row[..., :4] = (
            list(OBJECTS).index(scene.object),
            list(COLOURS).index(scene.colour),
            list(COLOURS).index(scene.background),
            int((scene.radius - SMALLEST) / 2),
        )
        row[..., 4] = ((scene.x - here) / SIDE + 1) * BINS[4] / 2
        row[..., 5] = ((scene.y - here) / SIDE + 1)[:, None] * BINS[5] / 2
    return torch.from_numpy(rows).flatten(1, 2)


def guess_losses(guesses: Tensor, scenes: list[Scene]) -> Tensor:
    """Cross-entropy of all six answers, mean over the positions, [n]."""
    right = answers(scenes, math.isqrt(guesses.shape[1])).to(guesses.device)
    losses = [
        F.cross_entropy(said.float().flatten(0, 1), truth.flatten(), reduction="none")
        for said, truth in zip(guesses.split(BINS, dim=2), right.unbind(2), strict=True)
    ]
    return torch.stack(losses).sum(0).view(right.shape[:2]).mean(1)


def names_right(guesses: Tensor, scenes: list[Scene]) -> Tensor:
    """Whether the object that most positions believe in is the scene's, [n] bool."""
    said = guesses[..., : BINS[0]].mean(1).argmax(1).cpu()
    return said == answers(scenes, 1)[:, 0, 0]
