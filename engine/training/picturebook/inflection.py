"""Russian phrases in other cases, and adjectives that agree: pymorphy3 (Korobov 2015) behind three functions."""

import functools
from typing import Any

SOFT_START = ("с", "з", "ш", "ж", "щ")  # "со" stands before these where another consonant follows
VOWELS = "аеёиоуыэюя"


def with_word(phrase: str) -> str:
    """ "с", or "со" before a hiss and another consonant: со снеговиком, с собакой."""
    return "со" if phrase.startswith(SOFT_START) and phrase[1:2] not in VOWELS else "с"


@functools.cache
def inflect(phrase: str, case: str) -> str:
    """A Russian phrase in a case of pymorphy3's (nomn, ablt, loct): its noun, and the adjectives before it."""
    words = phrase.split(" ")
    head = _head(phrase)
    if case == "nomn" or head is None:
        return phrase
    place, noun = head
    for i in range(place):
        words[i] = adjective(words[i], case, gender_of(phrase))
    if (form := noun.inflect({case})) is not None:
        words[place] = form.word
    return " ".join(words)


@functools.cache
def gender_of(phrase: str) -> str:
    """masc, femn or neut, or plur, of a Russian phrase's noun."""
    head = _head(phrase)
    if head is None:
        return "masc"
    tag = head[1].tag
    return "plur" if tag.number == "plur" else str(tag.gender or "masc")


@functools.cache
def adjective(word: str, case: str, gender: str) -> str:
    """A Russian adjective, given in the nominative, agreeing with a noun; what is none stays as it is."""
    parse = next((parse for parse in _analyzer().parse(word) if parse.tag.POS in ("ADJF", "PRTF")), None)
    form = None if parse is None else parse.inflect({"plur", case} if gender == "plur" else {"sing", gender, case})
    return word if form is None else str(form.word)


def _head(phrase: str) -> tuple[int, Any] | None:
    """Where the noun of a phrase stands, and its parse in the nominative."""
    for place, word in enumerate(phrase.split(" ")):
        nouns = [parse for parse in _analyzer().parse(word) if parse.tag.POS == "NOUN" and "nomn" in parse.tag]
        adjectives = [parse for parse in _analyzer().parse(word)[:1] if parse.tag.POS in ("ADJF", "PRTF")]
        last = place == phrase.count(" ")
        if nouns and (last or not adjectives):
            return place, nouns[0]
    return None


@functools.cache
def _analyzer() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer()
