"""a text cut into pieces: the longest phrases that a set knows, and the words between them."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.words.lemmas import lemmas, names_nothing
from engine.words.word_list import TOKEN, Meaning, WordKind, WordList, fillers, normal

BEHIND = frozenset(("background", "backdrop", "фон", "фона", "фоне", "фоном"))
UPON = frozenset(("on", "на"))
ARTICLES = frozenset(("a", "an", "the"))
RELATIONS = frozenset("and with on in at near и с со на в во у под".split())  # they part one thing from another
MARKS = frozenset(",.;:!?|\n")
WITHOUT = frozenset(("without", "no", "not", "без", "не", "нет"))


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A phrase with what it may mean; without meanings a filler or an unknown word."""

    said: str
    meanings: tuple[Meaning, ...] = ()
    filler: bool = False
    breaks: bool = False  # whether a comma or the like stands before it

    def meaning(self, kind: WordKind) -> Meaning | None:
        """What it means as a word of this kind."""
        return next((meaning for meaning in self.meanings if meaning.kind == kind), None)


@dataclass(frozen=True)
class _Spoken:
    """One word as it stands in the text."""

    word: str
    breaks: bool  # whether a comma or the like stands before it
    joined: bool  # whether nothing but a hyphen does


def pieces_of(words: WordList, text: str) -> list[Piece]:
    """The text cut into the longest phrases that the set knows, and single words between them."""
    spoken = list(_words_of(text))
    pieces: list[Piece] = []
    place = 0
    while place < len(spoken):
        piece, length = _longest(words, spoken, place)
        if spoken[place].joined and not piece.meanings and not pieces[-1].meanings:  # sci-fi
            before = pieces.pop()
            both = f"{before.said}-{piece.said}"
            piece = Piece(said=both, filler=before.filler and piece.filler, breaks=before.breaks)
        pieces.append(piece)
        place += length
    return pieces


def _words_of(text: str) -> Iterator[_Spoken]:
    """Every word of a text."""
    end = 0
    for match in TOKEN.finditer(text):
        between = text[end : match.start()]
        yield _Spoken(normal(match.group()), not MARKS.isdisjoint(between), end > 0 and between in ("-", "‑"))
        end = match.end()


def _longest(words: WordList, spoken: list[_Spoken], place: int) -> tuple[Piece, int]:
    """The longest known phrase that begins here, else one word; and how many words it has."""
    first = spoken[place]
    for length in range(min(words.longest, len(spoken) - place), 0, -1):
        if any(later.breaks for later in spoken[place + 1 : place + length]):
            continue
        said = [each.word for each in spoken[place : place + length]]
        meanings = words.meanings(said)
        if meanings and not (length == 1 and _rather_filler(first.word, meanings[0])):
            return Piece(said=" ".join(said), meanings=meanings, breaks=first.breaks), length
    return Piece(said=first.word, filler=is_filler(first.word), breaks=first.breaks), 1


def _rather_filler(word: str, meaning: Meaning) -> bool:
    """Whether a filler only happens to have the dictionary form of a word that is known: painting, paint."""
    return meaning.kind != "size" and word != normal(meaning.label) and is_filler(word)


def is_filler(word: str) -> bool:
    """Whether a drawing is the same without the word."""
    if word in WITHOUT or word in fillers() or word.isdigit() or names_nothing(word):
        return True
    return any(form in fillers() for form in lemmas(word))


def following(pieces: list[Piece], place: int) -> Piece | None:
    """The piece right after, where no comma is between."""
    after = pieces[place + 1] if place + 1 < len(pieces) else None
    return None if after is None or after.breaks else after


def said_of_background(pieces: list[Piece], place: int) -> bool:
    """Whether a colour is that of the background: blue background, фон синий, a fox on blue."""
    piece, after = pieces[place], following(pieces, place)
    before = pieces[place - 1] if place else None
    if after is not None and after.said in BEHIND:
        return True
    if (
        before is not None and before.said in BEHIND and not piece.breaks
    ):  # unless it has a colour: на синем фоне белый кот
        return place < 2 or pieces[place - 2].meaning("colour") is None
    words = [earlier.said for earlier in pieces[:place] if earlier.said not in ARTICLES]
    return bool(words) and words[-1] in UPON and (after is None or after.filler)


def owner_of(pieces: list[Piece], place: int) -> Piece | None:
    """What a colour is said of: the next word that is neither a colour nor a filler (a cute blue big cat)."""
    if said_of_background(pieces, place):
        return None
    for number in range(place + 1, len(pieces)):
        after = pieces[number]
        if after.breaks or (after.said in RELATIONS and not _joins_colours(pieces, number)):
            return None
        if not after.filler and after.meaning("colour") is None:
            return after
    return None


def _joins_colours(pieces: list[Piece], place: int) -> bool:
    """Whether another colour follows an “and”: a black and white cat."""
    after = following(pieces, place)
    return pieces[place].said in ("and", "и") and after is not None and after.meaning("colour") is not None


def unwanted(pieces: list[Piece], place: int) -> bool:
    """Whether it is said that this is not to be seen: without a hat, без шляпы."""
    return any(before.said in WITHOUT for before in pieces[max(0, place - 2) : place] if before.filler)
