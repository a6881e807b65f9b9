"""how often the toybox draws what was asked, on combinations that training never saw, read off the pixels."""

import sys
from collections.abc import Iterator

import numpy as np

from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
from engine.drawing.upscale import enlarge
from engine.request import Request
from engine.training.toybox.captions import english, russian
from engine.training.toybox.judge import adherence, judge
from engine.training.toybox.world import COMBINATIONS, Scene, held_out, random_scene
from tests.bench.engine.report import Figure

PROMPTS, BATCH = 200, 10
BARS = {"background": 0.97, "colour": 0.95, "object": 0.85, "all_three": 0.80}
UNGUIDED_BAR = 0.05


def measure() -> Iterator[Figure]:
    """Shares of 200 pictures at the default settings, then all three with guidance switched off."""
    models = load_models("toybox", choose_device())
    scenes, prompts = held_out_prompts()
    found = adherence([judge(picture) for picture in pictures(models, prompts)], scenes)
    for name, bar in BARS.items():
        share = getattr(found, name)
        yield Figure(
            name=f"adherence, {name.replace('_', ' ')}", value=f"{share:.1%}", bar=f"≥ {bar:.0%}", met=share >= bar
        )
    free = adherence([judge(picture) for picture in pictures(models, prompts, guidance_scale=0.0)], scenes)
    yield Figure(
        name="adherence, all three, guidance off",
        value=f"{free.all_three:.1%}",
        bar=f"≤ {UNGUIDED_BAR:.0%}",
        met=free.all_three <= UNGUIDED_BAR,
    )


def held_out_prompts(count: int = PROMPTS) -> tuple[list[Scene], list[str]]:
    """Scenes of held-out combinations, and a prompt for each that names object and both colours; always the same."""
    rng = np.random.default_rng(2026)
    unseen = [combination for combination in COMBINATIONS if held_out(*combination)]
    order = np.concatenate([rng.permutation(len(unseen)) for _ in range(-(-count // len(unseen)))])[:count]
    scenes = [random_scene(rng, [unseen[k]]) for k in order]
    return scenes, [(english if rng.random() < 0.5 else russian)(scene, rng, size=False) for scene in scenes]


def training_prompts(count: int) -> tuple[list[Scene], list[str]]:
    """Scenes of combinations that training has seen, no two alike, and a prompt for each."""
    rng = np.random.default_rng(77)
    seen = [combination for combination in COMBINATIONS if not held_out(*combination)]
    scenes = [random_scene(rng, [seen[k]]) for k in rng.permutation(len(seen))[:count]]
    return scenes, [english(scene, rng, size=False) for scene in scenes]


def pictures(models: Models, prompts: list[str], **knobs: float) -> Iterator[np.ndarray]:
    """The finished pictures; the seed is the prompt's number."""
    defaults = models.description.defaults
    requests = [
        resolve_defaults(Request(prompt=prompt, seed=seed, **knobs), defaults) for seed, prompt in enumerate(prompts)
    ]
    for at in range(0, len(requests), BATCH):
        batch = requests[at : at + BATCH]
        *_, last = steps_of(models, batch, first_noise(models, batch), batch[0].steps - 1)
        yield from enlarge(models, list(last.x))
        print(f"{at + len(batch)} of {len(requests)} pictures", file=sys.stderr, flush=True)
