"""what was understood: of 300 sentences, half of their words unknown, how many words are told right."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.model_sets.weights import FOLDER
from engine.training.picturebook.captions import WORDS, article, bare, grounds, things
from engine.training.picturebook.inflection import inflect
from engine.words.understanding import Understood, understand
from engine.words.word_list import WordList, normal, read_word_list
from tests.bench.engine.report import Figure

SENTENCES, BAR = 300, 0.97
UNKNOWN = Path(__file__).with_name("understood_words.toml")
FILES = (("grounds", "grounds.json"), ("kinds", "kinds.json"), ("things", "things.json"))


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A text with what each of its words should be told as."""

    text: str
    known: tuple[str, ...]  # ids
    unknown: tuple[str, ...]  # words


def measure() -> Iterator[Figure]:
    """The share over both languages, then of each."""
    words, asked = read_word_list(FOLDER / "picturebook", FILES), sentences()
    right, total, wrong = told_right(words, asked)
    yield Figure(
        name=f"what was understood, {len(asked)} sentences, words told right",
        value=f"{right / total:.1%} of {total}; wrong: {', '.join(wrong[:12]) or 'none'}",
        bar=f"≥ {BAR:.0%}",
        met=right >= BAR * total,
    )


def told_right(words: WordList, asked: list[Sentence]) -> tuple[int, int, list[str]]:
    """Words told right, all words, and the wrong ones."""
    wrong = [word for sentence in asked for word in _wrong(sentence, understand(words, sentence.text))]
    total = sum(len(sentence.known) + len(sentence.unknown) for sentence in asked)
    return total - len(wrong), total, wrong


def _wrong(sentence: Sentence, found: Understood) -> list[str]:
    known = {word.means for word in found.words if word.means}
    unknown = {word.said for word in found.words if word.means is None}
    return [name for name in sentence.known if name not in known] + [
        word for word in sentence.unknown if normal(word) not in unknown
    ]


def sentences(count: int = SENTENCES) -> list[Sentence]:
    """Half of them in each language; always the same."""
    rng = np.random.default_rng(300)
    lists = tomllib.loads(UNKNOWN.read_text(encoding="utf-8"))
    return [(_english, _russian)[k % 2](rng, lists[("en", "ru")[k % 2]].split()) for k in range(count)]


def _picked(rng: np.random.Generator, options: list[str]) -> str:
    return options[rng.integers(len(options))]


def _english(rng: np.random.Generator, unknown: list[str]) -> Sentence:
    thing, name = _named(rng, "en")
    if rng.random() < 0.3 and name[-1] in "bdgklmnprtw" and not bare(name):
        name = said = f"{name}s"
    else:
        said = name if bare(name) else f"{article(name)} {name}"
    ground = _picked(rng, list(grounds()))
    table = grounds()[ground]
    setting = table["kind"] == "setting"
    where = _picked(rng, table["en"]) if setting else f"on {article(ground)} {ground} background"
    one, two = rng.choice(unknown, 2, replace=False)
    forms = (f"{said} {where}, {one}, {two}", f"{one} {two} with {said} {where}", f"{one} {name} {two} {where}")
    return Sentence(text=_picked(rng, list(forms)), known=(thing, ground), unknown=(one, two))


def _russian(rng: np.random.Generator, unknown: list[str]) -> Sentence:
    thing, name = _named(rng, "ru")
    ground = _picked(rng, list(grounds()))
    table = grounds()[ground]
    setting = table["kind"] == "setting"
    where = _picked(rng, table["ru"]) if setting else f"на {inflect(table['ru'][0] + ' фон', 'loct')}"
    one, two = rng.choice(unknown, 2, replace=False)
    forms = (
        f"{name} {where}, {one}, {two}",
        f"{one}, {two} с {inflect(name, 'ablt')} {where}",
        f"нарисуй {inflect(name, 'accs')}, {one} {two}, {where}",
    )
    return Sentence(text=_picked(rng, list(forms)), known=(thing, ground), unknown=(one, two))


def _named(rng: np.random.Generator, language: str) -> tuple[str, str]:
    """A thing and one of its words, in a third of the cases that of a kind: a corgi."""
    kinds: dict[str, str] = json.loads((WORDS / "kinds.json").read_text(encoding="utf-8"))[language]
    if rng.random() < 1 / 3:
        name = _picked(rng, [word for word, thing in kinds.items() if thing in things()])
        return kinds[name], name
    thing = _picked(rng, list(things()))
    return thing, _picked(rng, [things()[thing][language], *things()[thing][f"{language}_also"]])
