"""the words that no prompt may have: whole words in any language and case, however they are accented or spaced."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from bot.errors import ConfigError, UserError

# Marks of direction, joiners and soft hyphens: they are not seen, so they must not hide a word.
_UNSEEN = frozenset({"Cf", "Mn", "Me"})
# What ends a word: anything but letters and digits, so that an underscore hides nothing either.
_EDGE = r"[^\W_]"


class WordList:
    """Refuses a text that has one of its words."""

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted({_plain(word) for word in words} - {""})
        spaced = (r"[\W_]+".join(map(re.escape, word.split())) for word in known)
        self._pattern = re.compile(f"(?<!{_EDGE})(?:{'|'.join(spaced)})(?!{_EDGE})") if known else None

    def check_prompt(self, text: str) -> None:
        """Raises UserError, whose sentence does not repeat the word."""
        if self._pattern is not None and self._pattern.search(_plain(text)):
            raise UserError("refused-word")


def words_in(path: str) -> list[str]:
    """The words of a file, one a line, without remarks; none when there is no path. Raises ConfigError."""
    if not path:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"words_file in [moderation]: {path} cannot be read as text ({type(error).__name__})."
        ) from error
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _plain(text: str) -> str:
    """Case folded, ё as е, wide letters as narrow ones, without stress marks and what is not seen."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(c for c in unicodedata.normalize("NFC", composed) if unicodedata.category(c) not in _UNSEEN)
    return " ".join(seen.replace("ё", "е").split())
