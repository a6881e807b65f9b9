"""engine/drawing/canvas.py: sizes of the sets, grids and mirrors."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drawing.canvas import (
    check_inputs,
    drawn_size,
    finished_size,
    grid,
    halve,
    mirror,
    nearest_size,
    shown_size,
    step_of,
)
from engine.errors import BadRequest
from engine.model_sets.weights import load_model_set
from engine.request import Inputs, Request

TOYBOX, IMAGENET = load_model_set("toybox"), load_model_set("imagenet256")


def asked(size: str | None, **knobs: object) -> Request:
    return Request(prompt="a star", size=size, **knobs)  # type: ignore[arg-type]


def test_a_set_draws_sides_that_its_network_can_halve() -> None:
    """Toybox: up to 4 × 4 pixels a position, halved twice, enlarged four times; imagenet256 halves five times."""
    assert (step_of(TOYBOX), step_of(IMAGENET)) == (64, 32)
    assert finished_size(asked("256x384"), TOYBOX) == (256, 384) and drawn_size(asked("256x384"), TOYBOX) == (64, 96)
    assert drawn_size(asked("256x384"), IMAGENET) == (256, 384)
    assert drawn_size(asked(None), TOYBOX) == (64, 64)


@pytest.mark.parametrize(
    ("size", "near"),
    [
        ("250x390", "256x384"),
        ("1x1", "64x64"),
        ("4096x4096", "512x512"),
        ("1024x256", None),
        ("2048x64", "1024x64"),
        ("1000x300", "960x256"),
        ("256x257", "256x256"),
    ],
)
def test_a_size_that_cannot_be_drawn_names_the_nearest_that_can(size: str, near: str | None) -> None:
    if near is None:
        assert finished_size(asked(size), TOYBOX)
        return
    with pytest.raises(BadRequest, match=rf"the nearest to {size} is {near}\.") as caught:
        finished_size(asked(size), TOYBOX)
    assert caught.value.field == "size"


@pytest.mark.parametrize("models", [TOYBOX, IMAGENET, load_model_set("imagenet512")])
@given(st.integers(1, 4096), st.integers(1, 4096))
def test_the_nearest_size_can_be_drawn(models: object, width: int, height: int) -> None:
    """Whoever does what the sentence says is not refused again."""
    near = nearest_size(width, height, models)  # type: ignore[arg-type]
    assert finished_size(asked("{}x{}".format(*near)), models) == near  # type: ignore[arg-type]


def test_what_is_shown_is_a_picture_or_the_grid_of_all() -> None:
    assert shown_size(asked("256x384"), TOYBOX) == (256, 384)
    assert shown_size(asked("256x384", count=2), TOYBOX) == (512, 384)
    assert shown_size(asked("256x384", count=3), TOYBOX) == (512, 768)
    assert shown_size(asked("256x384", count=4, pick=2), TOYBOX) == (256, 384)


def picture(value: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_a_grid_has_two_columns_and_white_where_nothing_is() -> None:
    whole = grid([picture(1), picture(2), picture(3)])
    assert whole.shape == (8, 12, 3)
    assert [int(whole[y, x, 0]) for y in (0, 7) for x in (0, 11)] == [1, 2, 3, 255]
    assert grid([picture(1)]).shape == (4, 6, 3) and grid([picture(1)] * 2).shape == (4, 12, 3)


def test_a_halved_picture_keeps_its_mean() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 6, 3), np.uint8)
    small = halve(pixels)
    assert small.shape == (4, 3, 3) and abs(float(small.mean()) - float(pixels.mean())) < 1
    assert small[0, 0, 0] == round(float(pixels[:2, :2, 0].mean()) + 1e-9)


@pytest.mark.parametrize(("symmetry", "axes"), [("horizontal", [1]), ("vertical", [0]), ("both", [0, 1])])
def test_a_mirrored_picture_is_its_own_mirror_image(symmetry: str, axes: list[int]) -> None:
    """To the pixel: an upscaler need not be symmetric."""
    pixels = np.random.default_rng(2).integers(0, 256, (6, 8, 3), np.uint8)
    found = mirror(pixels, symmetry)
    assert [axis for axis in (0, 1) if np.array_equal(found, np.flip(found, axis))] == axes
    assert np.array_equal(mirror(found, symmetry), found)


def test_without_symmetry_a_picture_stays_as_it_is() -> None:
    pixels = picture(3)
    assert mirror(pixels, None) is pixels


def test_init_without_a_picture_is_refused() -> None:
    check_inputs(asked(None, init=0.4), Inputs(init=b"x"))
    with pytest.raises(BadRequest, match="give the picture too"):
        check_inputs(dataclasses.replace(asked(None), init=0.4), Inputs())
