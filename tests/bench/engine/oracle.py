"""a guided step of every published network at its real width, with random weights: ours against guided-diffusion's.

The picture is small (64 px, or 128 for the networks of 512 px): width, depth, attention and heads are the real ones,
and a step takes seconds. The same step with narrow layers is a test (`tests/engine/test_family.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.diffusion.cutouts import random_crops
from engine.diffusion.denoisers import network_denoiser
from engine.diffusion.guidance import Pull, Target, add_guidance
from engine.diffusion.samplers import sample
from engine.diffusion.schedule import Levels
from engine.model_sets.weights import ModelSet, load_model_set, model_set_names
from engine.networks.unet import UNet, UNetConfig
from tests.bench.engine.full import available
from tests.bench.engine.notebook import Notebook, guided_diffusion_unet, spaced_diffusion
from tests.bench.engine.report import Figure

STEPS, INDEX, BAR = 20, 11, 1e-5
PULL = Pull(
    guidance_scale=1000.0, tv_scale=150.0, range_scale=50.0, cuts=4, cut_power=1.0, smallest_cut=6, seeds=[(0, 0)]
)


@dataclass(frozen=True)
class TinyClip:
    """A fixed linear map in CLIP's place."""

    matrix: Tensor
    side: int = 8

    def encode_images(self, pictures: Tensor) -> Tensor:
        return pictures.flatten(1) @ self.matrix


def shape_of(described: ModelSet) -> UNetConfig:
    """What a set's file says of its U-Net."""
    shape = described.unet["shape"]
    return UNetConfig(**{key: tuple(value) if isinstance(value, list) else value for key, value in shape.items()})


def measure() -> Iterator[Figure]:
    """A row for each shape, under the names of its sets."""
    sets: dict[UNetConfig, list[str]] = {}
    for name in model_set_names():
        described = load_model_set(name)
        if described.side >= 256:
            sets.setdefault(shape_of(described), []).append(name)
    for shape, names in sets.items():
        label = f"a guided step of {', '.join(names)}, random weights, against guided-diffusion's"
        with torch.device("meta"):
            room = 5 * sum(value.numel() * 4 for value in UNet(shape).state_dict().values())
        if (free := available()) < room:
            yield Figure(
                name=label, value=f"not measured: needs {room / 1e9:.0f} GB of memory, {free / 1e9:.0f} are free"
            )
            continue
        apart = apart_from_oracle(shape, shape.image_size // 4)
        yield Figure(name=label, value=f"{apart:.1e} of its way", bar=f"≤ {BAR:g}", met=apart <= BAR)


@torch.no_grad()
def apart_from_oracle(shape: UNetConfig, side: int) -> float:
    """How far our DDIM step ends from theirs with the same weights and crops, as a part of the way that it goes."""
    torch.manual_seed(0)
    theirs = guided_diffusion_unet(shape)
    for module in theirs.modules():
        for parameter in module.parameters(recurse=False):
            flat, norm = parameter.dim() == 1, isinstance(module, nn.GroupNorm)
            scale = 0.02 if flat else 0.7 / parameter[0].numel() ** 0.5
            parameter.normal_(1.0 if norm and parameter is module.weight else 0.0, scale)
    with torch.device("meta"):
        ours = UNet(shape).eval().requires_grad_(False)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    x, embeddings = torch.randn(1, 3, side, side), torch.randn(1, 12)
    pull, clip = replace(PULL, smallest_cut=side // 2), TinyClip(torch.randn(3 * 8 * 8, 12))
    crops = random_crops(torch.rand(1, pull.cuts, 3), side, side, pull.smallest_cut, 1.0)
    target = Target(clip=clip, embeddings=embeddings[None], weights=torch.ones(1, 1))  # type: ignore[arg-type]
    denoise = network_denoiser(ours, objective="eps", schedule="linear", learned_variance=True)
    guided = add_guidance(denoise, [target], pull, "linear", lambda t, pictures: crops)
    steps = sample(
        guided, x, lambda i: torch.zeros_like(x), Levels("linear", STEPS), sampler="ddim", eta=0.0, start=INDEX
    )
    found = next(steps).x
    notebook = Notebook(
        diffusion=spaced_diffusion("linear", STEPS, learned_variance=True),
        model=theirs,
        encode_image=clip.encode_images,
        side=clip.side,
        target_embeds=embeddings,
        weights=torch.ones(1),
        clip_guidance_scale=pull.guidance_scale,
        tv_scale=pull.tv_scale,
        range_scale=pull.range_scale,
    )
    boxes = torch.stack([crops.top, crops.left, crops.size], dim=-1)[0].tolist()
    expected = notebook.shared_forward(x, INDEX, boxes, eta=0.0)
    return float((found - expected).norm() / (expected - x).norm())
