"""the ideal denoiser of the toybox: the posterior mean over all scenes.

No network and nothing learned: the world is small enough to try every scene of it. It teaches the U-Nets where a single
picture says little, or where they have left the pictures they were shown; it shows CLIP what guidance will show it; and
it tells how well guidance could do with a perfect U-Net.
"""

from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from engine.diffusion.schedule import alphas_cumprod
from engine.training.toybox.world import COLOURS, OBJECTS, PLACES, SIDE, SIZES, Scene, held_out, object_mask

RADII = tuple(radius for radii in SIZES.values() for radius in radii)
TEMPLATES = list(product(OBJECTS, RADII, PLACES, PLACES))  # object, radius, how far off the middle it lies: x, y
PAIRS = [(ink, paper) for ink, paper in product(COLOURS, COLOURS) if ink != paper]
INKS, PAPERS = ([list(COLOURS).index(pair[k]) for pair in PAIRS] for k in (0, 1))  # the same, counted as the palette is


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
        palette = torch.stack([torch.tensor(rgb) / 127.5 - 1 for rgb in COLOURS.values()])
        paper, ink = palette[PAPERS], palette[INKS] - palette[PAPERS]
        energy = _energy(masks, ink, paper)
        unseen = torch.tensor(
            [
                [[held_out(name, above, below) and not held_out_too for below in COLOURS] for above in COLOURS]
                for name, *_ in TEMPLATES
            ]
        )
        energy[unseen[:, INKS, PAPERS]] = torch.inf
        for name, value in (
            ("masks", masks),
            ("ink", ink),
            ("paper", paper),
            ("energy", energy),
            ("unseen", unseen),
            ("palette", palette),
        ):
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
        gain, loss = level.sqrt() / (1 - level), level / (2 * (1 - level))
        covered = self._overlaps(x).transpose(1, 2)
        likely = torch.baddbmm(self.energy * -loss, covered, gain * self.ink.T)  # n templates pairs
        likely = likely + gain * (x.sum((2, 3)) @ self.paper.T)[:, None]
        return likely.flatten(1).softmax(dim=1).view_as(likely)

    def scenes(self, likely: Tensor, rng: np.random.Generator) -> list[Scene]:
        """One for each picture, drawn from what it may be, as `likely` says."""
        chances = likely.flatten(1).double().cumsum(1).cpu()
        places = torch.from_numpy(rng.random((len(chances), 1))) * chances[:, -1:]
        return [self.scene(int(number)) for number in torch.searchsorted(chances, places)]

    def scene(self, number: int) -> Scene:
        """The one with this number, counted as `likely` does."""
        template, pair = divmod(number, len(self.paper))
        name, radius, right, down = TEMPLATES[template]
        ink, paper = PAIRS[pair]
        size = next(size for size, radii in SIZES.items() if radius in radii)
        return Scene(
            object=name, colour=ink, background=paper, size=size, x=SIDE / 2 + right, y=SIDE / 2 + down, radius=radius
        )

    def knows(self, ink: Tensor, paper: Tensor) -> Tensor:
        """Which templates it knows in colours [n, 3] as near to the palette as to any, [n, templates] bool."""
        above, below = (torch.cdist(colour.to(self.palette), self.palette).argmin(1) for colour in (ink, paper))
        return ~self.unseen[:, above, below].T

    def of_colours(self, x: Tensor, t: Tensor, ink: Tensor, paper: Tensor) -> Tensor:
        """x0 as `forward` says it, where both colours [n, 3] are told, which may be any, and only the object is not."""
        level, step = self.levels[t][:, None], ink - paper
        with torch.autocast(x.device.type, enabled=False):
            covered, energy = (self._overlaps(x) * step[..., None]).sum(1), _energy(self.masks, step, paper).T
            likely = (level.sqrt() * covered - level / 2 * energy) / (1 - level)  # n templates
            weights = likely.masked_fill(~self.knows(ink, paper), -torch.inf).softmax(dim=1)
            return (paper[..., None] + step[..., None] * (weights @ self.masks)[:, None]).view_as(x)

    def _overlaps(self, x: Tensor) -> Tensor:
        """⟨x, mask⟩ of each channel and template, [n, c, templates]."""
        return (x.flatten(2).flatten(0, 1) @ self.masks.T).view(len(x), 3, -1)


def _energy(masks: Tensor, step: Tensor, paper: Tensor) -> Tensor:
    """‖paper + mask · step‖² of every template in every pair of colours [n, 3], [templates, n]."""
    return (
        SIDE**2 * paper.square().sum(1)
        + 2 * masks.sum(1, keepdim=True) * (paper * step).sum(1)
        + masks.square().sum(1, keepdim=True) * step.square().sum(1)
    )


def _mask(name: str, radius: float, right: float, down: float) -> np.ndarray:
    return object_mask(
        Scene(object=name, colour="", background="", size="", x=SIDE / 2 + right, y=SIDE / 2 + down, radius=radius)
    )
