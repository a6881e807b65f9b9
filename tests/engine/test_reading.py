"""reading: which texts the CLIPs read for a prompt with weights, parts, pictures beside it."""

import json
from dataclasses import replace

import pytest

from engine.drawing.provenance import metadata_of
from engine.drawing.reading import prompts_of, read_prompt
from engine.errors import BadRequest
from engine.model_sets.weights import load_model_set
from engine.prompts import parse_prompt
from engine.request import Request

TOYBOX = load_model_set("toybox")


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        ("красная кошка на синем", "a red cat on a blue background"),
        ("red cat on blue:2 | fog:-0.5", "a red cat on a blue background:2 | fog:-0.5"),
        ("cyberpunk", "cyberpunk"),
        ("time 12:30", "time 12:30:1"),
        ("green star on red | something red:-1", "a green star on a red background | a red:-1"),
    ],
)
def test_a_prompt_is_read_in_the_words_of_captions(prompt: str, read: str) -> None:
    """Weights stay, and so does a part of which nothing is known."""
    assert read_prompt(TOYBOX, prompt, (1, 0)) == read
    assert [part.weight for part in parse_prompt(read)] == [part.weight for part in parse_prompt(prompt)]


def test_only_the_first_part_is_filled_in_and_only_where_no_ground_is_said() -> None:
    """Two grounds would pull against each other."""
    first, second = read_prompt(TOYBOX, "red cat | green fish", (1, 0)).split(" | ")
    assert " background" in first and second == "a green fish"
    assert read_prompt(TOYBOX, "red cat | blue background", (1, 0)).startswith("a red cat |")


def test_each_picture_of_a_request_is_filled_in_for_itself() -> None:
    """Four pictures of “cat” are four ideas; beside a picture of one's own nothing is added."""
    request = Request(prompt="cat", seed=3, count=4)
    texts = prompts_of(TOYBOX, request, alone=True)
    assert len(set(texts)) == 4 and texts == prompts_of(TOYBOX, request, alone=True)
    assert prompts_of(TOYBOX, request, alone=False) == ["a cat"] * 4


def test_a_set_that_knows_any_word_reads_the_prompt() -> None:
    """OpenAI's CLIP knows more than any list."""
    assert prompts_of(load_model_set("imagenet256"), Request(prompt="кот"), alone=True) == ["кот"]


def test_provenance_says_what_was_read() -> None:
    """`imago inspect` tells the words as they were understood; nothing where the prompt was read as it is."""
    request = Request(prompt="кот", seed=3, count=2)
    read = json.loads(metadata_of(request, TOYBOX)["imago:read"])
    assert read == prompts_of(TOYBOX, request, alone=True)
    assert json.loads(metadata_of(replace(request, pick=2), TOYBOX)["imago:read"]) == read[1:]
    assert "imago:read" not in metadata_of(Request(prompt="a red cat on a blue background"), TOYBOX)


def test_a_broken_list_is_one_sentence() -> None:
    """A person can describe a set of their own."""
    with pytest.raises(BadRequest, match="words of the model set toybox cannot be read"):
        _ = replace(TOYBOX, words={"things": "none.json", "grounds": "none.json"}).word_list
