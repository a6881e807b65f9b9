"""one guided step of ours against guided-diffusion's, with the same network, noise and cuts."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from engine.diffusion.cutouts import Crops, random_crops
from engine.diffusion.denoisers import network_denoiser
from engine.diffusion.guidance import Pull, Target, add_guidance
from engine.diffusion.samplers import sample
from engine.diffusion.schedule import Levels
from engine.networks.unet import UNet, UNetConfig
from tests.bench.engine.notebook import EpsOfUnshuffled, Notebook, spaced_diffusion
from tests.bench.engine.oracle import TinyClip

SIDE, STEPS, CUTS = 16, 20, 6
NETWORK = UNetConfig(
    image_size=SIDE,
    in_channels=3,
    out_channels=6,
    model_channels=16,
    num_res_blocks=1,
    attention_resolutions=(2,),
    channel_mult=(1, 2),
    num_head_channels=16,
    norm_groups=16,
)
PATCHED = UNetConfig(
    image_size=SIDE,
    in_channels=12,
    out_channels=12,
    model_channels=16,
    num_res_blocks=1,
    attention_resolutions=(2,),
    channel_mult=(1, 2),
    num_head_channels=16,
    norm_groups=16,
)
PULL = Pull(
    guidance_scale=1000.0, tv_scale=150.0, range_scale=50.0, cuts=CUTS, cut_power=1.0, smallest_cut=6, seeds=[(0, 0)]
)
LEVELS = [19, 11, 1, 0]  # the first step, one in the middle, the last two


@cache  # a frozen one
def random_network(config: UNetConfig) -> UNet:
    torch.manual_seed(0)
    unet = UNet(config).eval().requires_grad_(False)
    for parameter in unet.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.05 + (0.5 if parameter.dim() == 1 else 0))
    return unet


def given(seed: int) -> tuple[Tensor, Crops, Tensor, TinyClip, Tensor]:
    """x, crops, noise, a CLIP and the embeddings of two parts of a prompt."""
    torch.manual_seed(seed)
    x, noise = torch.randn(1, 3, SIDE, SIDE), torch.randn(1, 3, SIDE, SIDE)
    crops = random_crops(torch.rand(1, CUTS, 3), SIDE, SIDE, PULL.smallest_cut, PULL.cut_power)
    return x, crops, noise, TinyClip(torch.randn(3 * 8 * 8, 12)), torch.randn(2, 12)


def ours(denoise, schedule: str, index: int, eta: float | None, pull: Pull = PULL) -> Tensor:
    x, crops, noise, clip, embeddings = given(index)
    target = Target(clip=clip, embeddings=embeddings[None], weights=torch.tensor([[1.5, -0.5]]))
    steps = sample(
        add_guidance(denoise, [target], pull, schedule, lambda t, pictures: crops),
        x,
        lambda i: noise,
        Levels(schedule, STEPS),
        sampler="ddpm" if eta is None else "ddim",
        eta=eta or 0.0,
        start=index,
    )
    return next(steps).x


@cache
def our_step(index: int, eta: float | None) -> Tensor:
    """Of the published 256 model in small: an ε network with a learned variance on the linear schedule."""
    denoise = network_denoiser(random_network(NETWORK), objective="eps", schedule="linear", learned_variance=True)
    return ours(denoise, "linear", index, eta)


def theirs(model: nn.Module, diffusion, index: int, eta: float | None, loop: str, pull: Pull = PULL) -> Tensor:
    x, crops, _, clip, embeddings = given(index)
    notebook = Notebook(
        diffusion=diffusion,
        model=model,
        encode_image=clip.encode_images,
        side=clip.side,
        target_embeds=embeddings,
        weights=torch.tensor([1.5, -0.5]),
        clip_guidance_scale=pull.guidance_scale,
        tv_scale=pull.tv_scale,
        range_scale=pull.range_scale,
    )
    boxes = torch.stack([crops.top, crops.left, crops.size], dim=-1)[0].tolist()
    torch.manual_seed(index)
    torch.randn(1, 3, SIDE, SIDE)  # theirs draws its noise from the global source: the second draw, as in `given`
    return getattr(notebook, loop)(x, index, boxes, eta=eta)


def error(ours: Tensor, theirs: Tensor, index: int) -> float:
    """How far apart, in units of the way that the step has moved x; what float32 must round away is not counted."""
    x = given(index)[0]
    beyond_rounding = ((ours - theirs).abs() - 2e-7 * x.abs()).clamp(min=0)
    return (beyond_rounding.norm() / (theirs - x).norm()).item()


@pytest.mark.parametrize("loop", ["two_forwards", "shared_forward"])
@pytest.mark.parametrize("index", LEVELS)
@pytest.mark.parametrize("eta", [None, 0.0, 1.0], ids=["ddpm", "ddim", "ddim with noise"])
def test_a_guided_step_equals_the_oracle(eta: float | None, index: int, loop: str) -> None:
    """The two loops give the same, in one forward or in two."""
    unet, diffusion = random_network(NETWORK), spaced_diffusion("linear", STEPS, learned_variance=True)
    assert error(our_step(index, eta), theirs(unet, diffusion, index, eta, loop), index) <= 1e-5


@pytest.mark.parametrize("index", [16, 11, 4])  # theirs turns v into ε into x0: at the ends it divides by nearly 0
@pytest.mark.parametrize("eta", [None, 1.0], ids=["ddpm", "ddim"])
def test_a_guided_step_of_the_toyboxs_kind_equals_the_oracle(eta: float | None, index: int) -> None:
    """v network on patches of pixels: the benchmark compares like with like only if the wrapped network is ours."""
    unet, diffusion = random_network(PATCHED), spaced_diffusion("cosine", STEPS, learned_variance=False)
    denoise = network_denoiser(unet, objective="v", schedule="cosine", patch=2)
    wrapped = EpsOfUnshuffled(unet, "v", 2, diffusion)
    expected = theirs(wrapped, diffusion, index, eta, "shared_forward")
    assert error(ours(denoise, "cosine", index, eta), expected, index) <= 1e-5


def test_the_pull_is_seen_by_the_comparison() -> None:
    """Steps that equal each other because guidance does nothing would prove nothing."""
    unet = random_network(NETWORK)
    denoise = network_denoiser(unet, objective="eps", schedule="linear", learned_variance=True)
    for name in ("guidance_scale", "tv_scale", "range_scale"):
        weaker = Pull(**{**vars(PULL), name: 1e-3})
        assert error(ours(denoise, "linear", 11, None, weaker), our_step(11, None), 11) > 1e-3, name
