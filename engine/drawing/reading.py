"""the prompt as the set's CLIPs read it: rewritten by the word list where the set has one."""

from engine.model_sets.weights import ModelSet
from engine.prompts import Part, parse_prompt
from engine.request import Request
from engine.words.canonical import Seed, spell_out
from engine.words.understanding import Understood, understand
from engine.words.word_list import WordList


def read_prompt(description: ModelSet, prompt: str, seed: Seed | None = None) -> str:
    """The prompt in the words of the set's captions, weights kept; as it is where the set knows any word.

    A part of which nothing was understood stays as it is. What no part says, a ground for instance, is chosen for the
    first part that pulls towards something.

    Args:
        seed: a request's seed and the number of the picture; None leaves open what was not said.
    """
    words = description.word_list
    if words is None:
        return prompt
    parts = [(part, understand(words, part.text)) for part in parse_prompt(prompt)]
    first = next((k for k, (part, found) in enumerate(parts) if part.weight > 0 and found.anything), None)
    if first is not None and parts[first][1].ground is None and any(found.ground for _, found in parts):
        first = None  # the ground is said elsewhere
    return " | ".join(_as_read(words, *part, seed if k == first else None) for k, part in enumerate(parts))


def _as_read(words: WordList, part: Part, found: Understood, seed: Seed | None) -> str:
    text = spell_out(words, found, seed) or part.text
    return text if part.weight == 1 and ":" not in text else f"{text}:{part.weight:g}"


def prompts_of(description: ModelSet, request: Request, *, alone: bool) -> list[str]:
    """What is read for each picture of a request.

    Args:
        alone: whether the prompt alone says what is drawn; beside an init picture or pictures that pull, nothing is
            added to it.
    """
    seeds = [(request.seed, picture) for picture in range(request.count)]
    return [read_prompt(description, request.prompt, seed if alone else None) for seed in seeds]
