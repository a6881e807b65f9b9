"""what `--stop satisfied` saves in steps and costs in adherence, on the prompts that training never saw."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from torch import Tensor

from engine.diffusion.stopping import clean_from, is_satisfied
from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.steps import first_noise, levels_of, resolve_defaults, steps_of
from engine.drawing.upscale import enlarge
from engine.request import Request
from engine.training.toybox.judge import adherence, judge
from tests.bench.engine.adherence import BATCH, PROMPTS, held_out_prompts
from tests.bench.engine.report import Figure

Rule = Callable[[Sequence[Sequence[float]], float, int], bool]
SAVED_BAR, COST_BAR = 0.25, 0.01
ENOUGH = 0.5  # adherence that there must be to lose
CLEANS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # tried beside the rule's own


class Ending(NamedTuple):
    """One picture as it was when CLIP was satisfied, and as it was at the end."""

    early: np.ndarray
    late: np.ndarray
    steps: int  # done when CLIP was satisfied
    all: int


def measure(pictures: int = PROMPTS) -> Iterator[Figure]:
    """Each picture is drawn to its end, and those that the rule would have finished are kept on the way."""
    models = load_models("toybox", choose_device())
    scenes, prompts = held_out_prompts(pictures)
    rule = clean_from(models.description.defaults.until_level)
    cleans = sorted({rule, *CLEANS})
    rules = [partial(is_satisfied, clean=clean) for clean in cleans]
    endings = list(both_endings(models, prompts, rules))
    late = adherence([judge(row[0].late) for row in endings], scenes)
    for k, clean in enumerate(cleans):
        early = adherence([judge(row[k].early) for row in endings], scenes)
        saved = float(np.mean([1 - row[k].steps / row[k].all for row in endings]))
        cost = late.all_three - early.all_three
        ours = clean == rule
        yield Figure(
            name=f"--stop satisfied from ᾱ = {clean}{' (the rule)' if ours else ''}: steps saved; adherence lost, "
            "all three (background, colour, object)",
            value=f"{saved:.1%}; {100 * cost:.1f} points ({', '.join(_lost(early, late))})",
            bar=f"≥ {SAVED_BAR:.0%}; ≤ {100 * COST_BAR:.0f} point" if ours else "",
            met=saved >= SAVED_BAR and cost <= COST_BAR and late.all_three >= ENOUGH if ours else None,
        )
    yield Figure(
        name=f"adherence, all three, of the {pictures} pictures drawn to their end",
        value=f"{late.all_three:.1%}",
        bar=f"≥ {ENOUGH:.0%}, or the loss says nothing",
        met=late.all_three >= ENOUGH,
    )


def _lost(early: object, late: object) -> list[str]:
    return [f"{100 * (getattr(late, name) - getattr(early, name)):.1f}" for name in ("background", "colour", "object")]


def both_endings(models: Models, prompts: list[str], rules: Sequence[Rule], **knobs: float) -> Iterator[list[Ending]]:
    """For each prompt an Ending by each rule; the seed is the prompt's number, as in the adherence figure."""
    defaults = models.description.defaults
    requests = [
        resolve_defaults(Request(prompt=prompt, seed=seed, **knobs), defaults) for seed, prompt in enumerate(prompts)
    ]
    levels = levels_of(models, requests[0]).alphas_cumprod
    for at in range(0, len(requests), BATCH):
        batch, steps = requests[at : at + BATCH], requests[0].steps
        histories: list[list[list[float]]] = [[] for _ in batch]
        ended: dict[tuple[int, int], tuple[Tensor, int]] = {}
        for step in steps_of(models, batch, first_noise(models, batch), steps - 1):
            level, shown = float(levels[step.index]), step.x if step.index == 0 else step.x0
            for n, history in enumerate(histories):
                history.append([float(step.distance[n])])
                for k, rule in enumerate(rules):
                    if (n, k) not in ended and (step.index == 0 or rule(history, level, steps)):
                        ended[n, k] = shown[n].clone(), steps - step.index
        for n, late in enumerate(enlarge(models, list(step.x))):
            early = enlarge(models, [ended[n, k][0] for k in range(len(rules))])
            yield [Ending(early[k], late, ended[n, k][1], steps) for k in range(len(rules))]
