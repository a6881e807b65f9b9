"""picture sizes: what a set can draw, the nearest valid size, and grids of several pictures."""

import math

import numpy as np

from engine.errors import BadRequest
from engine.model_sets.weights import ModelSet, stride_of
from engine.request import Inputs, Request, size_of

LARGEST = 4  # a side may be so many times the set's own, and the area of the picture too
SMALLEST = 4  # or so many times shorter: the networks have seen nothing smaller
COLUMNS = 2


def step_of(models: ModelSet) -> int:
    """A side of the finished picture is a multiple of this many pixels."""
    return math.lcm(*(stride_of(table) for table in models.unets)) * models.scale


def finished_size(request: Request, models: ModelSet) -> tuple[int, int]:
    """(width, height) of one finished picture; BadRequest names the nearest that the set can draw."""
    side = models.side * models.scale
    if request.size is None:
        return side, side
    width, height = asked = size_of(request.size)
    if (near := nearest_size(width, height, models)) != asked:
        step = step_of(models)
        raise BadRequest(
            "size",
            f"{models.name} draws sides that are multiples of {step} pixels, from "
            f"{_smallest(models)} to {side * LARGEST}, and no more than {LARGEST} times the area "
            f"of {side}x{side}: the nearest to {request.size} is {near[0]}x{near[1]}.",
        )
    return asked


def check_inputs(request: Request, inputs: Inputs) -> None:
    """Raises BadRequest where a picture is spoken of that is not there."""
    if request.init is not None and inputs.init is None:
        raise BadRequest("init", "init says how much of a picture to keep: give the picture too, or leave init out.")


def drawn_size(request: Request, models: ModelSet) -> tuple[int, int]:
    """(width, height) of what the U-Net draws, before an upscaler makes it larger."""
    width, height = finished_size(request, models)
    return width // models.scale, height // models.scale


def nearest_size(width: int, height: int, models: ModelSet) -> tuple[int, int]:
    """The size that the set can draw whose sides are closest; one that is too large keeps its shape."""
    side, step = models.side * models.scale, step_of(models)
    shrink = min(1.0, math.sqrt(LARGEST * side**2 / (width * height)))
    found = [
        min(max(round(length * shrink / step) * step, _smallest(models)), side * LARGEST) for length in (width, height)
    ]
    while found[0] * found[1] > LARGEST * side**2:
        found[found.index(max(found))] -= step
    return found[0], found[1]


def _smallest(models: ModelSet) -> int:
    step = step_of(models)
    return max(step, models.side * models.scale // SMALLEST // step * step)


def shown_size(request: Request, models: ModelSet) -> tuple[int, int]:
    """(width, height) of what is handed over: one picture, or the grid of all."""
    width, height = finished_size(request, models)
    if request.pictures == 1:
        return width, height
    return width * COLUMNS, height * -(-request.count // COLUMNS)


def grid(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures [h, w, 3] uint8 side by side in two columns, white where there is none; one alone is itself."""
    if len(pictures) == 1:
        return pictures[0]
    h, w, channels = pictures[0].shape
    whole = np.full((h * -(-len(pictures) // COLUMNS), w * COLUMNS, channels), 255, np.uint8)
    for k, picture in enumerate(pictures):
        top, left = k // COLUMNS * h, k % COLUMNS * w
        whole[top : top + h, left : left + w] = picture
    return whole


def halve(picture: np.ndarray) -> np.ndarray:
    """[2h, 2w, 3] → [h, w, 3] uint8, each pixel the mean of four."""
    h, w, channels = picture.shape
    sums = picture.reshape(h // 2, 2, w // 2, 2, channels).sum((1, 3), dtype=np.uint16)
    return ((sums + 2) // 4).astype(np.uint8)


def mirror(picture: np.ndarray, symmetry: str | None) -> np.ndarray:
    """The mean of a picture [h, w, 3] uint8 and its mirror image: symmetric to the pixel.

    horizontal: left is the mirror of right; vertical: top is the mirror of bottom; both: both.
    """
    for axis in mirror_axes(symmetry):
        sums = picture.astype(np.uint16) + np.flip(picture, axis)
        picture = ((sums + 1) // 2).astype(np.uint8)
    return picture


def mirror_axes(symmetry: str | None) -> tuple[int, ...]:
    """Axes of [h, w, channels] that are mirrored."""
    return {None: (), "horizontal": (1,), "vertical": (0,), "both": (1, 0)}[symmetry]
