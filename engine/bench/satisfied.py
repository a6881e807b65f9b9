"""what `--stop satisfied` saves in steps and costs in adherence, on the prompts that training never saw."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from engine.bench.adherence import BATCH, PROMPTS, held_out_prompts
from engine.bench.report import Figure
from engine.drawing import enlarged, first_noise, resolved, steps_of
from engine.models import Models, choose_device, load_models
from engine.request import Request
from engine.satisfied import satisfied
from engine.steps import levels_of
from engine.toybox.judge import adherence, judge

Rule = Callable[[Sequence[Sequence[float]], float, int], bool]
SAVED_BAR, COST_BAR = 0.25, 0.01


class Ending(NamedTuple):
    """One picture as it was when CLIP was satisfied, and as it was at the end."""

    early: np.ndarray
    late: np.ndarray
    steps: int  # done when CLIP was satisfied
    all: int


def measure(prompts: int = PROMPTS) -> Iterator[Figure]:
    """Each picture is drawn to its end, and the one that the rule would have finished is kept on the way."""
    models = load_models("toybox", choose_device())
    scenes, texts = held_out_prompts(prompts)
    endings = list(both_endings(models, texts))
    saved = float(np.mean([1 - ending.steps / ending.all for ending in endings]))
    early, late = (adherence([judge(picture) for picture in pictures], scenes).all_three for pictures in (
        [ending.early for ending in endings], [ending.late for ending in endings]))
    yield Figure(name=f"--stop satisfied: steps saved, mean of {prompts} pictures", value=f"{saved:.1%}",
                 bar=f"≥ {SAVED_BAR:.0%}", met=saved >= SAVED_BAR)
    yield Figure(name="--stop satisfied: adherence, all three, lost",
                 value=f"{100 * (late - early):.1f} points ({late:.1%} → {early:.1%})",
                 bar=f"≤ {100 * COST_BAR:.0f} point", met=late - early <= COST_BAR)


def both_endings(models: Models, prompts: list[str], *, rule: Rule = satisfied, **knobs: float) -> Iterator[Ending]:
    """For each prompt; the seed is its number, as in the adherence figure."""
    defaults = models.description.defaults
    requests = [resolved(Request(prompt=prompt, seed=seed, **knobs), defaults) for seed, prompt in enumerate(prompts)]
    levels = levels_of(models, requests[0]).alphas_cumprod
    for at in range(0, len(requests), BATCH):
        batch, steps = requests[at:at + BATCH], requests[0].steps
        histories: list[list[list[float]]] = [[] for _ in batch]
        ended: dict[int, tuple[Tensor, int]] = {}
        for step in steps_of(models, batch, first_noise(models, batch), steps - 1):
            for n, history in enumerate(histories):
                history.append([float(step.distance[n])])
                if n not in ended and (step.index == 0 or rule(history, float(levels[step.index]), steps)):
                    ended[n] = (step.x if step.index == 0 else step.x0)[n].clone(), steps - step.index
        early = enlarged(models, [ended[n][0] for n in range(len(batch))])
        late = enlarged(models, list(step.x))
        for n in range(len(batch)):
            yield Ending(early[n], late[n], ended[n][1], steps)
