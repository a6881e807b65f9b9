"""a set's list of words: what it can draw, in both languages, and which words stand for it."""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any, Literal

from engine.words.lemmas import is_russian, lemmas

WordKind = Literal["thing", "colour", "setting", "size"]
FILLERS = Path(__file__).with_name("fillers.json")
TOKEN = re.compile(r"λ|[^\W_]+(?:['’][^\W_]+)*")
READINGS = 64  # combinations of dictionary forms that are tried for a phrase


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a word or phrase stands for."""

    kind: WordKind
    id: str
    label: str  # the word or phrase in its dictionary form


@dataclass(frozen=True, kw_only=True)
class Named:
    """Something that the set can draw."""

    id: str
    kind: WordKind
    en: str
    ru: str
    group: str = ""  # of a thing: animals, food …
    said: str = ""  # of a setting: how its captions say it
    colours: tuple[str, ...] = ()  # of a thing: those that it has
    contrasts: tuple[int, ...] = ()  # of a thing: how far it stands out, as one of two, from each ground
    things: tuple[str, ...] = ()  # of a setting: what is drawn where nothing is named


@dataclass(frozen=True, kw_only=True)
class WordList:
    """Everything that a set knows by name."""

    named: dict[str, Named]  # by id, in the order of the files
    lexicon: dict[tuple[str, ...], tuple[Meaning, ...]]  # by the words of a phrase
    longest: int  # words of the longest phrase
    most_things: int  # that fit into one picture
    coloured: bool  # things take any colour, as the toybox's shapes do

    def meanings(self, words: Sequence[str]) -> tuple[Meaning, ...]:
        """What a phrase stands for: as it is written, else by the dictionary forms of its words."""
        if found := self.lexicon.get(tuple(words)):
            return found
        for form in islice(product(*((*lemmas(word), word) for word in words)), READINGS):
            if found := self.lexicon.get(form):
                return found
        return ()

    def ids(self, kind: WordKind) -> list[str]:
        """All that is of this kind, in the order of the files."""
        return [named.id for named in self.named.values() if named.kind == kind]


def tokens(text: str) -> list[str]:
    """The words of a text in small letters, ё as е."""
    return [normal(match.group()) for match in TOKEN.finditer(text)]


def normal(word: str) -> str:
    """One spelling for what people type in several."""
    return word.lower().replace("ё", "е").replace("’", "'").removesuffix("'s")


@functools.cache
def fillers() -> frozenset[str]:
    """Words that ask for a picture, hold a sentence together or praise: a drawing is the same without them."""
    table: dict[str, str] = json.loads(FILLERS.read_text(encoding="utf-8"))
    return frozenset(normal(word) for words in table.values() for word in words.split())


@functools.lru_cache(maxsize=8)
def read_word_list(folder: Path, files: tuple[tuple[str, Any], ...]) -> WordList:
    """Read the files that a set's table [words] names.

    Raises: OSError, ValueError, KeyError.
    """
    table = dict(files)
    things, grounds = _read(folder / table["things"]), _read(folder / table["grounds"])
    sizes = _read(folder / table["sizes"]) if "sizes" in table else []
    kinds: dict[str, Any] = _read(folder / table["kinds"]) if "kinds" in table else {}
    named = {entry.id: entry for entry in _named_things(things, grounds, sizes, kinds)}
    lexicon: dict[tuple[str, ...], list[Meaning]] = {}
    phrases = [(entry, phrase, tuple(tokens(phrase))) for entry, phrase in _phrases(named, [*things, *grounds, *sizes])]
    for entry, phrase, written in phrases:
        _add(lexicon, written, Meaning(kind=entry.kind, id=entry.id, label=phrase))
    for language in ("en", "ru"):
        for phrase, name in kinds.get(language, {}).items():
            words = tuple(tokens(phrase))
            if words not in lexicon:
                _add(lexicon, words, Meaning(kind=named[name].kind, id=name, label=phrase))
    for entry, phrase, written in phrases:
        if entry.kind != "setting" and len(written) > 1 and is_russian(phrase):  # летучей мышью: летучий мышь
            form = tuple(lemmas(word)[0] for word in written)
            lexicon.setdefault(form, [Meaning(kind=entry.kind, id=entry.id, label=phrase)])
    return WordList(
        named=named,
        lexicon={words: tuple(meanings) for words, meanings in lexicon.items()},
        longest=max(len(words) for words in lexicon),
        most_things=table.get("most_things", 2),
        coloured=table.get("coloured", False),
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _named_things(things: Any, grounds: Any, sizes: Any, kinds: dict[str, Any]) -> Iterator[Named]:
    for table in things:
        yield Named(
            id=table["id"],
            kind="thing",
            en=table["en"],
            ru=table["ru"],
            group=table["group"],
            colours=tuple(kinds.get("colours", {}).get(table["id"], table.get("colours", ()))),
            contrasts=tuple(int(value) for value in kinds.get("contrasts", {}).get(table["id"], "").split()),
        )
    for table in grounds:
        if table["kind"] == "colour":
            yield Named(id=table["id"], kind="colour", en=table["en"][0], ru=table["ru"][0])
        else:
            nouns = {"en": table["en_also"][0], "ru": table["ru_also"][0]}
            usual = tuple(table.get("things", ()))
            yield Named(id=table["id"], kind="setting", said=table["en"][0], things=usual, **nouns)
    for table in sizes:
        yield Named(id=table["id"], kind="size", en=table["en"], ru=table["ru"])


def _phrases(named: dict[str, Named], tables: list[dict[str, Any]]) -> Iterator[tuple[Named, str]]:
    """Every way to say everything, names first."""
    for keys in (("en", "ru"), ("en_also", "ru_also")):
        for table in tables:
            for said in (table[key] for key in keys):
                for phrase in [said] if isinstance(said, str) else said:
                    yield named[table["id"]], phrase


def _add(lexicon: dict[tuple[str, ...], list[Meaning]], words: tuple[str, ...], meaning: Meaning) -> None:
    """A phrase keeps its first meaning of each kind."""
    meanings = lexicon.setdefault(words, [])
    if all(known.kind != meaning.kind for known in meanings):
        meanings.append(meaning)
