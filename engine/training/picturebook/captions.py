"""what can be said of a picture book's scene, in English and in Russian with agreement.

Half of the captions are in the canonical form into which a set's word list brings every prompt that it
understands; the others are as people type them: incomplete, turned round, with words that mean nothing here.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.training.picturebook.inflection import adjective, gender_of, inflect, with_word

WORDS = Path(__file__).parents[2] / "model_sets" / "picturebook"
CANONICAL = 0.5  # share of the captions in the canonical form
RUSSIAN = 0.4  # share of the others
MASS = frozenset(
    (
        "bread",
        "cheese",
        "meat",
        "popcorn",
        "sushi",
        "spaghetti",
        "chocolate",
        "honey",
        "beer",
        "wine",
        "milk",
        "coffee",
        "champagne",
        "fire",
        "corn",
        "broccoli",
        "ramen",
        "lightning",
        "santa claus",
        "saturn",
        "earth",
    )
)
EN_ADJECTIVES = ("cute", "beautiful", "nice", "funny", "happy", "lovely", "little", "cool", "pretty", "amazing")
RU_ADJECTIVES = ("красивый", "милый", "весёлый", "маленький", "прекрасный", "смешной", "забавный", "добрый")
EN_BEFORE = (
    "a photo of",
    "a picture of",
    "a drawing of",
    "draw",
    "draw me",
    "painting of",
    "please draw",
    "show me",
    "i want",
    "an image of",
    "screenshot",
    "sketch of",
)
EN_AFTER = (
    "trending on artstation",
    "4k",
    "please",
    "by a famous artist",
    "unreal engine",
    "oil painting",
    "screenshot",
    "highly detailed",
    "minimalism",
    "art",
    "photo",
    "digital art",
    "hd wallpaper",
)
RU_BEFORE = ("нарисуй", "картинка:", "фото:", "рисунок:", "нарисуй пожалуйста", "хочу картинку:", "изображение:")
RU_AFTER = (
    "красиво",
    "пожалуйста",
    "фото",
    "рисунок",
    "в стиле минимализм",
    "искусство",
    "картина маслом",
    "обои",
    "высокое качество",
    "4к",
)


class Scene(Protocol):
    """What a caption needs to know of a scene."""

    @property
    def things(self) -> tuple[str, ...]:
        """Ids of one thing or of two, the left one first."""

    @property
    def ground(self) -> str:
        """Id of the ground."""


@dataclass(frozen=True, kw_only=True)
class Caption:
    """A text and what it claims."""

    text: str
    things: tuple[str, ...]  # ids; of two, the one that is said first stands on the left
    ground: str | None  # None where it is left open

    def fits(self, scene: Scene) -> bool:
        """Whether nothing in the caption speaks against the scene."""
        return self.things == scene.things and self.ground in (None, scene.ground)


@functools.cache
def things() -> dict[str, dict[str, Any]]:
    """The list of things by id, in the file's order."""
    return {thing["id"]: thing for thing in json.loads((WORDS / "things.json").read_text(encoding="utf-8"))}


@functools.cache
def grounds() -> dict[str, dict[str, Any]]:
    """The list of grounds by id, colours before settings."""
    return {ground["id"]: ground for ground in json.loads((WORDS / "grounds.json").read_text(encoding="utf-8"))}


def canonical(named: Sequence[str], ground: str | None) -> str:
    """The one English text for these things (ids, one or two) on this ground, where there is one."""
    text = " and ".join(things()[thing]["en"] for thing in named)
    if ground is None:
        return text
    table = grounds()[ground]
    return (
        f"{text} {table['en'][0]}" if table["kind"] == "setting" else f"{text} on {article(ground)} {ground} background"
    )


def caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """A caption as people would type it, or the canonical one."""
    named = scene.things
    ground = scene.ground if rng.random() < 0.8 else None
    draw = rng.random()
    if draw < CANONICAL:
        text = canonical(named, ground)
    else:
        text = (russian if rng.random() < RUSSIAN else english)(named, ground, rng)
    return Caption(text=text, things=named, ground=ground)


def english(named: Sequence[str], ground: str | None, rng: np.random.Generator) -> str:
    """One of many English phrasings."""
    first = _english_thing(named[0], rng)
    text = (
        first
        if len(named) == 1
        else _pick(rng, ("{} and {}", "{} with {}", "{} next to {}", "{} & {}", "{}, {}")).format(
            first, _english_thing(named[1], rng)
        )
    )
    if ground is not None:
        table = grounds()[ground]
        if table["kind"] == "setting":
            place, noun = _pick(rng, table["en"]), _pick(rng, table["en_also"])
            text = _pick(
                rng, (f"{text} {place}", f"{text} {place}", f"{text}, {noun}", f"{place} {text}", f"{noun}, {text}")
            )
        else:
            colour = _word(rng, table, "en")
            text = _pick(
                rng,
                (
                    f"{text} on {article(colour)} {colour} background",
                    f"{text} on {colour}",
                    f"{colour} background, {text}",
                    f"{text}, {colour} background",
                ),
            )
    return _with_filler(text, rng, EN_BEFORE, EN_AFTER)


def _english_thing(thing: str, rng: np.random.Generator) -> str:
    name = _word(rng, things()[thing], "en")
    phrase = f"{_pick(rng, EN_ADJECTIVES)} {name}" if rng.random() < 0.12 else name
    if rng.random() < 0.5 or bare(name):
        return phrase
    return f"the {phrase}" if rng.random() < 0.1 else f"{article(phrase)} {phrase}"


def bare(name: str) -> bool:
    """Whether an English name takes no article: one that is a plural, a mass or a person's own."""
    plural = name.endswith("s") and not name.endswith(("us", "is"))
    return plural or name in MASS


def article(phrase: str) -> str:
    """The indefinite article before it."""
    return "an" if phrase[0] in "aeiou" and not phrase.startswith(("uni", "ufo", "eu")) else "a"


def russian(named: Sequence[str], ground: str | None, rng: np.random.Generator) -> str:
    """One of many Russian phrasings; ё is written as е half of the time, as people do."""
    first = _russian_thing(named[0], rng)
    text = first if len(named) == 1 else _russian_pair(first, named[1], rng)
    if ground is not None:
        table = grounds()[ground]
        if table["kind"] == "setting":
            place, noun = _pick(rng, table["ru"]), _pick(rng, table["ru_also"])
            text = _pick(
                rng, (f"{text} {place}", f"{text} {place}", f"{place} {text}", f"{text}, {noun}", f"{noun}, {text}")
            )
        else:
            colour = _word(rng, table, "ru")
            back = adjective(colour, "loct", "masc")
            text = _pick(
                rng,
                (
                    f"{text} на {back} фоне",
                    f"на {back} фоне {text}",
                    f"{colour} фон, {text}",
                    f"{text}, {colour} фон",
                    f"{text} на {back}",
                ),
            )
    text = _with_filler(text, rng, RU_BEFORE, RU_AFTER)
    return text.replace("ё", "е") if rng.random() < 0.5 else text


def _russian_thing(thing: str, rng: np.random.Generator, case: str = "nomn") -> str:
    name = _word(rng, things()[thing], "ru")
    phrase = inflect(name, case)
    if rng.random() < 0.12:
        return f"{adjective(_pick(rng, RU_ADJECTIVES), case, gender_of(name))} {phrase}"
    return phrase


def _russian_pair(first: str, second: str, rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        return _pick(rng, ("{} и {}", "{}, {}", "{} и {}")).format(first, _russian_thing(second, rng))
    other = _russian_thing(second, rng, "ablt")
    return f"{first} {_pick(rng, (with_word(other), 'рядом ' + with_word(other)))} {other}"


def _word(rng: np.random.Generator, table: dict[str, Any], language: str) -> str:
    """The name in most cases, else one of the other words."""
    also: list[str] = table[f"{language}_also"]
    name = table[language]
    name = name if isinstance(name, str) else name[0]
    return _pick(rng, also) if also and rng.random() < 0.3 else name


def _with_filler(text: str, rng: np.random.Generator, before: Sequence[str], after: Sequence[str]) -> str:
    draw = rng.random()
    if draw < 0.12:
        return f"{_pick(rng, before)} {text}"
    return f"{text}, {_pick(rng, after)}" if draw < 0.24 else text


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]
