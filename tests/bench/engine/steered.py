"""how often a toybox picture shows what its owner said on the way, in place of what was asked at first.

Each drawing is asked for one scene and told another, of a combination that training never saw, after 5 to 29 % of its
steps. The judge reads the finished picture. Where it does not show the second scene, that one is drawn from the
beginning with the same seed, which tells a change that did not take from a prompt that the set cannot draw.
"""

from collections.abc import Iterator

import numpy as np

import engine
from engine.pictures.images import read_png
from engine.request import Request
from engine.training.toybox.judge import judge
from engine.training.toybox.world import Scene
from tests.bench.engine.adherence import held_out_prompts, training_prompts
from tests.bench.engine.report import Figure

PICTURES, BAR = 50, 0.80
EARLIEST, LATEST = 5, 29  # percent


def measure(pictures: int = PICTURES) -> Iterator[Figure]:
    """Shares of the pictures that show object and colours of what was said last, and the object alone."""
    rng = np.random.default_rng(25)
    (scenes, later), (_, first) = held_out_prompts(pictures), training_prompts(pictures)
    whole, objects, undrawable = [], [], 0
    for seed, (scene, before, words) in enumerate(zip(scenes, first, later, strict=True)):
        then = f'{rng.integers(EARLIEST, LATEST + 1)}%:"{words}"'
        every, thing = shown(Request(prompt=before, then=then, models="toybox", seed=seed), scene)
        whole.append(every)
        objects.append(thing)
        print(f"<!-- {seed}: {then} {'yes' if every else 'no'} -->", flush=True)
        if not every:
            undrawable += not shown(Request(prompt=words, models="toybox", seed=seed), scene)[0]
    told = f"{sum(whole)} of {len(whole)}; of the others {undrawable} fail from the beginning, too"
    share = sum(whole) / len(whole)
    yield Figure(
        name=f"the late prompt is what the judge reads, said at {EARLIEST} to {LATEST} %: all three",
        value=f"{share:.0%} ({told})",
        bar=f"≥ {BAR:.0%}",
        met=share >= BAR,
    )
    yield Figure(name="the same, its object alone", value=f"{sum(objects)} of {len(objects)}")


def shown(request: Request, scene: Scene) -> tuple[bool, bool]:
    """Whether a picture shows a scene, and whether at least its object."""
    *_, last = engine.draw(request)
    found = judge(read_png(last.png)[0])  # type: ignore[union-attr]
    same = (found.background, found.colour, found.object) == (scene.background, scene.colour, scene.object)
    return same, found.object == scene.object
