"""a picture says how to draw it again, and nothing about a person."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadPicture, BadRequest
from engine.provenance import command_of, metadata_of, request_of
from engine.request import Request
from engine.weights import load_model_set

SOME = Request(prompt="красная звезда: it's \"big\"", seed=9, steps=40, eta=0.5)


def test_the_metadata_gives_the_request_back() -> None:
    assert request_of(metadata_of(SOME, load_model_set("toybox"))) == SOME


def test_the_weights_are_named_by_their_hashes() -> None:
    toybox = load_model_set("toybox")
    assert all(file.sha256 in metadata_of(SOME, toybox)["imago:weights"] for file in toybox.files())


def test_the_command_survives_the_shell() -> None:
    assert shlex.split(command_of(SOME)) == [
        "imago", "draw", SOME.prompt, "--seed", "9", "--models", "toybox", "--steps", "40", "--eta", "0.5"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40))
def test_no_prompt_breaks_out_of_the_command(prompt: str) -> None:
    """People paste it into a shell."""
    try:
        request = Request(prompt=prompt)
    except BadRequest:
        return
    words = shlex.split(command_of(request))
    assert words[:2] == ["imago", "draw"] and prompt in words


def test_a_prompt_that_looks_like_an_option_comes_last() -> None:
    words = shlex.split(command_of(Request(prompt="--help")))
    assert words[-2:] == ["--", "--help"] and words.count("--help") == 1


@pytest.mark.parametrize("metadata", [{}, {"Software": "something else"}])
def test_a_foreign_picture_says_nothing(metadata: dict[str, str]) -> None:
    with pytest.raises(BadPicture, match="does not say how it was drawn"):
        request_of(metadata)


def test_a_forged_request_is_refused() -> None:
    with pytest.raises(BadRequest):
        request_of({"imago:request": '{"prompt": "x", "steps": 999999}'})
