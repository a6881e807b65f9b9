"""how often a picture shows what its owner said on the way, in place of what was asked at first.

Each drawing is asked for one scene and told another, of a combination that training never saw, after 5 to 29 % of its
steps. The judge reads the finished picture. Where it does not show the second scene, that one is drawn from the
beginning with the same seed, which tells a change that did not take from a prompt that the set cannot draw.
"""

from collections.abc import Iterator, Sequence

import numpy as np

import engine
from engine.pictures.images import read_png
from engine.request import Request
from tests.bench.engine.report import Figure
from tests.bench.engine.ways import WORLDS, World

PICTURES, BAR = 50, 0.80
EARLIEST, LATEST = 5, 29  # percent


def measure(pictures: int = PICTURES, sets: Sequence[str] = tuple(WORLDS)) -> Iterator[Figure]:
    """For each set the share of its pictures that show all of what was said last."""
    for name in sets:
        yield share_of(WORLDS[name](pictures), WORLDS[name](pictures, training=True).prompts)


def share_of(later: World, first: Sequence[str]) -> Figure:
    """The seed is the prompt's number; what is said replaces the prompt."""
    rng, name = np.random.default_rng(25), later.models.description.name
    right = undrawable = 0
    for seed, (before, words) in enumerate(zip(first, later.prompts, strict=True)):
        then = f'{rng.integers(EARLIEST, LATEST + 1)}%:"{words}"'
        shown = later.right(seed, drawn(Request(prompt=before, then=then, models=name, seed=seed)))
        print(f"<!-- {name} {seed}: {before}; {then} {'yes' if shown else 'no'} -->", flush=True)
        right += shown
        if not shown:
            undrawable += not later.right(seed, drawn(Request(prompt=words, models=name, seed=seed)))
    share = right / len(first)
    return Figure(
        name=f"{name}: the late prompt is what the judge reads, said at {EARLIEST} to {LATEST} %",
        value=f"{share:.0%} ({right} of {len(first)}; of the others {undrawable} fail from the beginning, too)",
        bar=f"≥ {BAR:.0%}",
        met=share >= BAR,
    )


def drawn(request: Request) -> np.ndarray:
    """What its owner sees."""
    *_, last = engine.draw(request)
    return read_png(last.png)[0]  # type: ignore[union-attr]
