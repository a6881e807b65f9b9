"""the guided step of the 2021 notebooks, on guided-diffusion: what ours is compared with.

`two_forwards` is the mid-2021 loop, in which cond_fn runs the network a second time to have its
gradient; `shared_forward` is the final "CLIP Guided Diffusion HQ 256x256", in which cond_fn gets
what the sampler has just computed. Random crops and CLIP are given from outside, so that others
can be compared with the same; the rest is theirs, line for line.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial

import guided_diffusion.unet
import torch
import torch.nn.functional as F
from guided_diffusion.gaussian_diffusion import LossType, ModelMeanType, ModelVarType, get_named_beta_schedule
from guided_diffusion.nn import GroupNorm32
from guided_diffusion.respace import SpacedDiffusion, space_timesteps
from guided_diffusion.unet import UNetModel
from torch import Tensor, nn

from engine.diffusion.denoisers import Beside, Objective
from engine.networks.unet import UNetConfig

Boxes = Iterable[tuple[int, int, int]]  # top, left, side


def guided_diffusion_unet(config: UNetConfig) -> UNetModel:
    """Their network of a config, frozen; theirs knows only norms of 32 groups, so its norms are made here."""
    settings = asdict(config)
    groups, theirs = settings.pop("norm_groups"), guided_diffusion.unet.normalization
    guided_diffusion.unet.normalization = partial(GroupNorm32, groups)
    try:
        return UNetModel(**settings).eval().requires_grad_(False)
    finally:
        guided_diffusion.unet.normalization = theirs


def spaced_diffusion(schedule: str, steps: int, *, learned_variance: bool) -> SpacedDiffusion:
    """guided-diffusion's sampler for a network that predicts ε, `steps` of 1000 timesteps."""
    return SpacedDiffusion(
        use_timesteps=space_timesteps(1000, [steps]),
        betas=get_named_beta_schedule(schedule, 1000),
        model_mean_type=ModelMeanType.EPSILON,
        loss_type=LossType.MSE,
        model_var_type=ModelVarType.LEARNED_RANGE if learned_variance else ModelVarType.FIXED_LARGE,
    )


class EpsOfUnshuffled(nn.Module):
    """A network that predicts v or x0 of patches of pixels, as one that predicts ε of pixels.

    `beside` is what it is shown beside x_t, of x, t and its positions, in a set that has a table of pictures.
    """

    def __init__(
        self,
        unet: nn.Module,
        objective: Objective,
        patch: int,
        diffusion: SpacedDiffusion,
        beside: Beside | None = None,
    ) -> None:
        super().__init__()
        self.unet, self.objective, self.patch, self.beside = unet, objective, patch, beside
        factors = torch.full((2, 1000), torch.nan)
        factors[0, diffusion.timestep_map] = torch.from_numpy(diffusion.sqrt_alphas_cumprod).float()
        factors[1, diffusion.timestep_map] = torch.from_numpy(diffusion.sqrt_one_minus_alphas_cumprod).float()
        self.factors = nn.Buffer(factors)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        given = F.pixel_unshuffle(x, self.patch)
        if self.beside is not None:
            given = torch.cat([given, self.beside(x, t, (given.shape[-2], given.shape[-1]))], dim=1)
        said = F.pixel_shuffle(self.unet(given, t), self.patch)
        alpha, sigma = self.factors[:, t, None, None, None]
        return alpha * said + sigma * x if self.objective == "v" else (x - alpha * said) / sigma


def make_cutouts(pictures: Tensor, boxes: Boxes, side: int) -> Tensor:
    """The same crops of every picture, crop by crop, [k·n, c, side, side]."""
    cutouts = []
    for top, left, size in boxes:
        cutout = pictures[:, :, top : top + size, left : left + size]
        cutouts.append(F.adaptive_avg_pool2d(cutout, side))
    return torch.cat(cutouts)


def spherical_dist_loss(x: Tensor, y: Tensor) -> Tensor:
    x = F.normalize(x, dim=-1)
    y = F.normalize(y, dim=-1)
    return (x - y).norm(dim=-1).div(2).arcsin().pow(2).mul(2)


def tv_loss(x: Tensor) -> Tensor:
    x = F.pad(x, (0, 1, 0, 1), "replicate")
    x_diff = x[..., :-1, 1:] - x[..., :-1, :-1]
    y_diff = x[..., 1:, :-1] - x[..., :-1, :-1]
    return (x_diff**2 + y_diff**2).mean([1, 2, 3])


def range_loss(x: Tensor) -> Tensor:
    return (x - x.clamp(-1, 1)).pow(2).mean([1, 2, 3])


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """One prompt's loop; `model` predicts ε (and a variance, where `diffusion` says so) of x at training timesteps."""

    diffusion: SpacedDiffusion
    model: nn.Module
    encode_image: Callable[[Tensor], Tensor]  # [m, 3, side, side] in 0 … 1 → [m, d]
    side: int  # of the pictures that CLIP sees
    target_embeds: Tensor  # [parts, d]
    weights: Tensor  # [parts]
    clip_guidance_scale: float
    tv_scale: float
    range_scale: float
    secondary: Callable[[Tensor, Tensor], Tensor] | None = None  # (x, timesteps) → x0: what guidance looks through

    def two_forwards(self, x: Tensor, index: int, boxes: Boxes, *, eta: float | None) -> Tensor:
        """x after one step from level `index`; DDPM, or DDIM with an eta. Forward, forward, backward."""

        def cond_fn(x: Tensor, t: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                my_t = torch.ones([len(x)], device=x.device, dtype=torch.long) * index
                if self.secondary is not None:  # the notebook "Secondary Model Method"
                    mapped = torch.full((len(x),), self.diffusion.timestep_map[index], device=x.device)
                    return self._gradient(x, index, self.secondary(x, mapped), boxes)
                out = self.diffusion.p_mean_variance(self.model, x, my_t, clip_denoised=False)
                return self._gradient(x, index, out["pred_xstart"], boxes)

        t = torch.full((len(x),), index, device=x.device)
        with torch.no_grad():
            return self._step(self.diffusion.p_sample, self.diffusion.ddim_sample, x, t, cond_fn, eta)

    def shared_forward(self, x: Tensor, index: int, boxes: Boxes, *, eta: float | None) -> Tensor:
        """The same step with one forward and one backward."""

        def cond_fn(x: Tensor, t: Tensor, out: dict[str, Tensor]) -> Tensor:
            return self._gradient(x, index, out["pred_xstart"], boxes)

        t = torch.full((len(x),), index, device=x.device)
        with torch.no_grad():
            return self._step(
                self.diffusion.p_sample_with_grad, self.diffusion.ddim_sample_with_grad, x, t, cond_fn, eta
            )

    def _step(
        self, p_sample: Callable, ddim_sample: Callable, x: Tensor, t: Tensor, cond_fn: Callable, eta: float | None
    ) -> Tensor:
        given = {"clip_denoised": False, "cond_fn": cond_fn, "model_kwargs": {}}
        out = p_sample(self.model, x, t, **given) if eta is None else ddim_sample(self.model, x, t, eta=eta, **given)
        return out["sample"]

    def _gradient(self, x: Tensor, index: int, pred_xstart: Tensor, boxes: Boxes) -> Tensor:
        n = len(x)
        fac = self.diffusion.sqrt_one_minus_alphas_cumprod[index]
        x_in = pred_xstart * fac + x * (1 - fac)
        clip_in = make_cutouts(x_in.add(1).div(2), boxes, self.side)
        image_embeds = self.encode_image(clip_in).float()
        dists = spherical_dist_loss(image_embeds.unsqueeze(1), self.target_embeds.unsqueeze(0))
        dists = dists.view([-1, n, len(self.weights)])
        losses = dists.mul(self.weights).sum(2).mean(0)
        loss = (
            losses.sum() * self.clip_guidance_scale
            + tv_loss(x_in).sum() * self.tv_scale
            + range_loss(pred_xstart).sum() * self.range_scale
        )
        return -torch.autograd.grad(loss, x)[0]
