"""the best denoiser there can be for the toybox's world: the mean of all scenes, weighed by how well they explain x_t.

No network and nothing learned: the world is small enough to lay a grid over it. It shows CLIP what guidance will show
it, and it tells how well guidance could do with a perfect U-Net.
"""

import numpy as np
import torch
from torch import Tensor, nn

from engine.schedule import alphas_cumprod
from engine.toybox.world import COLOURS, OBJECTS, SIDE, WANDER, Scene, object_mask

RADII = (14.0, 17.5, 19.5, 23.5, 25.5)  # pixels
GRID = 2.0  # pixels between two places of an object


class IdealDenoiser(nn.Module):
    """E[x0 | x_t] over a grid of all objects, colours, radii and places, on the cosine schedule."""

    masks: Tensor  # [templates, SIDE²] coverage
    ink: Tensor  # [pairs, 3] object's colour less the background's, in −1 … 1
    paper: Tensor  # [pairs, 3]
    energy: Tensor  # [templates, pairs] squared norm of each scene
    levels: Tensor  # [1000] ᾱ

    def __init__(self, grid: float = GRID) -> None:
        super().__init__()
        masks = torch.from_numpy(np.array([mask.ravel() for mask in _masks(grid)]))
        palette = torch.tensor(list(COLOURS.values())).float() / 127.5 - 1
        first, second = torch.where(~torch.eye(len(palette), dtype=torch.bool))
        paper, ink = palette[second], palette[first] - palette[second]
        energy = (SIDE**2 * paper.square().sum(1) + 2 * masks.sum(1, keepdim=True) * (paper * ink).sum(1)
                  + masks.square().sum(1, keepdim=True) * ink.square().sum(1))
        for name, value in (("masks", masks), ("ink", ink), ("paper", paper), ("energy", energy)):
            self.register_buffer(name, value)
        self.register_buffer("levels", torch.from_numpy(alphas_cumprod("cosine")).float())

    def forward(self, x: Tensor, t: Tensor, own: Tensor | None = None) -> Tensor:
        """x0 [n, 3, SIDE, SIDE] of x_t in −1 … 1; t: [n] int on 0 … 999.

        log p(x_t | scene) = (√ᾱ ⟨x, s⟩ − ᾱ ‖s‖² / 2) / (1 − ᾱ) up to a constant, and s = paper + mask · ink.

        `own` are the pictures that the noise was added to: each then counts as one more scene of the grid, so that the
        answer is sharp where the noise leaves no doubt (Xu et al. 2023, stable target fields, arXiv 2302.00670).
        """
        with torch.autocast(x.device.type, enabled=False):
            level = self.levels[t][:, None, None]  # n 1 1
            pixels = x.flatten(2)  # n c p
            gain, loss = level.sqrt() / (1 - level), level / (2 * (1 - level))
            covered = (pixels.flatten(0, 1) @ self.masks.T).view(len(x), 3, -1)  # n c templates
            likely = torch.baddbmm(self.energy * -loss, covered.transpose(1, 2), gain * self.ink.T)  # n templates pairs
            likely = likely + gain * (pixels.sum(2) @ self.paper.T)[:, None]
            total = likely.flatten(1).logsumexp(dim=1)[:, None, None]
            weights = (likely - total).exp()
            drawn = (weights @ self.ink).transpose(1, 2).flatten(0, 1) @ self.masks  # n·c p
            found = (weights.sum(1) @ self.paper)[..., None] + drawn.view_as(pixels)
            if own is not None:
                scene = own.flatten(2)
                here = (gain * pixels * scene - loss * scene.square()).sum((1, 2), keepdim=True)
                found = found.lerp(scene, torch.sigmoid(here - total))
        return found.view_as(x)


def _masks(grid: float) -> list[np.ndarray]:
    found = []
    count = int(2 * WANDER / grid) + 1
    places = SIDE / 2 + (np.arange(count) - (count - 1) / 2) * grid
    for name in OBJECTS:
        for radius in RADII:
            found += [object_mask(Scene(object=name, colour="", background="", size="", x=x, y=y, radius=radius))
                      for x in places for y in places]
    return found
