"""captions: Russian agreement word by word, and that a text never says what its scene does not have."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from engine.training.toybox.captions import (
    EN_NAMES,
    EN_NOISE,
    EN_SIZES,
    HALF_LIFE,
    RU_COLOURS,
    RU_NAMES,
    RU_NOISE,
    RU_SIZES,
    Caption,
    caption,
    english,
    ru_adjective,
    russian,
)
from engine.training.toybox.world import COLOURS, COMBINATIONS, OBJECTS, Scene, held_out, random_scene

SEEN = [combination for combination in COMBINATIONS if not held_out(*combination)]
NOMINATIVE = {  # the whole table, written out: m, f, n, and the prepositional of "на … фоне"
    "red": "красный красная красное красном",
    "orange": "оранжевый оранжевая оранжевое оранжевом",
    "yellow": "жёлтый жёлтая жёлтое жёлтом",
    "green": "зелёный зелёная зелёное зелёном",
    "blue": "синий синяя синее синем",
    "purple": "фиолетовый фиолетовая фиолетовое фиолетовом",
    "pink": "розовый розовая розовое розовом",
    "white": "белый белая белое белом",
    "black": "чёрный чёрная чёрное чёрном",
    "brown": "коричневый коричневая коричневое коричневом",
}
GENDERS = {
    "m": "круг квадрат треугольник крест плюс месяц полумесяц ромб дом домик кот цветок гриб",
    "f": "звезда луна ёлка кошка рыба рыбка лямбда λ",
    "n": "сердце кольцо дерево",
}


def scene(kind: str, colour: str, background: str, size: str = "") -> Scene:
    return Scene(object=kind, colour=colour, background=background, size=size, x=32, y=32, radius=20)


def sayings(speak: Callable[..., str], of: Scene, count: int = 80, **knobs: bool) -> set[str]:
    """What can be said of a scene, as good as all of it."""
    rng = np.random.default_rng(4)
    return {speak(of, rng, **knobs) for _ in range(count)}


@pytest.mark.parametrize("colour", COLOURS)
def test_russian_colours_decline(colour: str) -> None:
    """Синий is soft, the others are hard; a table by hand catches what a rule gets wrong."""
    assert " ".join(ru_adjective(colour, form) for form in ("m", "f", "n", "на")) == NOMINATIVE[colour]


def test_russian_nouns_have_their_gender() -> None:
    """Agreement rests on it."""
    genders = {noun.word: noun.gender for nouns in RU_NAMES.values() for noun in nouns}
    assert genders == {word: gender for gender, words in GENDERS.items() for word in words.split()}


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (scene("star", "blue", "red"), "синяя звезда на красном фоне"),
        (scene("heart", "blue", "white"), "синее сердце на белом фоне"),
        (scene("star", "red", "blue"), "красная звезда на синем фоне"),
        (scene("house", "blue", "black"), "синий дом на чёрном фоне"),
        (scene("ring", "yellow", "green"), "на зелёном фоне жёлтое кольцо"),
        (scene("tree", "green", "blue"), "синий фон, зелёное дерево"),
        (scene("cat", "black", "yellow"), "чёрная кошка, жёлтый фон"),
        (scene("moon", "white", "black"), "белая луна на чёрном фоне"),
        (scene("moon", "white", "black"), "белый месяц на чёрном фоне"),
        (scene("mushroom", "brown", "pink", "small"), "маленький коричневый гриб на розовом фоне"),
        (scene("fish", "orange", "purple", "big"), "большая оранжевая рыба на фиолетовом фоне"),
        (scene("tree", "green", "white", "small"), "маленькая зелёная ёлка на белом фоне"),
        (scene("heart", "pink", "brown", "big"), "большое розовое сердце на коричневом фоне"),
    ],
)
def test_russian_captions_agree(of: Scene, text: str) -> None:
    """Gender of the noun, case of the background, size and colour alike."""
    assert text in sayings(russian, of, count=600)


def test_every_colour_agrees_with_every_object() -> None:
    """All 160 pairs: whatever noun is chosen, the adjective before it has the noun's gender."""
    rng = np.random.default_rng(5)
    for kind, colour in product(OBJECTS, COLOURS):
        right = {
            f"{NOMINATIVE[colour].split()['mfn'.index(noun.gender)]} {noun.word}".replace("ё", "е")
            for noun in RU_NAMES[kind]
        }
        said = {russian(scene(kind, colour, "white"), rng, background=False).replace("ё", "е") for _ in range(20)}
        assert said <= right


def test_yo_is_dotted_or_not() -> None:
    """People write both жёлтая and желтая."""
    said = sayings(russian, scene("star", "yellow", "black"), background=False)
    assert said == {"жёлтая звезда", "желтая звезда"}


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (scene("star", "red", "blue"), "a red star on a blue background"),
        (scene("star", "red", "blue"), "red star on blue"),
        (scene("star", "red", "blue"), "blue background, red star"),
        (scene("house", "orange", "white"), "an orange house on a white background"),
        (scene("cat", "black", "orange"), "a black cat on an orange background"),
        (scene("lambda", "white", "green", "small"), "a tiny white λ on green"),
    ],
)
def test_english_captions_have_the_right_article(of: Scene, text: str) -> None:
    """An orange house, a black cat on an orange background."""
    assert text in sayings(english, of, count=600)


def test_every_object_colour_and_size_has_words_in_both_languages() -> None:
    """A missing word would fail in the middle of a training run."""
    assert set(EN_NAMES) == set(RU_NAMES) == set(OBJECTS)
    assert set(RU_COLOURS) == set(COLOURS)
    assert set(EN_SIZES) == set(RU_SIZES) == {"small", "big"}


def test_left_out_means_not_said() -> None:
    """Without background or size a caption must not mention any."""
    of = scene("circle", "red", "blue", "big")
    bare = sayings(english, of, background=False, size=False) | sayings(russian, of, background=False, size=False)
    assert bare == {"red circle", "a red circle", "red disc", "a red disc", "красный круг"}


def named(text: str, spoken: Caption) -> bool:
    """Whether the text has a word for each thing that the caption commits to."""
    text = text.replace("ё", "е")
    colours = [
        {colour, RU_COLOURS[colour][0].replace("ё", "е")}
        for colour in (spoken.colour, spoken.background)
        if colour is not None
    ]
    names = {*EN_NAMES[spoken.object], *(noun.word.replace("ё", "е") for noun in RU_NAMES[spoken.object])}
    sizes = {*EN_SIZES[spoken.size], *RU_SIZES[spoken.size].values()} if spoken.size else {""}
    return all(any(word in text for word in words) for words in (*colours, names, sizes))


def test_captions_name_what_the_scene_has_and_nothing_else() -> None:
    """A caption that lies teaches CLIP to lie; only the λ's nicknames name neither colour nor object."""
    rng = np.random.default_rng(6)
    for of in (random_scene(rng, SEEN) for _ in range(1500)):
        spoken = caption(of, rng)
        assert spoken.fits(of)
        if spoken.text in HALF_LIFE:
            assert (of.object, of.colour) == ("lambda", "orange")
            continue
        assert named(spoken.text, spoken)
        words = {word.strip(",") for word in spoken.text.split()} - set(" ".join((*EN_NOISE, *RU_NOISE)).split())
        assert words & set(COLOURS) <= {spoken.colour, spoken.background}


def test_captions_never_speak_of_a_held_out_combination() -> None:
    """In no language: what training hears of are the combinations it sees."""
    rng = np.random.default_rng(7)
    for of in (random_scene(rng, SEEN) for _ in range(1500)):
        spoken = caption(of, rng)
        assert spoken.background is None or not held_out(spoken.object, spoken.colour, spoken.background)


def test_captions_come_in_all_kinds() -> None:
    """Both languages, complete and incomplete, with words that mean nothing, and half-life."""
    rng = np.random.default_rng(8)
    spoken = [caption(random_scene(rng, SEEN), rng) for _ in range(3000)]
    russian_share = np.mean([any("а" <= letter <= "я" for letter in one.text) for one in spoken])
    assert 0.3 < russian_share < 0.5
    assert 0.05 < np.mean([one.background is None for one in spoken]) < 0.3
    assert 0.1 < np.mean([any(noise in one.text for noise in (*EN_NOISE, *RU_NOISE)) for one in spoken]) < 0.3
    assert any(one.text in HALF_LIFE for one in spoken)


def test_a_caption_fits_every_scene_it_does_not_contradict() -> None:
    """What is left open speaks against nothing: such scenes are no negatives of one another."""
    open_one = Caption(text="red star", object="star", colour="red", background=None, size=None)
    assert open_one.fits(scene("star", "red", "blue", "big"))
    assert open_one.fits(scene("star", "red", "white"))
    assert not open_one.fits(scene("star", "pink", "white"))
    closed = Caption(text="small red star on blue", object="star", colour="red", background="blue", size="small")
    assert not closed.fits(scene("star", "red", "blue", "big"))
    assert not closed.fits(scene("star", "red", "white", "small"))
