"""the best denoiser there can be for the toybox's world: the mean of all scenes, weighed by how well they explain x_t.

No network and nothing learned: the world is small enough to try every scene of it. It teaches the U-Nets where a single
picture says little, or where they have left the pictures they were shown; it shows CLIP what guidance will show it; and
it tells how well guidance could do with a perfect U-Net.
"""

from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from engine.schedule import alphas_cumprod
from engine.toybox.world import COLOURS, OBJECTS, PLACES, SIDE, SIZES, Scene, held_out, object_mask

RADII = tuple(radius for radii in SIZES.values() for radius in radii)


class IdealDenoiser(nn.Module):
    """E[x0 | x_t] over the scenes of the world, on the cosine schedule."""

    masks: Tensor  # [templates, SIDE²] coverage
    ink: Tensor  # [pairs, 3] object's colour less the background's, in −1 … 1
    paper: Tensor  # [pairs, 3]
    energy: Tensor  # [templates, pairs] squared norm of each scene; ∞ where it does not exist
    levels: Tensor  # [1000] ᾱ

    def __init__(self, held_out_too: bool = False) -> None:
        """`held_out_too`: for measuring; whatever learns from its answers must not hear of those scenes."""
        super().__init__()
        templates = [(name, radius, x, y) for name in OBJECTS for radius, x, y in product(RADII, PLACES, PLACES)]
        masks = torch.from_numpy(np.array([_mask(*template).ravel() for template in templates]))
        pairs = [(ink, paper) for ink, paper in product(COLOURS, COLOURS) if ink != paper]
        palette = {name: torch.tensor(rgb) / 127.5 - 1 for name, rgb in COLOURS.items()}
        paper = torch.stack([palette[below] for _, below in pairs])
        ink = torch.stack([palette[above] - palette[below] for above, below in pairs])
        energy = (SIDE**2 * paper.square().sum(1) + 2 * masks.sum(1, keepdim=True) * (paper * ink).sum(1)
                  + masks.square().sum(1, keepdim=True) * ink.square().sum(1))
        if not held_out_too:
            unseen = torch.tensor([[held_out(name, *pair) for pair in pairs] for name in OBJECTS])
            energy[unseen.repeat_interleave(len(masks) // len(OBJECTS), dim=0)] = torch.inf
        for name, value in (("masks", masks), ("ink", ink), ("paper", paper), ("energy", energy)):
            self.register_buffer(name, value)
        self.register_buffer("levels", torch.from_numpy(alphas_cumprod("cosine")).float())

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """x0 [n, 3, SIDE, SIDE] of x_t in −1 … 1; t: [n] int on 0 … 999.

        log p(x_t | scene) = (√ᾱ ⟨x, s⟩ − ᾱ ‖s‖² / 2) / (1 − ᾱ) up to a constant, and s = paper + mask · ink.
        """
        with torch.autocast(x.device.type, enabled=False):
            level = self.levels[t][:, None, None]  # n 1 1
            pixels = x.flatten(2)  # n c p
            gain, loss = level.sqrt() / (1 - level), level / (2 * (1 - level))
            covered = (pixels.flatten(0, 1) @ self.masks.T).view(len(x), 3, -1)  # n c templates
            likely = torch.baddbmm(self.energy * -loss, covered.transpose(1, 2), gain * self.ink.T)  # n templates pairs
            likely = likely + gain * (pixels.sum(2) @ self.paper.T)[:, None]
            weights = likely.flatten(1).softmax(dim=1).view_as(likely)
            drawn = (weights @ self.ink).transpose(1, 2).flatten(0, 1) @ self.masks  # n·c p
            found = (weights.sum(1) @ self.paper)[..., None] + drawn.view_as(pixels)
        return found.view_as(x)

    def v(self, x: Tensor, t: Tensor) -> Tensor:
        """The same answer as v = (√ᾱ·x − x0) / √(1 − ᾱ)."""
        level = self.levels[t][:, None, None, None]
        return (level.sqrt() * x - self(x, t)) / (1 - level).sqrt()


def _mask(name: str, radius: float, right: float, down: float) -> np.ndarray:
    return object_mask(Scene(object=name, colour="", background="", size="", x=SIDE / 2 + right, y=SIDE / 2 + down,
                             radius=radius))
