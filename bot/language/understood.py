"""what a model set understood of a prompt, as one short line for the person, and what it can draw instead."""

import random
import threading
from collections.abc import Callable

import engine
from engine import BadRequest, Named, Understood, Word

SHOWN = 8  # words of one line
LONGEST_WORD = 24  # characters shown of one
OFFERED = 3

Say = Callable[..., str]
_reading = threading.Lock()  # the dictionaries are read once, whoever asks first


def read_dictionaries(models: str) -> None:
    """What `line` needs, beforehand: about a second of work and 60 MB."""
    understand(models, "cat кот")


def understand(models: str, prompt: str) -> Understood | None:
    """What the set makes of a prompt; None for one that knows any word, and for one that is not there any more."""
    try:
        with _reading:
            return engine.understand(models, prompt)
    except BadRequest:
        return None


def line(say: Say, language: str, models: str, prompt: str) -> str:
    """`corgi → dog ✓ · cyberpunk ✗`, or that nothing is known; empty where there is nothing to tell.

    Args:
        say: `Texts.say`.
    """
    read = understand(models, prompt)
    if read is None:
        return ""
    named = {each.id: each for each in vocabulary(models)}
    told = [_mark(word, named, language) for word in read.words[:SHOWN]]
    words = " · ".join([*told, "…"] if len(read.words) > SHOWN else told)
    return words if read.anything else say(language, "understood-nothing", words=words or "–")


def _mark(word: Word, named: dict[str, Named], language: str) -> str:
    said = word.said if len(word.said) <= LONGEST_WORD else word.said[: LONGEST_WORD - 1] + "…"
    mark = "✓" if word.drawn else "✗"
    if word.means is None:
        return f"{said} {mark}"
    meant = named[word.means]
    names = [name.lower() for name in (meant.en, meant.ru)]
    if meant.kind == "setting" and " " in said and said not in names:  # in the snow
        said = names[0] if said.isascii() else names[1]
    if any(f" {name} " in f" {said} " for name in names):
        return f"{said} {mark}"
    return f"{said} → {name_of(meant, language)} {mark}"


def name_of(named: Named, language: str) -> str:
    """In the reader's language."""
    return named.ru if language.lower().startswith("ru") else named.en


def vocabulary(models: str) -> tuple[Named, ...]:
    """Everything that the set can draw by name; nothing where it knows any word."""
    try:
        with _reading:
            return engine.vocabulary(models)
    except BadRequest:
        return ()


def offers(models: str, job: int, language: str) -> tuple[str, ...]:
    """Names of a few things, the same for the same job."""
    things = [each for each in vocabulary(models) if each.kind == "thing"]
    chosen = random.Random(job).sample(things, min(OFFERED, len(things)))
    return tuple(name_of(each, language) for each in chosen)


def suggestions_for(models: str, prompt: str, job: int, language: str) -> tuple[str, ...]:
    """What is offered under a picture: something only where nothing of the prompt was understood."""
    read = understand(models, prompt)
    return () if read is None or read.anything else offers(models, job, language)


def line_with_offers(say: Say, language: str, models: str, prompt: str, number: int) -> str:
    """The line, and after it what may be drawn instead where nothing was understood; the same for the same number."""
    offered = suggestions_for(models, prompt, number, language)
    return " ".join([line(say, language, models, prompt), ", ".join(offered)]).strip()


def list_names(models: str, search: str, language: str) -> list[tuple[str, list[str]]]:
    """(group, names) of everything that can be drawn, or of what a search finds: a name, or a kind of a thing."""
    groups = find_names(models, search)
    return [(group, [name_of(each, language) for each in those]) for group, those in groups.items()]


def find_names(models: str, search: str) -> dict[str, list[Named]]:
    """Everything that can be drawn by group, or what a search finds."""
    wanted = search.strip().lower().replace("ё", "е")
    meant = understand(models, search) if wanted else None
    ids = {word.means for word in meant.words} if meant else set()
    groups: dict[str, list[Named]] = {}
    for each in vocabulary(models):
        names = f"{each.en} {each.ru}".lower().replace("ё", "е")
        if not wanted or each.id in ids or wanted in names or wanted == each.group:
            groups.setdefault(each.group or each.kind, []).append(each)
    return groups


def pictures(models: str) -> bytes | None:
    """What the set drew of each thing, as one picture of tiles; None where it has none."""
    try:
        return engine.gallery(models)
    except BadRequest:
        return None
