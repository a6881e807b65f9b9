"""every sentence a user can read, in English and Russian, with plural forms."""

import math
from functools import cache
from importlib import resources

from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax.ast import Resource

LANGUAGES = ("en", "ru")


class Texts:
    """Sentences by id, from one Fluent file a language."""

    def __init__(self, fallback: str = "en") -> None:
        """`fallback` is for people whose language is not supported."""
        self._fallback = fallback
        self._bundles = {language: _bundle(language) for language in LANGUAGES}

    def say(self, language: str, text: str, **values: str | int | float) -> str:
        """A sentence; `language` as the platform reports it: ru, en-US, …"""
        bundle = self._bundles.get(language[:2].lower(), self._bundles[self._fallback])
        pattern = bundle.get_message(text).value
        if pattern is None:
            raise KeyError(text)
        sentence, mistakes = bundle.format_pattern(pattern, values)
        if mistakes:
            raise ValueError(f"{text} in {language}: {mistakes[0]}")
        return str(sentence)

    def has(self, text: str) -> bool:
        """Whether there is a sentence with this id."""
        return bool(self._bundles[self._fallback].has_message(text))

    def duration(self, language: str, seconds: float | None) -> str:
        """`about 3 minutes`; `unknown` for None, which sentences leave out."""
        if seconds is None:
            return "unknown"
        for unit, length in (("hours", 3600), ("minutes", 60)):
            if seconds >= 1.5 * length:
                return self.say(language, unit, count=round(seconds / length))
        return self.say(language, "seconds", count=max(1, math.ceil(seconds)))


def sentences(language: str) -> set[str]:
    """The ids of all sentences in a language."""
    return {entry.id.name for entry in _resource(language).body if hasattr(entry, "id")}


@cache  # parsing takes longer than the rest of the start-up
def _resource(language: str) -> Resource:
    return FluentResource((resources.files(__name__) / f"{language}.ftl").read_text(encoding="utf-8"))


@cache
def _bundle(language: str) -> FluentBundle:
    bundle = FluentBundle([language], use_isolating=False)
    bundle.add_resource(_resource(language))
    return bundle
