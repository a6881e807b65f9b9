"""draw through the product's own guidance before the text tower has learned, and let the ideal denoiser judge.

For choosing settings and looking at progress; what is reported is measured by the benchmark on packed weights.
"""

from dataclasses import replace
from itertools import takewhile

import torch
from torch import Tensor

from engine.diffusion.denoisers import network_denoiser
from engine.diffusion.linear import LinearDenoiser
from engine.diffusion.samplers import Denoise
from engine.diffusion.schedule import alphas_cumprod
from engine.drawing.models import Models
from engine.drawing.steps import first_noise, levels_of, resolve_defaults, steps_of
from engine.model_sets.weights import Defaults, load_model_set
from engine.request import Request
from engine.training.picturebook.clips import SIDE, Points, clip_of
from engine.training.picturebook.grounds import GROUNDS
from engine.training.picturebook.ideal import IdealDenoiser
from engine.training.picturebook.tables import Scenes, Tables
from engine.training.picturebook.texts import concepts_of
from engine.training.picturebook.world import things

DEFAULTS = Defaults(
    steps=60,
    sampler="ddim",
    eta=1.0,
    guidance_scale=1000.0,
    tv_scale=0.0,
    range_scale=0.0,
    cuts=1,
    cut_power=0.5,
    smallest_cut=64,
    spacing=((800, 0.25), (870, 0.35), (960, 0.65), (985, 0.85)),
    until_level=0.1,
    fresh_until_level=0.1,
    largest_shift=2.0,
)


class Reading:
    """A CLIP whose text tower is perfect: a text `fox&cat@snow` is that scene's point."""

    side = SIDE

    def __init__(self, linear: LinearDenoiser, tables: Tables) -> None:
        clip = clip_of(linear).eval().requires_grad_(False)
        self.visual, self.points = clip.visual, Points(clip, tables)

    def encode_texts(self, texts: list[str]) -> Tensor:
        """[m, d]"""
        parts = [text.partition("@") for text in texts]
        return self.points(concepts_of([(tuple(names.split("&")), ground or None) for names, _, ground in parts]))

    def encode_images(self, pictures: Tensor) -> Tensor:
        """[m, 3, 32, 32] in 0 … 1 → [m, d]"""
        encoded: Tensor = self.visual(pictures * 2 - 1)
        return encoded


def models_of(denoise: Denoise, linear: LinearDenoiser, tables: Tables, defaults: Defaults = DEFAULTS) -> Models:
    """A model set in memory, without an upscaler."""
    description = replace(load_model_set("toybox"), defaults=defaults, early=None, words=None)
    guide = network_denoiser(linear, objective="x0", schedule="cosine")
    return Models(
        description=description,
        device=torch.device("cpu"),
        denoise=denoise,
        secondary=guide,
        clips=[(Reading(linear, tables), 1.0)],  # type: ignore[list-item]
        upscaler=None,
    )


def draw(models: Models, prompts: list[str], seed: int, until: float = 1.0) -> Tensor:
    """x0 of each prompt where ᾱ first exceeds `until`; seeds are seed, seed + 1, …"""
    defaults = models.description.defaults
    requests = [resolve_defaults(Request(prompt=prompt, seed=seed + k), defaults) for k, prompt in enumerate(prompts)]
    last = int((levels_of(models, requests[0]).alphas_cumprod > until).sum()) - 1
    steps = steps_of(models, requests, first_noise(models, requests), defaults.steps - 1)
    *_, step = takewhile(lambda step: step.index > last, steps)
    return step.x if step.index == 0 else step.x0


@torch.no_grad()
def judge(ideal: IdealDenoiser, x0: Tensor, scenes: Scenes, t: int = 700) -> dict[str, float]:
    """What the ideal denoiser takes pictures for that are told to be noised to t, without the noise."""
    level = float(alphas_cumprod("cosine")[t])
    posterior = ideal.posterior(x0 * level**0.5, torch.full((len(x0),), t))
    one = scenes.right < 0
    first = torch.where(one, posterior.single.sum(1).argmax(1), posterior.left.sum(1).argmax(1))
    single = (posterior.single.sum((1, 2)) > 0.5) == one
    second = posterior.right.sum(1).argmax(1)
    left, right = (first == scenes.left) & single, (second == scenes.right) & single
    figures = {"ground": (posterior.ground.argmax(1) == scenes.ground).float().mean().item()}
    if bool(one.any()):
        figures["thing"] = left[one].float().mean().item()
    if bool((~one).any()):
        figures |= {
            "both": (left & right)[~one].float().mean().item(),
            "one": (left | right)[~one].float().mean().item(),
        }
    return figures


def prompt_of(scenes: Scenes, row: int) -> str:
    """The text that `Reading` reads."""
    names = "&".join(things()[int(k)] for k in (scenes.left[row], scenes.right[row]) if k >= 0)
    return names + (f"@{GROUNDS[int(scenes.ground[row])]}" if scenes.ground[row] >= 0 else "")
