"""bot/moderation/wordlist.py"""

from pathlib import Path

import pytest

from bot.errors import ConfigError, UserError
from bot.moderation.wordlist import WordList, words_in

WORDS = ["Ass", "чёрт", "very bad thing", "Straße", "a+b"]


def has(text: str, words: list[str] = WORDS) -> bool:
    try:
        WordList(words).check_prompt(text)
    except UserError as error:
        assert error.text == "refused-word" and not error.values
        return True
    return False


@pytest.mark.parametrize(
    "text",
    [
        "ass",
        "an ASS.",
        "ass:2 | star",
        "a_ass_b",
        "(ass)",
        "as\u00ads",
        "a\u200bss",
        "ａｓｓ",
        "ЧЕРТ",
        "чёрт",
        "че\u0301рт",
        "стоит чёрт, у дома",
        "very  bad\nthing",
        "Very-Bad_Thing",
        "STRASSE",
        "straße",
        "what is a+b?",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    """Case, ё and е, stress marks, unseen signs, wide letters, punctuation."""
    assert has(text)


@pytest.mark.parametrize(
    "text",
    ["a glass house", "assassin", "класс", "чертёж", "чертополох", "почерт", "very bad", "bad thing very", "a b", ""],
)
def test_a_word_inside_another_one_is_no_word(text: str) -> None:
    """Scunthorpe may be drawn; in Cyrillic, too."""
    assert not has(text)


def test_an_empty_list_refuses_nothing() -> None:
    """Also one with nothing but empty lines."""
    assert not has("ass", []) and not has("", ["", "  "])


def test_more_words_come_from_a_file(tmp_path: Path) -> None:
    """Lists are long, and their remarks are no words."""
    path = tmp_path / "words.txt"
    path.write_text("# animals\n\nass\n  чёрт  \n", encoding="utf-8")
    assert words_in(str(path)) == ["ass", "  чёрт  "] and words_in("") == []
    assert has("черт", words_in(str(path))) and not has("animals", words_in(str(path)))
    for wrong in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(ConfigError, match="words_file in \\[moderation\\]"):
            words_in(str(wrong))
