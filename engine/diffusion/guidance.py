"""the pull as a wrapper around a denoiser.

CLIP-guided diffusion (Crowson 2021): the gradient of CLIP's distance between cutouts of the
half-finished picture and the prompt, taken at x_t through the U-Net, moves the sampler's step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from engine.diffusion.cutouts import Crops, Held, cut, join_crops, random_crops, value_at
from engine.diffusion.levels import levels_at
from engine.diffusion.losses import out_of_range, saturation_loss, spherical_distance, total_variation
from engine.diffusion.noise import Stream, uniform
from engine.diffusion.samplers import Denoise, Prediction
from engine.diffusion.schedule import Schedule
from engine.networks.clip import Clip
from engine.networks.tuning import to_device

Phase = Literal["free", "seen", "pulled"]  # nothing of CLIP's; only how far it finds the picture; the pull


@dataclass(frozen=True, kw_only=True)
class Target:
    """What each picture of a batch is pulled towards, for one CLIP; m is the longest prompt's number of parts."""

    clip: Clip
    embeddings: Tensor  # [n, m, d]
    weights: Tensor  # [n, m]; 0 fills up a shorter prompt, negative pushes away


@dataclass(frozen=True, kw_only=True)
class Pull:
    """How strongly, and where CLIP looks."""

    guidance_scale: float
    tv_scale: float
    range_scale: float
    cuts: int
    cut_power: Held
    smallest_cut: int  # pixels
    seeds: list[tuple[int, int]]  # (seed, picture) of each picture: its own cut stream
    from_level: float = 0.0  # guide only where ᾱ is at least this: above it lies noise that has no picture yet
    until_level: float = 1.0  # and only where it is at most this: below lies little noise, where a pull bends outlines
    saturation_scale: float = 0.0
    clamp: float = math.inf  # largest root mean square of a picture's gradient
    largest_shift: float = math.inf  # root mean square by which x0 may be moved in one step
    at_x0: bool = False  # the gradient is taken at x0, without the way back through the network
    overview: Held = 0.0  # share of the crops that are as large as they can be
    grey: Held = 0.0  # share of the others that lose their colour

    def phase(self, levels: Tensor) -> Phase:
        """What a call has to work out for pictures at these ᾱ; those that share one are in the same phase."""
        if not self.guidance_scale or float(levels.max()) < self.from_level:
            return "free"
        return "seen" if float(levels.min()) > self.until_level else "pulled"


DATA = 0.5  # standard deviation of the pixels of pictures, −1 … 1

Cutter = Callable[[Tensor, Tensor], Crops]  # (t [n], pictures [n, c, h, w]) → crops of each


def seeded_cutter(pull: Pull) -> Cutter:
    """Crops from each picture's own stream, named by the timestep, which also says how far the drawing is."""

    def crops_of(seed: int, picture: int, at: float, sides: torch.Size) -> Crops:
        name = at if isinstance(at, int) else 1000 + int(1000 * at)  # an adaptive step ends between two timesteps
        drawn, percent = uniform(seed, picture, Stream.CUTS, name, (1, pull.cuts, 3)), (999 - at) / 10
        power, overview, grey = (value_at(value, percent) for value in (pull.cut_power, pull.overview, pull.grey))
        return random_crops(drawn, *sides, pull.smallest_cut, power, overview=overview, grey=grey)

    def crops_at(t: Tensor, pictures: Tensor) -> Crops:
        sides = pictures.shape[-2:]
        return join_crops([crops_of(*seed, at, sides) for seed, at in zip(pull.seeds, t.tolist(), strict=True)])

    return crops_at


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What one drawing of a batch is pulled towards, and how."""

    targets: list[Target]  # one for each CLIP; all guides of a batch use the same CLIPs
    pull: Pull
    rows: slice = field(default_factory=lambda: slice(None))  # of the batch: the pictures of this drawing
    cutter: Cutter | None = None  # by default `seeded_cutter`


def _distances(guides: list[Guide], x_in: Tensor, crops: Crops) -> list[Tensor]:
    """Of each guide Σ_parts w · mean over the cuts of the spherical distance, [its rows].

    All pictures are cut and encoded together. What follows is done for each drawing alone, for its shape is not that
    of others: they have as many parts as their prompts have.
    """
    found: list[list[Tensor]] = [[] for _ in guides]
    n, k = crops.size.shape
    for number, target in enumerate(guides[0].targets):
        cutouts = cut((x_in + 1) / 2, crops, target.clip.side)  # n k c s s, not clamped
        embeddings = target.clip.encode_images(cutouts.flatten(0, 1)).unflatten(0, (n, k))  # n k d
        for guide, of_guide in zip(guides, found, strict=True):
            mine = guide.targets[number]
            distances = spherical_distance(embeddings[guide.rows, None], mine.embeddings[:, :, None])  # rows m k
            of_guide.append((distances.mean(dim=-1) * mine.weights).sum(dim=-1))
    return [torch.stack(of_clips).sum(dim=0) for of_clips in found]


def _crops(guides: list[Guide], x: Tensor, t: Tensor) -> Crops:
    """Where CLIP looks at each picture of a batch; at those that only fill it up, where it looks at the first."""
    drawn = [(guide.cutter or seeded_cutter(guide.pull))(t[guide.rows], x[guide.rows]) for guide in guides]
    return join_crops(drawn + [drawn[0][:1]] * (len(x) - sum(len(crops.size) for crops in drawn)))


def _clamp_gradient(gradient: Tensor, clamp: float) -> Tensor:
    """Shrink each picture's gradient to a root mean square of at most `clamp`; the notebooks' clamp_grad."""
    if math.isinf(clamp):
        return gradient
    magnitude = gradient.pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    return gradient * (clamp / magnitude.clamp(min=clamp))


def _bound_gradient(gradient: Tensor, level: Tensor, largest_shift: float) -> Tensor:
    """Shrink each picture's gradient so that x0, which it moves by (1 − ᾱ) / √ᾱ times itself, moves no further.

    Near pure noise that factor has no bound, while what a network answers there is rounded: without
    this a single early step can throw the drawing out of the range it ever saw.
    """
    if math.isinf(largest_shift):
        return gradient
    shift = (gradient * (1 - level) / level.sqrt()).pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    return gradient * (largest_shift / shift.clamp(min=largest_shift))


def add_guidance(
    denoise: Denoise, targets: list[Target], pull: Pull, schedule: Schedule, cutter: Cutter | None = None
) -> Denoise:
    """A denoiser whose predictions carry the pull; one forward and one backward through the network a call."""
    return guided_together(denoise, [Guide(targets=targets, pull=pull, cutter=cutter)], schedule)


def guided_together(
    denoise: Denoise, guides: list[Guide], schedule: Schedule, together: Phase | None = None
) -> Denoise:
    """The same for drawings that share a batch, each pulled its own way.

    What is found for a picture depends on how many rows the batch has, never on what the others hold: networks run
    on all rows at once, and all that is not of the same shape for everybody is worked out for each drawing alone.

    Args:
        guides: with the rows of each, from the first row on and in the same phase; rows after the last guide's
            fill the batch up to a width, and nothing is said of them but x0 and eps.
        together: the phase that all of them are in; by default that of the first guide at the levels of all rows.
    """

    def seen(x: Tensor, t: Tensor, level: Tensor) -> tuple[Prediction, Tensor, list[Tensor]]:
        """What is predicted, x_in, and of each guide how far CLIP finds its pictures from their prompts."""
        prediction = denoise(x, t)
        fac = (1 - level).sqrt()
        x_in = prediction.x0 * fac + x * (1 - fac)
        if x_in.requires_grad:
            # what lies in memory otherwise adds up otherwise, and terms that only a neighbour's loss has change that
            x_in.register_hook(Tensor.contiguous)
        return prediction, x_in, _distances(guides, x_in, _crops(guides, x, t))

    def wrapper(x: Tensor, t: Tensor) -> Prediction:
        levels = levels_at(schedule, t).float()
        phase = together or guides[0].pull.phase(levels)
        if phase == "free":
            with torch.no_grad():
                return denoise(x, t)
        level = to_device(levels[:, None, None, None], x.device)  # n 1 1 1
        if phase == "seen":
            with torch.no_grad():
                prediction, _, distances = seen(x, t, level)
            return replace(prediction, distance=torch.cat(distances))
        if guides[0].pull.at_x0:
            return _at_x0(denoise, guides, x, t, level)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            prediction, x_in, distances = seen(x, t, level)
            losses = [_loss(*each, x_in, prediction.x0).sum() for each in zip(guides, distances, strict=True)]
            (gradient,) = torch.autograd.grad(losses, x)
        return Prediction(
            x0=prediction.x0.detach(),
            eps=prediction.eps.detach(),
            pull=torch.cat([_pull(guide.pull, gradient[guide.rows], level[guide.rows]) for guide in guides]),
            variance_mix=prediction.variance_mix,
            distance=torch.cat(distances).detach(),
        )

    return wrapper


def _at_x0(denoise: Denoise, guides: list[Guide], x: Tensor, t: Tensor, level: Tensor) -> Prediction:
    """The gradient at x0 alone, without the way back through the network, which costs as much as the way there.

    He et al. 2023 (arXiv 2311.16424, MPGD) move x0 itself. So that a scale means the same as through the network,
    the way back is that of the ideal denoiser of Gaussian data, ∂x0/∂x = √ᾱ c² / (ᾱ c² + 1 − ᾱ) with c = DATA.
    """
    with torch.no_grad():
        prediction = denoise(x, t)
    with torch.enable_grad():
        x0 = prediction.x0.detach().requires_grad_()
        distances = _distances(guides, x0, _crops(guides, x, t))
        losses = [_loss(*each, x0, x0).sum() for each in zip(guides, distances, strict=True)]
        (gradient,) = torch.autograd.grad(losses, x0)
    gradient = gradient.contiguous() * level.sqrt() * DATA**2 / (level * DATA**2 + 1 - level)
    pull = torch.cat([_pull(guide.pull, gradient[guide.rows], level[guide.rows]) for guide in guides])
    return replace(prediction, pull=pull, distance=torch.cat(distances).detach())


def _loss(guide: Guide, distance: Tensor, x_in: Tensor, x0: Tensor) -> Tensor:
    """[rows of the guide]; x_in and x0 are those of the batch."""
    pull, x_in, x0 = guide.pull, x_in[guide.rows], x0[guide.rows]
    loss = pull.guidance_scale * distance
    if pull.tv_scale:
        loss = loss + pull.tv_scale * total_variation(x_in)
    if pull.range_scale:
        loss = loss + pull.range_scale * out_of_range(x0)
    if pull.saturation_scale:
        loss = loss + pull.saturation_scale * saturation_loss(x_in)
    return loss


def _pull(pull: Pull, gradient: Tensor, level: Tensor) -> Tensor:
    """Down the gradient of the loss, where and as far as the pull may."""
    gradient = _bound_gradient(_clamp_gradient(gradient, pull.clamp), level, pull.largest_shift)
    return -(gradient * ((level >= pull.from_level) & (level <= pull.until_level)))
