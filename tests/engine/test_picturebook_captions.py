"""picture book captions: agreement in Russian, and that a text never says what its scene does not have."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.picturebook.captions import article, bare, canonical, caption, english, grounds, russian, things
from engine.training.picturebook.inflection import adjective, gender_of, inflect, with_word


@dataclass(frozen=True)
class Shown:
    """A scene, as far as captions look at it."""

    things: tuple[str, ...]
    ground: str


scenes = st.builds(
    Shown,
    things=st.lists(st.sampled_from(sorted(things())), min_size=1, max_size=2, unique=True).map(tuple),
    ground=st.sampled_from(sorted(grounds())),
)


@given(scene=scenes, seed=st.integers(0, 2**32 - 1))
def test_a_caption_fits_its_own_scene(scene: Shown, seed: int) -> None:
    """CLIP would learn lies."""
    said = caption(scene, np.random.default_rng(seed))
    assert said.fits(scene) and said.text.strip() == said.text


@given(scene=scenes, other=scenes, seed=st.integers(0, 2**32 - 1))
def test_a_caption_fits_no_scene_with_other_things(scene: Shown, other: Shown, seed: int) -> None:
    """Which of a batch's pictures a caption is right for is what CLIP is taught."""
    said = caption(scene, np.random.default_rng(seed))
    assert said.fits(other) == (other.things == scene.things and said.ground in (None, other.ground))


def test_the_same_seed_says_the_same() -> None:
    """Training is repeated from its seed."""
    scene = Shown(("fox", "robot"), "snow")
    assert caption(scene, np.random.default_rng(5)) == caption(scene, np.random.default_rng(5))


@pytest.mark.parametrize(
    ("named", "ground", "text"),
    [
        (["fox"], "blue", "fox on a blue background"),
        (["fox"], "orange", "fox on an orange background"),
        (["fox"], "snow", "fox in the snow"),
        (["robot", "chess-pawn"], None, "robot and chess pawn"),
    ],
)
def test_the_canonical_caption(named: list[str], ground: str | None, text: str) -> None:
    """Prompts are brought into this form, so CLIP has to have learned exactly it."""
    assert canonical(named, ground) == text


@pytest.mark.parametrize(
    ("phrase", "instrumental"),
    [
        ("лиса", "лисой"),
        ("летучая мышь", "летучей мышью"),
        ("колесо обозрения", "колесом обозрения"),
        ("книги", "книгами"),
        ("ёж", "ежом"),
        ("хот-дог", "хот-догом"),
        ("тако", "тако"),
        ("рыба", "рыбой"),
        ("картошка фри", "картошкой фри"),
        ("белый медведь", "белым медведем"),
        ("солнечные очки", "солнечными очками"),
    ],
)
def test_russian_phrases_are_inflected_as_a_whole(phrase: str, instrumental: str) -> None:
    """“мужчина с книгами”: the case falls on the noun and the adjectives before it, not on what follows it."""
    assert inflect(phrase, "ablt") == instrumental


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("лиса", "красивая"),
        ("конь", "красивый"),
        ("яблоко", "красивое"),
        ("сапоги", "красивые"),
        ("мужчина", "красивый"),
        ("белый медведь", "красивый"),
        ("летучая мышь", "красивая"),
        ("часы", "красивые"),
    ],
)
def test_russian_adjectives_agree(name: str, said: str) -> None:
    """Gender and number are the noun's."""
    assert adjective("красивый", "nomn", gender_of(name)) == said


def test_grounds_stand_in_the_prepositional() -> None:
    """“на … фоне” asks for it, of each of the colours."""
    said = {adjective(table["ru"][0], "loct", "masc") for table in grounds().values() if table["kind"] == "colour"}
    assert said == set(
        "красном оранжевом жёлтом зелёном синем фиолетовом розовом белом чёрном коричневом сером".split()
    )


@pytest.mark.parametrize(("phrase", "word"), [("слоном", "со"), ("собакой", "с"), ("шляпой", "со"), ("лисой", "с")])
def test_so_stands_before_a_hiss_and_a_consonant(phrase: str, word: str) -> None:
    """“с слоном” cannot be said."""
    assert with_word(phrase) == word


def test_articles() -> None:
    """“a apple” and “a books” are nobody's English."""
    assert (article("apple"), article("unicorn"), article("fox")) == ("an", "a", "a")
    assert [name for name in ("books", "octopus", "cactus", "milk", "fox", "glasses") if bare(name)] == [
        "books",
        "milk",
        "glasses",
    ]


def test_both_languages_say_every_thing_and_every_ground() -> None:
    """A word that never occurs is never learned."""
    rng = np.random.default_rng(0)
    for speak, language in ((english, "en"), (russian, "ru")):
        for thing, table in things().items():
            said = " ".join(speak([thing], "red", rng) for _ in range(40)).replace("ё", "е")
            assert any(name.replace("ё", "е") in said for name in (table[language], *table[f"{language}_also"])), thing
