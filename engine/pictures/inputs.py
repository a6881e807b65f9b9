"""reads and hashes the pictures beside a request, reduced to the size the networks need."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.pictures.images import crop_to_fit, pixels_sha256, read_png
from engine.request import Inputs

LONGEST = 4  # a picture that pulls is at most so many times as long as it is wide; its middle is kept

WeightedPictures = list[tuple[np.ndarray, float]]  # [h, w, 3] uint8, and the weight of each


@dataclass(frozen=True, kw_only=True)
class Given:
    """Inputs as pixels."""

    init: np.ndarray | None = None  # [h, w, 3] uint8, as large as the drawing
    targets: WeightedPictures = field(default_factory=list)
    hashes: dict[str, Any] = field(default_factory=dict)  # SHA-256 of the pixels that came; empty where none did


def read_inputs(inputs: Inputs, width: int, height: int) -> Given:
    """Pictures for a drawing of this size; raises BadPicture."""
    hashes: dict[str, Any] = {}
    init = None
    if inputs.init is not None:
        pixels, _ = read_png(inputs.init)
        init, hashes["init"] = crop_to_fit(pixels, width, height), pixels_sha256(pixels)
    targets, found = [], []
    for content, weight in inputs.targets:
        pixels, _ = read_png(content)
        targets.append((_shrink(pixels, min(width, height)), weight))
        found.append([pixels_sha256(pixels), weight])
    if found:
        hashes["targets"] = found
    return Given(init=init, targets=targets, hashes=hashes)


def _shrink(pixels: np.ndarray, shorter: int) -> np.ndarray:
    """As in the notebook: the shorter side no longer than the drawing's, the shape kept."""
    height, width = pixels.shape[:2]
    side = min(shorter, height, width)
    scale = side / min(height, width)
    longest = side * LONGEST
    return crop_to_fit(
        pixels, min(longest, max(side, round(width * scale))), min(longest, max(side, round(height * scale)))
    )
