"""The prompts that the picture book is measured by: a fixed rule makes them, and nobody chooses."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.picturebook.captions import english, russian, things
from engine.training.picturebook.grounds import COLOURS, SETTINGS
from engine.training.picturebook.world import pair_held_out, single_held_out

SENTENCES = Path(__file__).with_name("picturebook_sentences.toml")
BARE_SEEDS = 5
RUSSIAN = {"colour": 80, "setting": 80, "two": 40}  # how many of each row are asked again in Russian

Speak = Callable[..., str]


@dataclass(frozen=True)
class Asked:
    """A prompt, its seed, and what should be seen; the ground is None where the prompt leaves it open."""

    prompt: str
    seed: int
    things: tuple[str, ...]
    ground: str | None


def bare() -> list[Asked]:
    """Each thing's English name with five seeds, one seed of all things after the other."""
    return [Asked(thing["en"], seed, (name,), None) for seed in range(BARE_SEEDS) for name, thing in things().items()]


def singles(grounds: Iterable[str], speak: Speak, count: int = 200) -> list[Asked]:
    """Held-out pairs of a thing and a ground in an order drawn once; the seed is the prompt's number."""
    unseen = [(thing, on) for thing in things() for on in grounds if single_held_out(thing, on)]
    order, phrasing = np.random.default_rng(2026).permutation(len(unseen))[:count], np.random.default_rng(2027)
    return [
        Asked(speak(unseen[k][:1], unseen[k][1], phrasing), seed, unseen[k][:1], unseen[k][1])
        for seed, k in enumerate(order)
    ]


def twos(speak: Speak, count: int = 100) -> list[Asked]:
    """Held-out pairs of things, the first of which is said first; the seed is the prompt's number."""
    rng, phrasing, names, found = np.random.default_rng(2026), np.random.default_rng(2027), list(things()), []
    while len(found) < count:
        one, other = (names[k] for k in rng.choice(len(names), 2, replace=False))
        if pair_held_out(one, other):
            found.append(Asked(speak((one, other), None, phrasing), len(found), (one, other), None))
    return found


def mixed(count: int, *, training: bool = False) -> list[Asked]:
    """In turn a thing on a colour, a thing in a setting, and two things, in English; held-out scenes, or seen ones.

    Each is the same however many are asked for; the seed is the prompt's number.
    """
    each = -(-count // 3)
    if not training:
        kinds = [singles(COLOURS, english, each), singles(SETTINGS, english, each), twos(english, each)]
        found = [one for three in zip(*kinds, strict=True) for one in three][:count]
        return [Asked(one.prompt, seed, one.things, one.ground) for seed, one in enumerate(found)]
    rng, names = np.random.default_rng(78), list(things())
    found = []
    while len(found) < count:
        one, other = (names[k] for k in rng.choice(len(names), 2, replace=False))
        on = (*COLOURS, *SETTINGS)[rng.integers(len(COLOURS) + len(SETTINGS))]
        two = len(found) % 3 == 2
        if pair_held_out(one, other) if two else single_held_out(one, on) or (on in COLOURS) != (len(found) % 3 == 0):
            continue
        shown, ground = ((one, other), None) if two else ((one,), on)
        found.append(Asked(english(shown, ground, rng), len(found), shown, ground))
    return found


def sentences() -> list[Asked]:
    """The sixty sentences as people type them; the seed is the sentence's number."""
    table = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))["sentence"]
    return [Asked(each["text"], seed, tuple(each["things"]), each.get("ground")) for seed, each in enumerate(table)]


def rows(fewer: int | None = None) -> dict[str, list[Asked]]:
    """All prompts by the name of their row, or the first so many of each."""

    def spoken(speak: Speak) -> dict[str, list[Asked]]:
        return {"colour": singles(COLOURS, speak), "setting": singles(SETTINGS, speak), "two": twos(speak)}

    found = {"bare": bare(), **spoken(english)}
    for name, asked in spoken(russian).items():
        found[f"{name}, Russian"] = asked[: RUSSIAN[name]]
    found |= {"guidance off": found["colour"][:100], "sentences": sentences()}
    return {name: asked[:fewer] for name, asked in found.items()}
