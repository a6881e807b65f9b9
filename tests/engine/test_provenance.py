"""a picture says how to draw it again, and nothing about a person."""

import io
import json
import shlex
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.drawing.provenance import command_of, metadata_of, request_of
from engine.errors import BadPicture, BadRequest
from engine.model_sets.weights import load_model_set
from engine.pictures.images import to_png
from engine.request import Request

SOME = Request(prompt='красная звезда: it\'s "big"', seed=9, steps=40, eta=0.5)


def test_the_metadata_gives_the_request_back() -> None:
    assert request_of(metadata_of(SOME, load_model_set("toybox"))) == SOME


def test_the_weights_are_named_by_their_hashes() -> None:
    toybox = load_model_set("toybox")
    assert all(file.sha256 in metadata_of(SOME, toybox)["imago:weights"] for file in toybox.files())


def test_the_command_names_a_place_for_each_picture_that_went_in() -> None:
    """Their pixels are known by hash alone: whoever has the files puts them there."""
    inputs = {"init": "0" * 64, "targets": [["1" * 64, 1.0], ["2" * 64, -0.125]]}
    metadata = metadata_of(SOME, load_model_set("toybox"), inputs, parent="12")
    assert metadata["imago:parent"] == "12" and json.loads(metadata["imago:inputs"]) == inputs
    assert shlex.split(command_of(SOME, metadata["imago:inputs"]))[-6:] == [
        "--init-picture",
        "FILE",
        "--target",
        "FILE:1.0",
        "--target",
        "FILE:-0.125",
    ]


def test_without_pictures_and_parent_nothing_is_said_of_them() -> None:
    assert not {"imago:inputs", "imago:parent"} & set(metadata_of(SOME, load_model_set("toybox"), {}))


@pytest.mark.parametrize("inputs", ["[]", "{", '{"targets": [["0", "; rm -rf"]]}', '{"targets": 3}', "[" * 100_000])
def test_forged_inputs_are_refused(inputs: str) -> None:
    """The command goes into people's shells."""
    with pytest.raises(BadPicture):
        command_of(SOME, inputs)


def test_everything_is_said_in_xmp_too() -> None:
    """With IPTC's mark; programs that know nothing of us read it there."""
    metadata = metadata_of(SOME, load_model_set("toybox"), {"init": "0" * 64}, parent="12")
    with Image.open(io.BytesIO(to_png(np.zeros((4, 4, 3), np.uint8), metadata))) as image:
        [description] = ElementTree.fromstring(image.info["xmp"]).iter(
            "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
        )
    told = {child.tag.split("}")[1]: "".join(child.itertext()) for child in description}
    assert told == {
        "DigitalSourceType": "",
        "CreatorTool": metadata["Software"],
        "description": SOME.prompt,
        **{key.removeprefix("imago:"): text for key, text in metadata.items() if key.startswith("imago:")},
    }
    assert set(told) == {
        "DigitalSourceType",
        "CreatorTool",
        "description",
        "request",
        "models",
        "weights",
        "inputs",
        "parent",
        "read",
    }, "nothing about a person, a place or a time"


def test_the_command_survives_the_shell() -> None:
    assert shlex.split(command_of(SOME)) == [
        "imago",
        "draw",
        SOME.prompt,
        "--seed",
        "9",
        "--models",
        "picturebook",
        "--steps",
        "40",
        "--eta",
        "0.5",
    ]


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


def test_a_picture_carries_the_credit_of_its_model() -> None:
    assert metadata_of(SOME, load_model_set("pixelart"))["Credit"] == load_model_set("pixelart").credit
    assert "Credit" not in metadata_of(SOME, load_model_set("toybox"))
