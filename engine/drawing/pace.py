"""how long a picture takes on this machine, measured by a few steps; a set need not be fetched for it.

What a step costs does not depend on the weights: networks of the described shapes with random ones are measured.
"""

import statistics
import time
from typing import Any

import torch
from torch import nn

from engine.diffusion.denoisers import network_denoiser
from engine.drawing.models import Models, choose_device, tuning_of
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
from engine.model_sets.pace import Pace, remember
from engine.model_sets.weights import ModelSet, load_model_set
from engine.networks.clip import Clip, ClipConfig
from engine.networks.tuning import tune
from engine.networks.unet import UNet, UNetConfig, in_precision
from engine.request import Request

STEPS = 3  # of each part, of which the first chooses algorithms


def measure_pace(name: str, steps: int = STEPS) -> Pace:
    """Take a few steps with random weights and remember what they took. Raises BadRequest for an unknown set.

    They are the first ones and some from three quarters of the way, as late steps may do without guidance, or without
    the way back through the network.
    """
    description = load_model_set(name)
    models = blank_models(description, choose_device())
    request = resolve_defaults(Request(prompt="a lighthouse in the fog", models=name), description.defaults)
    taken = [_step_seconds(models, request, start, steps) for start in (request.steps - 1, request.steps // 4)]
    pace = Pace(step=statistics.mean(taken), steps=request.steps, device=str(models.device))
    remember(name, pace)
    return pace


def _step_seconds(models: Models, request: Request, start: int, steps: int) -> float:
    """Of a step from level `start` on."""
    walk, seconds = steps_of(models, [request], first_noise(models, [request]), start), []
    for _ in range(min(steps, start + 1)):  # a set may draw in a few steps altogether
        began = time.perf_counter()
        next(walk).x.cpu()  # waits for a GPU to finish
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:] or seconds)


def blank_models(description: ModelSet, device: torch.device) -> Models:
    """The U-Net and the CLIPs of a set with random weights, in the precision and layout that the real ones get."""
    tuning, table = tuning_of(description, device), description.unet
    unet = tune(in_precision(_random(UNetConfig(**_shape(table))), tuning.precision).eval(), tuning, device)
    clips = []
    for of_set in description.clips:
        config = description.folder / of_set["config"] if "config" in of_set else None
        vocabulary = description.folder / of_set["vocabulary"] if "vocabulary" in of_set else None
        mean, std = tuple(of_set["mean"]), tuple(of_set["std"])
        shape = ClipConfig(model=of_set["model"], config=config, vocabulary=vocabulary, mean=mean, std=std)
        clips.append((Clip(shape, None, device, tuning=tuning), of_set["weight"]))
    denoise = network_denoiser(
        unet.requires_grad_(False),
        objective=table["objective"],
        schedule=table["schedule"],
        patch=table["patch"],
        learned_variance=table["learned_variance"],
    )
    return Models(description=description, device=device, denoise=denoise, clips=clips, upscaler=None)


def _shape(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table["shape"].items()}


def _random(config: UNetConfig) -> UNet:
    """Weights that keep the size of what flows through; nobody initialises half a billion of them twice."""
    with torch.device("meta"):
        unet = UNet(config)
    unet.to_empty(device="cpu")
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in unet.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if parameter.dim() > 1:
                    parameter.normal_(0, 0.7 / parameter[0].numel() ** 0.5, generator=source)
                else:
                    parameter.fill_(1.0 if name == "weight" and isinstance(module, nn.GroupNorm) else 0.0)
    return unet
