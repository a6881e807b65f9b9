"""engine/pictures/inputs.py"""

import numpy as np
import pytest

from engine.errors import BadPicture
from engine.pictures.images import pixels_sha256, to_png
from engine.pictures.inputs import read_inputs
from engine.request import Inputs


def half_and_half(height: int, width: int) -> np.ndarray:
    """Black on the left, white on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 255
    return pixels


def test_an_init_picture_becomes_as_large_as_the_drawing_and_is_not_stretched() -> None:
    """Its middle is kept."""
    found = read_inputs(Inputs(init=to_png(half_and_half(40, 120), {})), 16, 16)
    assert found.init is not None and found.init.shape == (16, 16, 3)
    assert found.init[:, :6].max() < 30 and found.init[:, 10:].min() > 225


@pytest.mark.parametrize(
    ("height", "width", "kept"),
    [(40, 120, (16, 48, 3)), (120, 40, (48, 16, 3)), (8, 12, (8, 12, 3)), (20, 2000, (16, 64, 3))],
)
def test_a_picture_that_pulls_is_made_smaller_but_never_larger(height: int, width: int, kept: tuple[int, ...]) -> None:
    """As in the notebook; and a strip keeps only its middle, which a checkpoint has room for."""
    given = Inputs(targets=((to_png(half_and_half(height, width), {}), -0.5),))
    [(pixels, weight)] = read_inputs(given, 32, 16).targets
    assert (pixels.shape, weight) == (kept, -0.5)


def test_hashes_are_of_the_pixels_that_came() -> None:
    """The same picture in another file is the same picture."""
    pixels = half_and_half(8, 8)
    one = read_inputs(Inputs(init=to_png(pixels, {}), targets=((to_png(pixels, {"a": "b"}), 2.0),)), 16, 16)
    assert one.hashes == {"init": pixels_sha256(pixels), "targets": [[pixels_sha256(pixels), 2.0]]}
    assert read_inputs(Inputs(), 16, 16).hashes == {}


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(BadPicture):
        read_inputs(Inputs(init=b"hello"), 16, 16)
