"""the text that a set's CLIP reads: what was understood, in English, in the form of the captions it learned.

What was not said, a ground or a colour, is chosen from the seed, so that CLIP is never left without an answer. Fillers
and unknown words do not reach it.
"""

import hashlib
from collections.abc import Sequence

from engine.words.understanding import Understood
from engine.words.word_list import WordList

GROUNDS_OF_TWO = 6  # among which one is chosen for two things

Seed = tuple[int, int]  # a request's seed, and the number of the picture


def pick(seed: Seed, purpose: str, options: Sequence[str]) -> str:
    """One of the options; the same for the same seed and picture on every machine."""
    digest = hashlib.sha256(f"{seed[0]}:{seed[1]}:{purpose}".encode()).digest()
    return options[int.from_bytes(digest[:8], "big") % len(options)]


def spell_out(words: WordList, found: Understood, seed: Seed | None) -> str:
    """What was understood as a caption; the empty text where nothing was.

    Args:
        seed: what the rest is chosen from; None leaves it open.
    """
    if not found.anything:
        return ""
    return (_with_colours if words.coloured else _plain)(words, found, seed)


def _plain(words: WordList, found: Understood, seed: Seed | None) -> str:
    """Where things have colours of their own: fox and robot in the snow."""
    things, ground = found.things, found.ground
    if seed is not None:
        usual = words.named[ground].things if ground else ()
        things = things or (pick(seed, "thing", usual or words.ids("thing")),)
        ground = ground or pick(seed, f"ground of {things}", _fitting_grounds(words, things))
    text = " and ".join(words.named[thing].en for thing in things)
    if ground is None:
        return text
    setting = words.named[ground].said
    return f"{text} {setting}".strip() if setting else f"{text} on {_article(ground)} {ground} background".strip()


def _fitting_grounds(words: WordList, things: Sequence[str]) -> list[str]:
    """Those in front of which a thing isn't lost; for two, those that the fainter of them stands out from best."""
    named = [words.named[thing] for thing in things]
    own = {colour for thing in named for colour in thing.colours}
    if len(things) == 1 or not all(thing.contrasts for thing in named):
        return [colour for colour in words.ids("colour") if colour not in own] + words.ids("setting")
    grounds = words.ids("colour") + words.ids("setting")
    fainter = [min(values) for values in zip(*(thing.contrasts for thing in named), strict=True)]
    least = sorted(fainter)[-GROUNDS_OF_TWO]
    return [ground for ground, value in zip(grounds, fainter, strict=True) if value >= least]


def _with_colours(words: WordList, found: Understood, seed: Seed | None) -> str:
    """Where things take any colour: a small red star on a blue background."""
    thing, ground = next(iter(found.things), None), found.ground
    usual = words.named[thing].colours if thing else ()
    colour = found.colour or next((own for own in usual if own != ground), None)
    if seed is not None:
        colours = words.ids("colour")
        thing = thing or pick(seed, "thing", words.ids("thing"))
        colour = colour or pick(seed, f"colour of {thing}", [own for own in colours if own != ground])
        ground = ground or pick(seed, f"ground of {thing}", [other for other in colours if other != colour])
    said = " ".join(words.named[part].en for part in (found.size, colour, thing) if part)
    text = f"{_article(said)} {said}" if said else ""
    return text if ground is None else f"{text} on {_article(ground)} {ground} background".strip()


def _article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" and not phrase.startswith("uni") else "a"
