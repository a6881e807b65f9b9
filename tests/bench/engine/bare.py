"""bare nouns: how often a toybox picture of one word, “cat”, shows that thing, whatever colours it takes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from engine.drawing.models import Models, choose_device, load_models
from engine.training.toybox.captions import EN_NAMES, RU_NAMES
from engine.training.toybox.judge import judge
from tests.bench.engine.adherence import pictures
from tests.bench.engine.report import Figure

SEEDS = 5
BAR = 0.8


def measure(pictures: int | None = None) -> Iterator[Figure]:
    """English and Russian names of all things, five seeds each, with the word list and without it."""
    models = load_models("toybox", choose_device())
    without = replace(models, description=replace(models.description, words=None))
    for name, these in (("", models), (", as typed, nothing filled in", without)):
        right, asked, wrong = _counted(these, pictures or len(EN_NAMES))
        yield Figure(
            name=f"bare nouns, toybox{name}",
            value=f"{right / asked:.1%} of {asked}; {wrong['moon']} wrong moons",
            bar=f"≥ {BAR:.0%}" if not name else "",
            met=right >= BAR * asked if not name else None,
        )


def _counted(models: Models, things: int) -> tuple[int, int, Counter[str | None]]:
    """Right pictures, all pictures, and what the wrong ones show."""
    names = [
        (thing, said) for thing in list(EN_NAMES)[:things] for said in (EN_NAMES[thing][0], RU_NAMES[thing][0].word)
    ]
    asked = [pair for pair in names for _ in range(SEEDS)]
    seen = [judge(picture).object for picture in pictures(models, [said for _, said in asked])]
    wrong = Counter(shown for (thing, _), shown in zip(asked, seen, strict=True) if shown != thing)
    return len(asked) - wrong.total(), len(asked), wrong
