"""the pull as a wrapper around a denoiser.

CLIP-guided diffusion (Crowson 2021): the gradient of CLIP's distance between cutouts of the
half-finished picture and the prompt, taken at x_t through the U-Net, moves the sampler's step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.diffusion.cutouts import Crops, Held, cut, held_at, joined, random_crops
from engine.diffusion.losses import out_of_range, over_driven, spherical_distance, total_variation
from engine.diffusion.noise import Stream, uniform
from engine.diffusion.samplers import Denoise, Prediction
from engine.diffusion.schedule import Schedule, alphas_cumprod
from engine.networks.clip import Clip
from engine.networks.tuning import to_device


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
    overview: Held = 0.0  # share of the crops that are as large as they can be
    grey: Held = 0.0  # share of the others that lose their colour


Cutter = Callable[[Tensor, Tensor], Crops]  # (t [n], pictures [n, c, h, w]) → crops of each


def seeded_cutter(pull: Pull) -> Cutter:
    """Crops from each picture's own stream, named by the timestep, which also says how far the drawing is."""

    def crops_of(seed: int, picture: int, at: int, sides: torch.Size) -> Crops:
        drawn, percent = uniform(seed, picture, Stream.CUTS, at, (1, pull.cuts, 3)), (999 - at) / 10
        power, overview, grey = (held_at(value, percent) for value in (pull.cut_power, pull.overview, pull.grey))
        return random_crops(drawn, *sides, pull.smallest_cut, power, overview=overview, grey=grey)

    def crops_at(t: Tensor, pictures: Tensor) -> Crops:
        sides = pictures.shape[-2:]
        return joined([crops_of(*seed, int(at), sides) for seed, at in zip(pull.seeds, t, strict=True)])

    return crops_at


def clip_distance(x_in: Tensor, crops: Crops, target: Target) -> Tensor:
    """Σ_parts w · mean over the cuts of the spherical distance, [n]."""
    n, k = crops.size.shape
    cutouts = cut((x_in + 1) / 2, crops, target.clip.side)  # n k c s s, not clamped
    embeddings = target.clip.encode_images(cutouts.flatten(0, 1)).unflatten(0, (n, k))  # n k d
    distances = spherical_distance(embeddings[:, None], target.embeddings[:, :, None])  # n m k
    return (distances.mean(dim=-1) * target.weights).sum(dim=-1)


def _clamped(gradient: Tensor, clamp: float) -> Tensor:
    """Shrink each picture's gradient to a root mean square of at most `clamp`; the notebooks' clamp_grad."""
    if math.isinf(clamp):
        return gradient
    magnitude = gradient.pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    return gradient * (clamp / magnitude.clamp(min=clamp))


def _bounded(gradient: Tensor, level: Tensor, largest_shift: float) -> Tensor:
    """Shrink each picture's gradient so that x0, which it moves by (1 − ᾱ) / √ᾱ times itself, moves no further.

    Near pure noise that factor has no bound, while what a network answers there is rounded: without
    this a single early step can throw the drawing out of the range it ever saw.
    """
    if math.isinf(largest_shift):
        return gradient
    shift = (gradient * (1 - level) / level.sqrt()).pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    return gradient * (largest_shift / shift.clamp(min=largest_shift))


def guided(
    denoise: Denoise, targets: list[Target], pull: Pull, schedule: Schedule, cutter: Cutter | None = None
) -> Denoise:
    """A denoiser whose predictions carry the pull; one forward and one backward through the network a call."""
    table = torch.from_numpy(alphas_cumprod(schedule)).float()
    cutter = cutter or seeded_cutter(pull)

    def seen(x: Tensor, t: Tensor, level: Tensor) -> tuple[Prediction, Tensor, Tensor]:
        """What is predicted, x_in, and how far CLIP finds it from the prompts, [n]."""
        prediction = denoise(x, t)
        fac = (1 - level).sqrt()
        x_in = prediction.x0 * fac + x * (1 - fac)
        crops = cutter(t, x)
        return prediction, x_in, torch.stack([clip_distance(x_in, crops, target) for target in targets]).sum(dim=0)

    def wrapped(x: Tensor, t: Tensor) -> Prediction:
        levels = table[t]
        if not pull.guidance_scale or float(levels.max()) < pull.from_level:
            with torch.no_grad():
                return denoise(x, t)
        level = to_device(levels[:, None, None, None], x.device)  # n 1 1 1
        if float(levels.min()) > pull.until_level:
            with torch.no_grad():
                prediction, _, distance = seen(x, t, level)
            return replace(prediction, distance=distance)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            prediction, x_in, distance = seen(x, t, level)
            loss = pull.guidance_scale * distance
            if pull.tv_scale:
                loss = loss + pull.tv_scale * total_variation(x_in)
            if pull.range_scale:
                loss = loss + pull.range_scale * out_of_range(prediction.x0)
            if pull.saturation_scale:
                loss = loss + pull.saturation_scale * over_driven(x_in)
            (gradient,) = torch.autograd.grad(loss.sum(), x)
        gradient = _bounded(_clamped(gradient, pull.clamp), level, pull.largest_shift)
        gradient = gradient * ((level >= pull.from_level) & (level <= pull.until_level))
        return Prediction(
            x0=prediction.x0.detach(),
            eps=prediction.eps.detach(),
            pull=-gradient,
            variance_mix=prediction.variance_mix,
            distance=distance.detach(),
        )

    return wrapped
