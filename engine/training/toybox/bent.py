"""distorted scenes: blended and warped outlines, as an uncertain network draws them.

A network that only ever sees scenes takes any outline for the one that was drawn, and bends it further at each step.
These show it what it must straighten; what it should answer is the ideal denoiser's word, the scene that lies nearest.
Some have wild colours, so that it learns to see colours rather than which of them it has met together: those that were
held out it would take for the nearest that were not. And some have blotches of another colour, as a pull leaves them.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.training.toybox.ideal import PAIRS, IdealDenoiser
from engine.training.toybox.world import SIDE, SIZES

BLURS = (0.0, 1.5, 3.0)  # pixels
FIRMNESS = (0, 6, 15, 30)  # of the outline drawn anew around what was mixed; 0 leaves it soft
FIRST_SHARE = (0.45, 1.0)  # of the shape that goes before the other one
PUSH, PUSHED = 1.6, 0.7  # mean way in pixels that an outline is pushed, and how many are
SIZES_ALIKE = 0.7  # share of pairs of shapes that have one size
TINT, WILD = 0.04, 0.3  # standard deviations of a colour from the palette's, which spans −1 … 1
OBJECTS_BLOTCHED, GROUNDS_BLOTCHED = (0.6, 1.0), (0.25, 0.7)  # how many have another colour in places, how strongly


class Bent:
    """Draws them; only with combinations that `ideal` knows."""

    def __init__(self, ideal: IdealDenoiser) -> None:
        self.ideal = ideal
        masks = ideal.masks.cpu().view(-1, 1, SIDE, SIDE)
        sigmas = [(torch.full((len(masks),), pixels), int(3 * pixels + 1)) for pixels in BLURS]  # 0 blurs nothing
        self.masks = torch.stack([blur(masks, *sigma) for sigma in sigmas])  # blurs templates 1 side side
        self.paper, self.ink = ideal.paper.cpu(), (ideal.paper + ideal.ink).cpu()
        self.pairs = [np.flatnonzero(known) for known in torch.isfinite(ideal.energy).cpu().numpy()]  # of each template

    def __call__(self, rng: np.random.Generator, count: int) -> Tensor:
        """[count, 3, SIDE, SIDE] in about −1 … 1."""
        first = rng.integers(self.masks.shape[1], size=count)
        pairs = [rng.choice(self.pairs[template]) for template in first]
        paper, ink = (colours[pairs] + TINT * _normal(rng, count, 3) for colours in (self.paper, self.ink))
        return self._paint(rng, self._covers(rng, first), ink, paper)

    def wild(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """The same in colours that lie all about the palette's; then those of object and background, [count, 3]."""
        pairs = rng.integers(len(PAIRS), size=count)
        ink, paper = (colours[pairs] + WILD * _normal(rng, count, 3) for colours in (self.ink, self.paper))
        ink, paper = ink.clamp(-1, 1), paper.clamp(-1, 1)
        known = self.ideal.knows(ink, paper).cpu().numpy()  # count templates
        first = np.array([rng.choice(np.flatnonzero(allowed)) for allowed in known], dtype=np.int64)
        return self._paint(rng, self._covers(rng, first), ink, paper), ink, paper

    def _paint(self, rng: np.random.Generator, cover: Tensor, ink: Tensor, paper: Tensor) -> Tensor:
        """The object in the one colour [n, 3], all about it in the other, some with blotches of a third."""
        above = blotch(rng, ink, self.ideal.palette.cpu(), *OBJECTS_BLOTCHED)
        below = blotch(rng, paper, self.ideal.palette.cpu(), *GROUNDS_BLOTCHED)
        return below * (1 - cover) + above * cover

    def _covers(self, rng: np.random.Generator, first: np.ndarray) -> Tensor:
        """Where the bent objects lie, [n, 1, SIDE, SIDE] in 0 … 1; most of each is template `first`."""
        sizes, templates, count = len(SIZES), self.masks.shape[1], len(first)
        second = rng.integers(templates, size=count)
        alike = rng.random(count) < SIZES_ALIKE
        second = np.where(alike, second - second % sizes + first % sizes, second)
        share, level = _column(rng.uniform(*FIRST_SHARE, count)), rng.integers(len(BLURS), size=count)
        mixed = share * self.masks[level, first] + (1 - share) * self.masks[level, second]
        return _firm(_warp(rng, mixed), _column(rng.choice(FIRMNESS, size=count)))


def blotch(rng: np.random.Generator, colour: Tensor, palette: Tensor, many: float, most: float) -> Tensor:
    """A colour [n, 3] all over the picture, [n, 3, SIDE, SIDE]; in a share of them soft blotches of another one."""
    n, cells = len(colour), int(rng.choice([2, 3, 4]))
    field = F.interpolate(_normal(rng, n, 1, cells, cells), size=SIDE, mode="bicubic", align_corners=True)
    edge, steepness = _column(rng.uniform(0.1, 1.2, n)), _column(rng.choice([3.0, 8.0], size=n))
    strength = _column(rng.uniform(0.2, most, n) * (rng.random(n) < many))
    other = palette[torch.from_numpy(rng.integers(len(palette), size=n))] - colour
    return colour[:, :, None, None] + strength * torch.sigmoid(steepness * (field - edge)) * other[:, :, None, None]


def _column(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).float()[:, None, None, None]


def _normal(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def blur(x: Tensor, sigma: Tensor, reach: int = 3) -> Tensor:
    """Each picture of x [n, c, h, w] under its own Gaussian of standard deviation sigma [n], `reach` far, in pixels."""
    n, c, h, w = x.shape
    at = torch.arange(-reach, reach + 1.0)
    kernel = torch.exp(-(at**2) / (2 * sigma.clamp(min=0.05)[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)[:, None]  # n·c 1 2·reach+1
    padded = F.pad(x, [reach] * 4, mode="replicate").view(1, n * c, h + 2 * reach, w + 2 * reach)
    rows = F.conv2d(padded, kernel[..., None, :], groups=n * c)
    return F.conv2d(rows, kernel[..., None], groups=n * c).view(x.shape)


def _warp(rng: np.random.Generator, cover: Tensor) -> Tensor:
    """Every place moved by a smooth random way."""
    n, cells = len(cover), int(rng.choice([3, 5, 8]))
    far = _column(rng.exponential(PUSH, n) * (rng.random(n) < PUSHED)) * 2 / SIDE  # grid_sample spans −1 … 1
    ways = far * F.interpolate(_normal(rng, n, 2, cells, cells), size=SIDE, mode="bicubic", align_corners=True)
    here = F.affine_grid(torch.eye(2, 3)[None], [1, 1, SIDE, SIDE], align_corners=False)
    return F.grid_sample(cover, here + ways.permute(0, 2, 3, 1), align_corners=False)


def _firm(cover: Tensor, firmness: Tensor) -> Tensor:
    """A sharp outline where half is covered; firmness 0 leaves everything as it is."""
    return torch.where(firmness > 0, torch.sigmoid(firmness * (cover - 0.5)), cover).clamp(0, 1)
