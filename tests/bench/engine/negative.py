"""a negative weight pushes away: how often the toybox draws something red when it is told not to."""

from collections.abc import Iterator
from typing import NamedTuple

from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
from engine.drawing.upscale import enlarge
from engine.request import Request
from engine.training.toybox.judge import judge
from tests.bench.engine.adherence import BATCH
from tests.bench.engine.report import Figure

PLAIN, WITHOUT, COLOUR = "a star", "a star | red :-1", "red"
PICTURES, BAR = 100, 0.02


class Count(NamedTuple):
    """Of the pictures of one prompt."""

    red: int  # whose object is red
    stars: int  # whose object is the one that was asked for
    all: int


def measure(pictures: int = PICTURES) -> Iterator[Figure]:
    """The same seeds with and without the negative part."""
    models = load_models("toybox", choose_device())
    plain, without = (count_red(models, prompt, pictures) for prompt in (PLAIN, WITHOUT))
    yield Figure(name=f"red objects in {pictures} pictures of “{PLAIN}”", value=f"{plain.red / plain.all:.1%}")
    escaped = WITHOUT.replace("|", r"\|")  # the figure is a row of a Markdown table
    yield Figure(
        name=f"red objects in {pictures} pictures of “{escaped}”",
        value=f"{without.red / without.all:.1%}",
        bar=f"< {BAR:.0%}",
        met=without.red / without.all < BAR,
    )
    yield Figure(
        name="stars among them, without and with the negative part",
        value=f"{plain.stars / plain.all:.0%}, {without.stars / without.all:.0%}",
    )


def count_red(models: Models, prompt: str, seeds: int, **knobs: float) -> Count:
    """Pictures with seeds 0 … seeds − 1."""
    defaults = models.description.defaults
    requests = [resolve_defaults(Request(prompt=prompt, seed=seed, **knobs), defaults) for seed in range(seeds)]
    verdicts = []
    for at in range(0, seeds, BATCH):
        batch = requests[at : at + BATCH]
        *_, last = steps_of(models, batch, first_noise(models, batch), batch[0].steps - 1)
        verdicts += [judge(picture) for picture in enlarge(models, list(last.x))]
    return Count(
        red=sum(found.colour == COLOUR for found in verdicts),
        stars=sum(found.object == "star" for found in verdicts),
        all=seeds,
    )
