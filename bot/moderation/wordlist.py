"""the word list: forbidden words in prompts, matched as whole words in any language, case or spacing."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from bot.errors import ConfigError, UserError

# Direction marks, joiners and soft hyphens are invisible, so they must not hide a word.
_UNSEEN = frozenset({"Cf", "Mn", "Me"})
# Words end at anything but letters and digits, so that an underscore hides nothing.
_EDGE = r"[^\W_]"


class WordList:
    """Rejects texts that contain one of its words."""

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted({_plain(word) for word in words} - {""})
        spaced = (r"[\W_]+".join(map(re.escape, word.split())) for word in known)
        self._pattern = re.compile(f"(?<!{_EDGE})(?:{'|'.join(spaced)})(?!{_EDGE})") if known else None

    def check_prompt(self, text: str) -> None:
        """Raises UserError, without repeating the word."""
        if self._pattern is not None and self._pattern.search(_plain(text)):
            raise UserError("refused-word")


def words_in(path: str) -> list[str]:
    """The words of a file, one a line, without comments; empty without a path. Raises ConfigError."""
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
    """Normalise: case folded, ё as е, NFKC, without stress marks and invisible characters."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(c for c in unicodedata.normalize("NFC", composed) if unicodedata.category(c) not in _UNSEEN)
    return " ".join(seen.replace("ё", "е").split())
