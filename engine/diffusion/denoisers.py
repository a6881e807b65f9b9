"""adapts every network to one contract: `denoise(x, t) → Prediction`.

A network predicts ε (Ho et al. 2020), v = α·ε − σ·x0 (Salimans & Ho 2022, arXiv 2202.00512) or x0
itself, perhaps with a variance beside it, perhaps on pixels folded into channels. A sampler need not know.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.diffusion.levels import factors_at
from engine.diffusion.samplers import Denoise, Prediction
from engine.diffusion.schedule import Schedule
from engine.networks.tuning import to_device

Objective = Literal["eps", "v", "x0"]
Beside = Callable[[Tensor, Tensor, tuple[int, int]], Tensor]


def network_denoiser(
    unet: Callable[[Tensor, Tensor], Tensor],
    *,
    objective: Objective,
    schedule: Schedule,
    patch: int = 1,
    learned_variance: bool = False,
    beside: Beside | None = None,
) -> Denoise:
    """Wrap a U-Net.

    Args:
        unet: called as unet(x, t) → [n, c, h, w], or [n, 2c, h, w] with a learned variance.
        objective: what the network was trained to predict.
        schedule: the noise schedule of its training, over 1000 timesteps.
        patch: patch × patch pixels are one position of the network.
        learned_variance: the second half of the channels mixes the bounds of Σ.
        beside: more channels that the network is shown, of x, t and its positions (rows, columns).
    """

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        alpha, sigma = to_device(factors_at(schedule, t)[:, :, None, None, None], x.device)  # n 1 1 1 each
        at = to_device(t.float() if t.is_floating_point() else t, x.device)
        given = F.pixel_unshuffle(x, patch) if patch > 1 else x
        if beside is not None:
            given = torch.cat([given, beside(x, at, (given.shape[-2], given.shape[-1]))], dim=1)
        out = unet(given, at).float()
        out = F.pixel_shuffle(out, patch) if patch > 1 else out
        mix = None
        if learned_variance:
            out, raw = out.chunk(2, dim=1)
            mix = ((raw + 1) / 2).detach()
        if objective == "v":
            x0, eps = alpha * x - sigma * out, alpha * out + sigma * x
        elif objective == "x0":
            x0, eps = out, (x - alpha * out) / sigma
        else:
            x0, eps = (x - sigma * out) / alpha, out
        return Prediction(x0=x0, eps=eps, variance_mix=mix)

    return denoise


def secondary_denoiser(network: Callable[[Tensor, Tensor], Tensor], schedule: Schedule) -> Denoise:
    """Wrap a v network that is told the angle of the noise level (0 … 1) in place of a timestep."""
    alpha, sigma = factors_at(schedule, torch.arange(1000))
    angles = (torch.atan2(sigma.double(), alpha.double()) * 2 / math.pi).float()

    def at_timestep(x: Tensor, t: Tensor) -> Tensor:
        table, below = to_device(angles, x.device), t.long()
        if not t.is_floating_point():
            return cast(Tensor, network(x, table[t]))
        return cast(
            Tensor, network(x, torch.lerp(table[below], table[(below + 1).clamp(max=999)], (t - below).float()))
        )

    return network_denoiser(at_timestep, objective="v", schedule=schedule)


def pulled_by(main: Denoise, guide: Denoise) -> Denoise:
    """The predictions of one denoiser with the pull of another, whose way back is shorter."""

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        pulling = guide(x, t)
        with torch.no_grad():
            return replace(main(x, t), pull=pulling.pull, distance=pulling.distance)

    return denoise


def by_timestep(late: Denoise, early: Denoise, first: int) -> Denoise:
    """`early` from timestep `first` on, `late` below it: experts that share a walk (Balaji et al. 2022, eDiff-I)."""

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        noisy = t >= first
        if bool(noisy.all()):
            return early(x, t)
        if not bool(noisy.any()):
            return late(x, t)
        one, other, early_row = early(x, t), late(x, t), noisy[:, None, None, None].to(x.device)
        x0, eps, mix = (  # both see all rows: the order of a picture's sums may not depend on the others' timesteps
            None if here is None or there is None else torch.where(early_row, here, there)
            for here, there in ((one.x0, other.x0), (one.eps, other.eps), (one.variance_mix, other.variance_mix))
        )
        assert x0 is not None and eps is not None
        return Prediction(x0=x0, eps=eps, variance_mix=mix)

    return denoise


def symmetric(denoise: Denoise, axes: tuple[int, ...], schedule: Schedule) -> Denoise:
    """Predictions and pull averaged with their mirror images, so that the walk ends on a symmetric picture.

    The noise stays as it is: ε is what then leads from x to the symmetric x0.

    Args:
        axes: of the tensors [n, c, h, w] that are mirrored.
    """

    def average(picture: Tensor | None) -> Tensor | None:
        for axis in axes:
            picture = None if picture is None else (picture + picture.flip(axis)) / 2
        return picture

    def wrapper(x: Tensor, t: Tensor) -> Prediction:
        found = denoise(x, t)
        alpha, sigma = to_device(factors_at(schedule, t)[:, :, None, None, None], x.device)  # n 1 1 1 each
        x0 = cast(Tensor, average(found.x0))
        return replace(
            found,
            x0=x0,
            eps=(x - alpha * x0) / sigma,
            pull=average(found.pull),
            variance_mix=average(found.variance_mix),
        )

    return wrapper
