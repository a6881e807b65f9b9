"""what a set understands of a text: each word known, and as what, or unknown; and what is to be drawn."""

from dataclasses import dataclass, replace

from engine.words.phrases import RELATIONS, Piece, owner_of, pieces_of, said_of_background, unwanted
from engine.words.word_list import Meaning, WordList


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word or phrase of the text, fillers left out."""

    said: str  # in small letters; of what is known its dictionary form
    means: str | None  # id of what it stands for; None where the set does not know it
    drawn: bool  # whether it is in the text that CLIP reads


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a text asks for, as far as a set knows its words."""

    words: tuple[Word, ...] = ()  # in the order of the text
    things: tuple[str, ...] = ()  # ids, the first said first
    ground: str | None = None
    colour: str | None = None  # of the thing, where things take any
    size: str | None = None

    @property
    def anything(self) -> bool:
        """Whether there is something to draw."""
        return bool(self.things or self.ground or self.colour)


def understand(words: WordList, text: str) -> Understood:
    """What a text asks for; at most `words.most_things` things and one ground are drawn."""
    pieces = pieces_of(words, text)
    found = Understood()
    for place, piece in enumerate(pieces):
        if not piece.filler:
            found = _with(words, found, pieces, place)
    return found


def _with(words: WordList, found: Understood, pieces: list[Piece], place: int) -> Understood:
    """What is understood so far and, in addition, one piece that is no filler."""
    meaning = _meaning(pieces, place)
    if meaning is None:
        return _add_word(found, pieces[place].said, None, drawn=False)
    if unwanted(pieces, place):
        return _add_word(found, meaning.label, meaning.id, drawn=False)
    if meaning.kind == "thing":
        drawn = meaning.id in found.things or len(found.things) < words.most_things
        things = dict.fromkeys((*found.things, meaning.id)) if drawn else found.things
        return _add_word(replace(found, things=tuple(things)), meaning.label, meaning.id, drawn=drawn)
    if meaning.kind == "size":
        return _add_word(replace(found, size=found.size or meaning.id), meaning.label, meaning.id, drawn=True)
    owner = owner_of(pieces, place) if meaning.kind == "colour" else None
    if words.coloured and (owner or not (said_of_background(pieces, place) or found.colour)):
        drawn = found.colour in (None, meaning.id)
        return _add_word(replace(found, colour=found.colour or meaning.id), meaning.label, meaning.id, drawn=drawn)
    if owner is not None:
        thing = owner.meaning("thing")
        has_it = thing is not None and meaning.id in words.named[thing.id].colours
        return _add_word(found, meaning.label, meaning.id, drawn=has_it)
    return _set_ground(found, pieces, place, meaning)


def _add_word(found: Understood, said: str, means: str | None, *, drawn: bool) -> Understood:
    return replace(found, words=(*found.words, Word(said=said, means=means, drawn=drawn)))


def _meaning(pieces: list[Piece], place: int) -> Meaning | None:
    """Which of its meanings a piece has here: “orange” before a thing or of a background is a colour, else a fruit."""
    piece = pieces[place]
    colour, thing = piece.meaning("colour"), piece.meaning("thing")
    if colour is None or thing is None:
        return next(iter(piece.meanings), None)
    owner = owner_of(pieces, place)
    apart = owner is not None and owner.said.split()[0] in RELATIONS  # an orange | on the beach
    return colour if said_of_background(pieces, place) or (owner and not apart) else thing


def _set_ground(found: Understood, pieces: list[Piece], place: int, meaning: Meaning) -> Understood:
    """A ground: the first that is named, but of two settings side by side (snowy forest) the second."""
    words = found.words
    if _describes_next(found, pieces, place):
        found, words = replace(found, ground=None), (*words[:-1], replace(words[-1], drawn=False))
    drawn = found.ground in (None, meaning.id)
    return _add_word(
        replace(found, words=words, ground=found.ground or meaning.id), meaning.label, meaning.id, drawn=drawn
    )


def _describes_next(found: Understood, pieces: list[Piece], place: int) -> bool:
    """Whether the ground so far is one word right before another setting of one word."""
    piece, before = pieces[place], pieces[place - 1] if place else None
    if before is None or piece.breaks or " " in before.said + piece.said:
        return False
    earlier, now = before.meaning("setting"), piece.meaning("setting")
    return earlier is not None and now is not None and earlier.id == found.ground != now.id
