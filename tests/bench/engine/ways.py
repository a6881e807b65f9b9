"""ways to draw that are weighed against one another: what a picture takes, and whether the judge sees what was asked.

Each try is kept under runs/ways by set, way, prompt and seed, its picture beside it, so a stopped run goes on where it
was. The clock is processor time.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
from engine.drawing.upscale import enlarge
from engine.request import Request
from engine.training.picturebook.judge import read
from engine.training.toybox.judge import judge
from engine.training.toybox.world import Scene
from tests.bench.engine.adherence import held_out_prompts, training_prompts
from tests.bench.engine.picturebook_prompts import Asked, mixed

FOLDER = Path("runs/ways")
Asks = Sequence[tuple[str, int]]  # prompts and seeds
Draw = Callable[[Asks], tuple[list[np.ndarray], int]]  # pictures [h, w, 3] uint8, and steps that were taken


@dataclass(frozen=True)
class Try:
    """One picture of one way."""

    right: bool  # all that was asked for is seen
    seconds: float  # of processor time
    steps: int


@dataclass(frozen=True, kw_only=True)
class World:
    """Networks, prompts, and who says whether a picture shows what its prompt says; the seed is the prompt's number."""

    models: Models
    prompts: list[str]
    right: Callable[[int, np.ndarray], bool]

    def tried(self, way: str, draw: Draw, numbers: Sequence[int]) -> list[Try]:
        """Prompts drawn together one way, or what was kept of them; each takes its share of the time."""
        made_by = self.models.description
        networks = (made_by.folder.parent / f"{made_by.name}.toml").read_text(encoding="utf-8").partition("[defaults]")
        asked = [(self.prompts[number], number) for number in numbers]
        name = hashlib.sha256(repr((networks[0], way, asked)).encode()).hexdigest()[:16]
        path = FOLDER / made_by.name / f"{name}.json"
        if path.exists():
            return [Try(**one) for one in json.loads(path.read_text())]
        began = time.process_time()
        pictures, steps = draw(asked)
        seconds = (time.process_time() - began) / len(asked)
        rights = [self.right(number, picture) for number, picture in zip(numbers, pictures, strict=True)]
        found = [Try(right=bool(right), seconds=seconds, steps=steps) for right in rights]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(pictures, axis=1)).save(path.with_suffix(".png"))
        path.write_text(json.dumps([vars(one) for one in found]))
        return found


def toybox(count: int, *, training: bool = False) -> World:
    """Held-out scenes, or such as training has seen."""
    scenes, prompts = (training_prompts if training else held_out_prompts)(count)
    return World(models=load_models("toybox", choose_device()), prompts=prompts, right=partial(_all_three, scenes))


def picturebook(count: int, *, training: bool = False) -> World:
    """In turn a thing on a colour, a thing in a setting, and two things."""
    asked = mixed(count, training=training)
    prompts = [one.prompt for one in asked]
    return World(models=load_models("picturebook", choose_device()), prompts=prompts, right=partial(_as_asked, asked))


WORLDS: dict[str, Callable[..., World]] = {"toybox": toybox, "picturebook": picturebook}


def _all_three(scenes: list[Scene], number: int, picture: np.ndarray) -> bool:
    seen, scene = judge(picture), scenes[number]
    return (seen.background, seen.colour, seen.object) == (scene.background, scene.colour, scene.object)


def _as_asked(asked: list[Asked], number: int, picture: np.ndarray) -> bool:
    seen, one = read(picture), asked[number]
    return set(one.things) <= set(seen.things) and one.ground in (None, seen.ground)


def ours(models: Models, knobs: Mapping[str, object]) -> Draw:
    """The product's own way with some options."""

    def draw(asked: Asks) -> tuple[list[np.ndarray], int]:
        name, defaults = models.description.name, models.description.defaults
        said = [Request(prompt=prompt, seed=seed, models=name, **knobs) for prompt, seed in asked]  # type: ignore[arg-type]
        requests = [resolve_defaults(request, defaults) for request in said]
        steps = list(steps_of(models, requests, first_noise(models, requests), requests[0].steps - 1))
        return enlarge(models, list(steps[-1].x)), len(steps)

    return draw


def key(models: Models, knobs: Mapping[str, object]) -> str:
    """What one of our ways is kept under: another default is another way."""
    return f"{json.dumps(knobs, sort_keys=True)} {models.description.defaults}"
