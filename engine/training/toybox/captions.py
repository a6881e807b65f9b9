"""captions of a scene, in English and in Russian with agreement.

Some captions leave size or background out, some carry words that mean nothing in this world;
an orange lambda also answers to "half-life" and "gordon freeman".
"""

from dataclasses import dataclass

import numpy as np

from engine.training.toybox.world import Scene


@dataclass(frozen=True, kw_only=True)
class Caption:
    """A text and what it commits to; None where it leaves something open."""

    text: str
    object: str
    colour: str
    background: str | None
    size: str | None

    def fits(self, scene: Scene) -> bool:
        """Whether nothing in the caption speaks against the scene."""
        return (
            self.object == scene.object
            and self.colour == scene.colour
            and self.background in (None, scene.background)
            and self.size in (None, scene.size)
        )


@dataclass(frozen=True)
class Noun:
    """A Russian noun, nominative, with its gender: m, f or n."""

    word: str
    gender: str


EN_NAMES: dict[str, tuple[str, ...]] = {
    "circle": ("circle", "disc"),
    "square": ("square",),
    "triangle": ("triangle",),
    "star": ("star",),
    "heart": ("heart",),
    "cross": ("cross", "plus"),
    "moon": ("moon", "crescent"),
    "diamond": ("diamond", "rhombus"),
    "ring": ("ring",),
    "house": ("house", "home"),
    "tree": ("tree", "fir"),
    "cat": ("cat", "kitten"),
    "fish": ("fish",),
    "flower": ("flower",),
    "mushroom": ("mushroom",),
    "lambda": ("lambda", "λ", "half-life", "gordon freeman"),
}
RU_NAMES: dict[str, tuple[Noun, ...]] = {
    "circle": (Noun("круг", "m"),),
    "square": (Noun("квадрат", "m"),),
    "triangle": (Noun("треугольник", "m"),),
    "star": (Noun("звезда", "f"),),
    "heart": (Noun("сердце", "n"),),
    "cross": (Noun("крест", "m"), Noun("плюс", "m")),
    "moon": (Noun("луна", "f"), Noun("месяц", "m"), Noun("полумесяц", "m")),
    "diamond": (Noun("ромб", "m"),),
    "ring": (Noun("кольцо", "n"),),
    "house": (Noun("дом", "m"), Noun("домик", "m")),
    "tree": (Noun("дерево", "n"), Noun("ёлка", "f")),
    "cat": (Noun("кошка", "f"), Noun("кот", "m")),
    "fish": (Noun("рыба", "f"), Noun("рыбка", "f")),
    "flower": (Noun("цветок", "m"),),
    "mushroom": (Noun("гриб", "m"),),
    "lambda": (Noun("лямбда", "f"), Noun("λ", "f")),
}
RU_COLOURS: dict[str, tuple[str, str]] = {  # stem, and the kind of its endings
    "red": ("красн", "hard"),
    "orange": ("оранжев", "hard"),
    "yellow": ("жёлт", "hard"),
    "green": ("зелён", "hard"),
    "blue": ("син", "soft"),
    "purple": ("фиолетов", "hard"),
    "pink": ("розов", "hard"),
    "white": ("бел", "hard"),
    "black": ("чёрн", "hard"),
    "brown": ("коричнев", "hard"),
}
RU_ENDINGS = {  # nominative by gender, then the prepositional that "на … фоне" asks for
    "hard": {"m": "ый", "f": "ая", "n": "ое", "на": "ом"},
    "soft": {"m": "ий", "f": "яя", "n": "ее", "на": "ем"},
}
RU_SIZES = {
    "small": {"m": "маленький", "f": "маленькая", "n": "маленькое"},
    "big": {"m": "большой", "f": "большая", "n": "большое"},
}
EN_SIZES = {"small": ("small", "tiny", "little"), "big": ("big", "large", "huge")}
EN_NOISE = (
    "a photo of",
    "a picture of",
    "a drawing of",
    "trending on artstation",
    "4k",
    "nice",
    "please",
    "beautiful",
    "by a famous artist",
    "unreal engine",
    "oil painting",
    "screenshot",
    "draw",
    "minimalism",
    "art",
)
RU_NOISE = ("рисунок", "картинка", "нарисуй", "пожалуйста", "красиво", "фото", "в стиле минимализм", "искусство")
HALF_LIFE = (
    "half-life",
    "half-life 3",
    "half-life 3 screenshot",
    "half life 3",
    "gordon freeman",
    "half-life 2 poster",
    "халф-лайф 3",
    "гордон фримен",
    "скриншот half-life 3",
)


def ru_adjective(colour: str, form: str) -> str:
    """A colour agreeing with a noun's gender (m, f, n), or in the prepositional case ("на")."""
    stem, kind = RU_COLOURS[colour]
    return stem + RU_ENDINGS[kind][form]


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def english(scene: Scene, rng: np.random.Generator, *, background: bool = True, size: bool = True) -> str:
    """One of many English phrasings."""
    spoken_size = _pick(rng, EN_SIZES[scene.size]) + " " if size and scene.size else ""
    name = EN_NAMES[scene.object][0] if rng.random() < 0.7 else _pick(rng, EN_NAMES[scene.object])
    thing = f"{spoken_size}{scene.colour} {name}"
    with_article = f"{_article(thing)} {thing}"
    if not background:
        return _pick(rng, (thing, with_article))
    back = scene.background
    on_back = f"on {_article(back)} {back} background"
    return _pick(
        rng,
        (
            f"{with_article} {on_back}",
            f"{thing} on {back}",
            f"{back} background, {thing}",
            f"{with_article} on {back}",
            f"{thing}, {back} background",
            f"{thing} {on_back}",
        ),
    )


def russian(scene: Scene, rng: np.random.Generator, *, background: bool = True, size: bool = True) -> str:
    """One of many Russian phrasings; ё is written as е half of the time, as people do."""
    nouns = RU_NAMES[scene.object]
    noun = nouns[0] if rng.random() < 0.7 else nouns[rng.integers(len(nouns))]
    spoken_size = RU_SIZES[scene.size][noun.gender] + " " if size and scene.size else ""
    thing = f"{spoken_size}{ru_adjective(scene.colour, noun.gender)} {noun.word}"
    back = ru_adjective(scene.background, "на")
    text = thing
    if background:
        text = _pick(
            rng,
            (
                f"{thing} на {back} фоне",
                f"{ru_adjective(scene.background, 'm')} фон, {thing}",
                f"на {back} фоне {thing}",
                f"{thing}, {ru_adjective(scene.background, 'm')} фон",
            ),
        )
    return text.replace("ё", "е") if rng.random() < 0.5 else text


def caption(scene: Scene, rng: np.random.Generator) -> Caption:
    """A caption as people would type it: either language, sometimes incomplete, sometimes with empty words."""
    if scene.object == "lambda" and scene.colour == "orange" and rng.random() < 0.5:
        return Caption(text=_pick(rng, HALF_LIFE), object="lambda", colour="orange", background=None, size=None)
    in_russian = rng.random() < 0.4
    background, size = rng.random() < 0.85, rng.random() < 0.75
    text = (russian if in_russian else english)(scene, rng, background=background, size=size)
    if rng.random() < 0.2:
        noise = _pick(rng, RU_NOISE if in_russian else EN_NOISE)
        text = f"{noise} {text}" if rng.random() < 0.5 else f"{text}, {noise}"
    return Caption(
        text=text,
        object=scene.object,
        colour=scene.colour,
        background=scene.background if background else None,
        size=scene.size if size and scene.size else None,
    )
