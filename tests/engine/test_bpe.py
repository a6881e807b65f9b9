"""the byte-pair vocabulary, read back by open_clip's own tokenizer."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.networks.imports import import_open_clip
from engine.training.toybox.bpe import learn_merges, write_vocabulary
from engine.training.toybox.captions import caption
from engine.training.toybox.world import COMBINATIONS, random_scene

import_open_clip()

from open_clip.tokenizer import SimpleTokenizer  # noqa: E402

TEXTS = ["a red star", "красная звезда", "red star on a blue background", "красная рыба"] * 5


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> SimpleTokenizer:
    """Two hundred merges learned on captions."""
    rng = np.random.default_rng(9)
    path = tmp_path_factory.mktemp("bpe") / "vocabulary.txt.gz"
    texts = (caption(random_scene(rng, COMBINATIONS), rng).text for _ in range(500))
    write_vocabulary(learn_merges(texts, 200), path)
    return SimpleTokenizer(str(path), context_length=32)


def test_the_most_frequent_pair_is_merged_first() -> None:
    """Sennrich et al. 2016's own rule, small enough to check by hand; words end in </w>."""
    assert learn_merges(["aab aab ab"], 2) == [("a", "b</w>"), ("a", "ab</w>")]


def test_merging_stops_when_nothing_is_left_to_merge() -> None:
    """Fewer merges than asked for, not an endless loop."""
    assert learn_merges(["ab ab"], 100) == [("a", "b</w>")]
    assert learn_merges([], 100) == []


def test_a_run_of_equal_letters_is_merged_from_the_left() -> None:
    """Of the three plain a in aaaa, whose last one ends the word, two are merged and one is left over."""
    assert learn_merges(["aaaa"], 3) == [("a", "a"), ("aa", "a"), ("aaa", "a</w>")]


def test_case_makes_no_difference() -> None:
    """The tokenizer lowers its text, so learning does too."""
    assert learn_merges(["Red RED red"], 5) == learn_merges(["red red red"], 5)


def test_frequent_words_become_one_token(tokenizer: SimpleTokenizer) -> None:
    """That is what the vocabulary is for: short sentences for a small text network."""
    for word in ("background", "red", "on", "фоне"):
        assert len(tokenizer.encode(word)) == 1


def test_the_size_is_bytes_merges_and_marks(tmp_path: Path) -> None:
    """The text network's table has exactly one row for each; a row too few fails on the last token only."""
    path = tmp_path / "vocabulary.txt.gz"
    size = write_vocabulary(learn_merges(TEXTS, 30), path)
    assert size == 512 + 30 + 2
    assert SimpleTokenizer(str(path)).vocab_size == size


def test_the_file_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Its SHA-256 is part of the model set, so no date may creep in, and ties are broken by the letters."""
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    write_vocabulary(learn_merges(TEXTS, 30), first)
    write_vocabulary(learn_merges(reversed(TEXTS), 30), second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "text",
    ["a red star on a blue background", "синяя звезда на красном фоне", "half-life 3", "λ", "ёлка", "unreal engine 4k"],
)
def test_captions_survive_the_round_trip(tokenizer: SimpleTokenizer, text: str) -> None:
    """Decoding gives the words back; only the spaces around signs are the tokenizer's own."""
    back = tokenizer.decode(tokenizer.encode(text))
    assert back.replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12))
def test_any_word_of_any_language_has_tokens(tokenizer: SimpleTokenizer, word: str) -> None:
    """The merges are of bytes, so no word is unknown and none leaves the table."""
    tokens = tokenizer.encode(word)
    assert tokens
    assert all(0 <= token < tokenizer.vocab_size for token in tokens)


def test_a_text_is_framed_by_start_and_end(tokenizer: SimpleTokenizer) -> None:
    """CLIP reads the picture of a sentence off its end mark, which is the highest number."""
    row = tokenizer(["красная звезда"])[0].tolist()
    used = [token for token in row if token]
    assert len(row) == 32
    assert (used[0], used[-1]) == (tokenizer.vocab_size - 2, tokenizer.vocab_size - 1)
