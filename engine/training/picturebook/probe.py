"""draw through the product's own guidance with networks that are still learning, and let the ideal denoiser judge.

For choosing settings and looking at progress; what is reported is measured by the benchmark on packed weights.
"""

from dataclasses import replace
from itertools import takewhile

import torch
from torch import Tensor

from engine.diffusion.denoisers import network_denoiser
from engine.diffusion.schedule import alphas_cumprod
from engine.drawing.models import Models
from engine.drawing.steps import first_noise, levels_of, resolved, steps_of
from engine.model_sets.weights import Defaults, load_model_set
from engine.request import Request
from engine.training.picturebook.clips import Student
from engine.training.picturebook.grounds import GROUNDS
from engine.training.picturebook.ideal import IdealDenoiser
from engine.training.picturebook.tables import Scenes
from engine.training.picturebook.texts import concepts_of
from engine.training.picturebook.world import things


class Reading:
    """The student in the place of a CLIP: a text `fox&cat@snow` is the concept's point."""

    side = 64

    def __init__(self, student: Student) -> None:
        self.student = student.eval().requires_grad_(False)

    @torch.no_grad()
    def encode_texts(self, texts: list[str]) -> Tensor:
        asked = []
        for text in texts:
            names, _, ground = text.partition("@")
            asked.append((tuple(names.split("&")) if names else (), ground or None))
        return self.student.points(concepts_of(asked)).float()

    def encode_images(self, pictures: Tensor) -> Tensor:
        return self.student.encode_images(pictures).float()


DEFAULTS = Defaults(
    steps=60, sampler="ddim", eta=1.0, guidance_scale=40.0, tv_scale=0.0, range_scale=0.0, cuts=1, cut_power=0.5,
    smallest_cut=64, spacing=((800, 0.25), (870, 0.4), (985, 0.92)), until_level=0.1, fresh_until_level=0.1,
    largest_shift=2.0)  # fmt: skip


def models_of(denoise, student: Student, defaults: Defaults = DEFAULTS) -> Models:
    description = replace(load_model_set("toybox"), defaults=defaults, early=None, words=None)
    return Models(description=description, device=torch.device("cpu"), denoise=denoise, clips=[(Reading(student), 1.0)],
                  upscaler=None)  # fmt: skip


def ideal_denoiser(ideal: IdealDenoiser):
    return network_denoiser(ideal, objective="x0", schedule="cosine")


def drawn(
    models: Models, prompts: list[str], seed: int, defaults: Defaults, until: float = 1.0
) -> tuple[Tensor, Tensor]:
    """(x0, x_t) of each prompt where ᾱ first exceeds `until`; seeds are seed, seed + 1, …"""
    models = replace(models, description=replace(models.description, defaults=defaults))
    requests = [resolved(Request(prompt=prompt, seed=seed + k), defaults) for k, prompt in enumerate(prompts)]
    levels = levels_of(models, requests[0])
    last = int((levels.alphas_cumprod > until).sum()) - 1
    for step in takewhile(
        lambda step: step.index > last, steps_of(models, requests, first_noise(models, requests), defaults.steps - 1)
    ):
        x0, x = step.x0, step.x
        index = step.index
    return (x if index == 0 else x0), x


@torch.no_grad()
def judged(ideal: IdealDenoiser, x0: Tensor, scenes: Scenes, t: int = 700) -> dict[str, float]:
    """What the ideal denoiser takes pictures for that are told to be noised to t, without the noise."""
    level = float(alphas_cumprod("cosine")[t])
    posterior = ideal.posterior(x0 * level**0.5, torch.full((len(x0),), t))
    one = scenes.right < 0
    first = torch.where(one, posterior.single.sum(1).argmax(1), posterior.left.sum(1).argmax(1))
    single = (posterior.single.sum((1, 2)) > 0.5) == one
    second = posterior.right.sum(1).argmax(1)
    left, right = (first == scenes.left) & single, (second == scenes.right) & single
    ground = (scenes.ground < 0) | (posterior.ground.argmax(1) == scenes.ground)
    figures = {"ground": ground.float().mean().item()}
    if bool(one.any()):
        figures["thing"] = left[one].float().mean().item()
    if bool((~one).any()):
        figures |= {
            "both": (left & right)[~one].float().mean().item(),
            "one": (left | right)[~one].float().mean().item(),
        }
    return figures


def prompt_of(scenes: Scenes, row: int) -> str:
    names = "&".join(things()[int(k)] for k in (scenes.left[row], scenes.right[row]) if k >= 0)
    return names + (f"@{GROUNDS[int(scenes.ground[row])]}" if scenes.ground[row] >= 0 else "")
