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
TEMPLATES = list(product(OBJECTS, RADII, PLACES, PLACES))  # object, radius, how far off the middle it lies: x, y
PAIRS = [(ink, paper) for ink, paper in product(COLOURS, COLOURS) if ink != paper]


class IdealDenoiser(nn.Module):
    """E[x0 | x_t] over the scenes of the world, on the cosine schedule."""

    masks: Tensor  # [templates, SIDE²] coverage
    ink: Tensor  # [pairs, 3] object's colour less the background's, in −1 … 1
    paper: Tensor  # [pairs, 3]
    energy: Tensor  # [templates, pairs] squared norm of each scene; ∞ where it does not exist
    unseen: Tensor  # [templates, colours, colours] bool: which are held out, in this and that colour
    palette: Tensor  # [colours, 3] in −1 … 1
    levels: Tensor  # [1000] ᾱ

    def __init__(self, held_out_too: bool = False) -> None:
        """`held_out_too`: for measuring; whatever learns from its answers must not hear of those scenes."""
        super().__init__()
        masks = torch.from_numpy(np.array([_mask(*template).ravel() for template in TEMPLATES]))
        palette = {name: torch.tensor(rgb) / 127.5 - 1 for name, rgb in COLOURS.items()}
        paper = torch.stack([palette[below] for _, below in PAIRS])
        ink = torch.stack([palette[above] - palette[below] for above, below in PAIRS])
        energy = (SIDE**2 * paper.square().sum(1) + 2 * masks.sum(1, keepdim=True) * (paper * ink).sum(1)
                  + masks.square().sum(1, keepdim=True) * ink.square().sum(1))
        unseen = torch.tensor([[[held_out(name, above, below) and not held_out_too for below in COLOURS]
                                for above in COLOURS] for name, *_ in TEMPLATES])
        above, below = torch.tensor([[list(COLOURS).index(name) for name in pair] for pair in PAIRS]).T
        energy[unseen[:, above, below]] = torch.inf
        for name, value in (("masks", masks), ("ink", ink), ("paper", paper), ("energy", energy), ("unseen", unseen),
                            ("palette", torch.stack(list(palette.values())))):
            self.register_buffer(name, value)
        self.register_buffer("levels", torch.from_numpy(alphas_cumprod("cosine")).float())

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """x0 [n, 3, SIDE, SIDE] of x_t in −1 … 1; t: [n] int on 0 … 999."""
        with torch.autocast(x.device.type, enabled=False):
            weights, pixels = self.likely(x, t), x.flatten(2)  # n templates pairs; n c p
            drawn = (weights @ self.ink).transpose(1, 2).flatten(0, 1) @ self.masks  # n·c p
            found = (weights.sum(1) @ self.paper)[..., None] + drawn.view_as(pixels)
        return found.view_as(x)

    def likely(self, x: Tensor, t: Tensor) -> Tensor:
        """p(scene | x_t), [n, templates, pairs]; of each picture all together are 1.

        log p(x_t | scene) = (√ᾱ ⟨x, s⟩ − ᾱ ‖s‖² / 2) / (1 − ᾱ) up to a constant, and s = paper + mask · ink.
        """
        level = self.levels[t][:, None, None]  # n 1 1
        pixels = x.flatten(2)  # n c p
        gain, loss = level.sqrt() / (1 - level), level / (2 * (1 - level))
        covered = (pixels.flatten(0, 1) @ self.masks.T).view(len(x), 3, -1)  # n c templates
        likely = torch.baddbmm(self.energy * -loss, covered.transpose(1, 2), gain * self.ink.T)  # n templates pairs
        likely = likely + gain * (pixels.sum(2) @ self.paper.T)[:, None]
        return likely.flatten(1).softmax(dim=1).view_as(likely)

    def scenes(self, x: Tensor, t: Tensor, rng: np.random.Generator) -> list[Scene]:
        """One for each picture, drawn from what x_t may be."""
        chances = self.likely(x, t).flatten(1).double().cumsum(1).cpu()
        places = torch.from_numpy(rng.random((len(x), 1))) * chances[:, -1:]
        return [self.scene(int(number)) for number in torch.searchsorted(chances, places)]

    def scene(self, number: int) -> Scene:
        """The one with this number, counted as `likely` does."""
        template, pair = divmod(number, len(self.paper))
        name, radius, right, down = TEMPLATES[template]
        ink, paper = PAIRS[pair]
        size = next(size for size, radii in SIZES.items() if radius in radii)
        return Scene(object=name, colour=ink, background=paper, size=size, x=SIDE / 2 + right, y=SIDE / 2 + down,
                     radius=radius)

    def knows(self, ink: Tensor, paper: Tensor) -> Tensor:
        """Which templates it knows in colours [n, 3] as near to the palette as to any, [n, templates] bool."""
        above, below = (torch.cdist(colour.to(self.palette), self.palette).argmin(1) for colour in (ink, paper))
        return ~self.unseen[:, above, below].T

    def of_colours(self, x: Tensor, t: Tensor, ink: Tensor, paper: Tensor) -> Tensor:
        """x0 as `forward` says it, where both colours [n, 3] are told, which may be any, and only the object is not."""
        level, pixels = self.levels[t][:, None], x.flatten(2)
        step = ink - paper
        covered = (pixels.flatten(0, 1) @ self.masks.T).view(len(x), 3, -1)
        energy = 2 * self.masks.sum(1) * (paper * step).sum(1, keepdim=True)  # n templates, but for what all share
        energy = energy + self.masks.square().sum(1) * step.square().sum(1, keepdim=True)
        likely = (level.sqrt() * (covered * step[..., None]).sum(1) - level / 2 * energy) / (1 - level)
        weights = likely.masked_fill(~self.knows(ink, paper), -torch.inf).softmax(dim=1)
        return (paper[..., None] + step[..., None] * (weights @ self.masks)[:, None]).view_as(x)


def _mask(name: str, radius: float, right: float, down: float) -> np.ndarray:
    return object_mask(Scene(object=name, colour="", background="", size="", x=SIDE / 2 + right, y=SIDE / 2 + down,
                             radius=radius))
