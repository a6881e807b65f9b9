"""words: what the two embedded sets understand of what people type, and the text that their CLIPs read for it."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.model_sets.weights import FOLDER, load_model_set
from engine.training.picturebook.captions import canonical, grounds, things
from engine.training.toybox.captions import english, russian
from engine.training.toybox.world import COMBINATIONS, Scene, random_scene
from engine.words.canonical import spell_out
from engine.words.lemmas import lemmas
from engine.words.understanding import Understood, understand
from engine.words.word_list import WordList, read_word_list

FILES = (("grounds", "grounds.json"), ("kinds", "kinds.json"), ("things", "things.json"))


def book() -> WordList:
    """The picture book's list, which needs no weights."""
    return read_word_list(FOLDER / "picturebook", FILES)


def toybox() -> WordList:
    words = load_model_set("toybox").word_list
    assert words is not None
    return words


def told(found: Understood) -> str:
    """As short as on the page."""
    return " · ".join(f"{word.said} {'✓' if word.drawn else '✗'}" for word in found.words)


@pytest.mark.parametrize(
    ("text", "things", "ground"),
    [
        ("a squirrel", "squirrel", None),
        ("a red fox in the snow", "fox", "snow"),
        ("man with books", "man books", None),
        ("a robot and a chess pawn", "robot chess-pawn", None),
        ("half-life 3 screenshot", "lambda", None),
        ("cats", "cat", None),
        ("foxes, blue background", "fox", "blue"),
        ("a fox on blue", "fox", "blue"),
        ("рыба под водой", "fish", "underwater"),
        ("мужчина с книгами", "man books", None),
        ("лисой", "fox", None),
        ("лиса на синем фоне", "fox", "blue"),
        ("зелёный фон, ёжик", "hedgehog", "green"),
        ("книгу", "book", None),
        ("колеса обозрения ночью", "ferris-wheel", "night"),
        ("летучей мышью", "bat", None),
        ("кот-космонавт", "cat astronaut", None),
        ("corgi", "dog", None),
        ("корги", "dog", None),
        ("t rex", "t-rex", None),
        ("an orange", "tangerine", None),
        ("an accordion and an orange on the beach", "accordion tangerine", "beach"),
        ("cat on orange", "cat", "orange"),
        ("a black and white cat", "cat", None),
        ("ship at sea at sunset", "ship", "sea"),
        ("snowy forest", "", "forest"),
        ("a painting of a cat", "cat", None),
        ("man without a hat", "man", None),
        ("dog, cat, cow", "dog cat", None),
        ("democracy", "", None),
        ("", "", None),
        ("!!!", "", None),
    ],
)
def test_the_picture_book_understands(text: str, things: str, ground: str | None) -> None:
    """As people type it: articles, cases, plurals, kinds, settings, colours, fillers, in both languages."""
    found = understand(book(), text)
    assert (" ".join(found.things), found.ground) == (things, ground)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("red fox in the snow", "red fox ✓ · in the snow ✓"),
        ("cyberpunk corgi", "cyberpunk ✗ · corgi ✓"),
        ("blue cat", "blue ✗ · cat ✓"),
        ("green frog", "green ✓ · frog ✓"),
        ("dog, cat, cow", "dog ✓ · cat ✓ · cow ✗"),
        ("please draw me a beautiful cat", "cat ✓"),
        ("sci-fi cat", "sci-fi ✗ · cat ✓"),
        ("лисой", "лиса ✓"),
        ("человек без шляпы", "человек ✓ · шляпа ✗"),
    ],
)
def test_each_word_is_told_as_drawn_or_not(text: str, line: str) -> None:
    """A person sees why their picture lacks something; fillers are not worth a word."""
    assert told(understand(book(), text)) == line


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a red star on a blue background", "a red star on a blue background"),
        ("жёлтая кошка на фиолетовом фоне", "a yellow cat on a purple background"),
        ("small white moon, green background", "a small white moon on a green background"),
        ("большая красная рыба на белом", "a big red fish on a white background"),
        ("на чёрном фоне оранжевое кольцо", "an orange ring on a black background"),
        ("фон зелёный, чёрный крест", "a black cross on a green background"),
    ],
)
def test_the_toybox_reads_its_own_captions(text: str, read: str) -> None:
    """Russian becomes the same text as English, so both are drawn equally well."""
    assert spell_out(toybox(), understand(toybox(), text), (1, 0)) == read


@given(
    number=st.integers(0, len(COMBINATIONS) - 1),
    seed=st.integers(0, 2**32 - 1),
    speak=st.sampled_from([english, russian]),
)
def test_every_caption_of_the_toybox_is_read_as_its_scene(
    number: int, seed: int, speak: Callable[[Scene, np.random.Generator], str]
) -> None:
    """“на чёрном фоне оранжевое кольцо” was read as a ring of any colour."""
    rng = np.random.default_rng(seed)
    scene = random_scene(rng, [COMBINATIONS[number]])
    found = understand(toybox(), speak(scene, rng))
    assert (found.things, found.colour, found.ground) == ((scene.object,), scene.colour, scene.background)


def test_what_is_not_said_comes_from_the_seed() -> None:
    """“cat” became a pale moon; now it is a cat of some colour on another, the same for the same seed."""
    found = understand(toybox(), "cat")
    texts = {seed: spell_out(toybox(), found, (seed, 0)) for seed in range(40)}
    assert len(set(texts.values())) > 20 and all(" cat on " in text for text in texts.values())
    assert texts[7] == spell_out(toybox(), found, (7, 0)) != spell_out(toybox(), found, (7, 1))
    assert all(len({word for word in text.split() if word in toybox().ids("colour")}) == 2 for text in texts.values())


def test_no_ground_is_chosen_in_which_the_thing_is_lost() -> None:
    """A white dove on white is a picture of nothing."""
    found = understand(book(), "dove")
    texts = {spell_out(book(), found, (seed, 0)) for seed in range(200)}
    assert {"white", "grey"} <= set(book().named["dove"].colours)
    assert len(texts) > 15 and not any(
        f" {colour} background" in text for text in texts for colour in ("white", "grey")
    )


def test_two_things_lie_where_the_fainter_of_them_stands_out() -> None:
    """A dark chess pawn beside a robot at night became sunglasses: what it adds to the picture was too little."""
    found = understand(book(), "a robot and a chess pawn")
    texts = {spell_out(book(), found, (seed, 0)).removeprefix("robot and chess pawn ") for seed in range(100)}
    assert {"in the snow", "on a white background"} <= texts and len(texts) == 6
    assert not texts & {"at night", "in the forest", "in space", "on a black background", "on a grey background"}
    assert "at night" in spell_out(book(), understand(book(), "a robot and a chess pawn at night"), (0, 0))


def test_nothing_is_added_where_no_seed_is_given() -> None:
    """Beside a picture that the drawing begins from, the prompt says only what it says."""
    assert spell_out(toybox(), understand(toybox(), "cat"), None) == "a cat"
    assert spell_out(book(), understand(book(), "cat and dog"), None) == "cat and dog"


@given(
    named=st.lists(st.sampled_from(sorted(things())), min_size=1, max_size=2, unique=True),
    ground=st.none() | st.sampled_from(sorted(grounds())),
)
def test_the_canonical_caption_is_its_own_canonical_form(named: list[str], ground: str | None) -> None:
    """What training calls canonical is what prompts are brought into, and reading it again changes nothing."""
    text = canonical(named, ground)
    found = understand(book(), text)
    assert (found.things, found.ground) == (tuple(named), ground)
    assert spell_out(book(), found, None) == text


@given(text=st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Strangers type anything; what is drawn is bounded."""
    for words in (book(), toybox()):
        found = understand(words, text)
        assert len(found.things) <= words.most_things
        assert not found.anything or spell_out(words, found, (1, 0))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_name_is_understood_as_itself(language: str) -> None:
    """A thing that is offered must be drawable by its own name."""
    wrong = {
        name: understand(words, getattr(named, language)).things
        for words in (book(), toybox())
        for name, named in words.named.items()
        if named.kind == "thing" and understand(words, getattr(named, language)).things != (name,)
    }
    assert not wrong


def test_kinds_are_of_things_and_grounds() -> None:
    """The file is made by a script from WordNet and by hand."""
    kinds = json.loads((FOLDER / "picturebook" / "kinds.json").read_text())
    assert kinds["en"]["corgi"] == "dog" and "boxer" not in kinds["en"]
    assert {*kinds["en"].values(), *kinds["ru"].values()} <= {*things(), *grounds()}


def test_dictionary_forms() -> None:
    """The libraries give them; a Russian plural keeps its number first, so that книгами is the thing “books”."""
    assert lemmas("foxes") == ("fox",) and lemmas("лисой")[0] == "лиса" and lemmas("книгами")[0] == "книги"


def test_the_door_tells_what_was_understood() -> None:
    """The bot asks it without torch; a set that knows any word says nothing."""
    found = engine.understand("toybox", "red cat:2 | squirrel | moon:-1")
    assert found is not None and told(found) == "red ✓ · cat ✓ · squirrel ✗"
    assert engine.understand("imagenet256", "red cat") is None
    assert {named.id for named in engine.vocabulary("toybox")} > {"cat", "red", "small"}
    assert engine.vocabulary("imagenet256") == ()
