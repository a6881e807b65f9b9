"""dictionary forms of words: simplemma for English, pymorphy3 (Korobov 2015) for Russian, both loaded when used."""

import functools
import re
from typing import Any

FUNCTION = frozenset(("PREP", "CONJ", "PRCL", "INTJ", "NPRO"))  # pymorphy3's parts of speech that name nothing
CYRILLIC = re.compile("[а-яё]")
MOST = 6  # dictionary forms that are looked at


def is_russian(text: str) -> bool:
    """Whether there are Cyrillic letters in it."""
    return bool(CYRILLIC.search(text.lower()))


@functools.lru_cache(maxsize=4096)
def lemmas(word: str) -> tuple[str, ...]:
    """Dictionary forms of a word in small letters, likeliest first, ё as е; the word itself where there is none.

    Before the dictionary form of a Russian plural stands its nominative: книгами is книги, then книга.
    """
    if not is_russian(word):
        return (_english(word),)
    forms: dict[str, None] = {}
    for parse in _analyzer().parse(word):
        plural = parse.inflect({"nomn"}) if parse.tag.POS == "NOUN" and parse.tag.number == "plur" else None
        forms |= dict.fromkeys(form.replace("ё", "е") for form in (plural and plural.word, parse.normal_form) if form)
    return tuple(forms)[:MOST]


@functools.lru_cache(maxsize=4096)
def names_nothing(word: str) -> bool:
    """Whether a Russian word is a preposition, a conjunction, a particle, a pronoun or the like."""
    return is_russian(word) and _analyzer().parse(word)[0].tag.POS in FUNCTION


def _english(word: str) -> str:
    from simplemma import lemmatize

    return str(lemmatize(word, lang="en")).lower()


@functools.cache
def _analyzer() -> Any:
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer()
