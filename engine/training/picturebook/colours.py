"""which colours each drawing has, so that “green frog” is told as understood and “blue frog” is not, and against which
grounds it stands out."""

import colorsys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from engine.training.picturebook.tables import Tables
from engine.training.picturebook.world import things

LEAST = 0.15  # share of a drawing's opaque pixels
HUES = ((12, "red"), (38, "orange"), (62, "yellow"), (170, "green"), (255, "blue"), (290, "purple"), (345, "pink"))


def colours_of(drawings: Path) -> dict[str, list[str]]:
    """Names of our grounds' colours by thing, most of it first, from the file that `make drawings` writes."""
    with np.load(drawings) as file:
        return {str(name): _colours(pixels) for name, pixels in zip(file["names"], file["single"], strict=True)}


def contrasts_of(drawings: Path) -> dict[str, str]:
    """How far each thing, as one of two, stands out from each ground: squared differences at 16 × 16."""
    tables = Tables(drawings)
    left, right = tables.grounds[..., :32], tables.grounds[..., 32:]
    apart = [
        F.avg_pool2d(tables.halves - (1 - tables.clear_half) * ground, 4).square().sum((1, 2, 3))
        for half in (left, right)
        for ground in half
    ]
    means = torch.stack(apart, dim=1).unflatten(1, (2, -1)).mean(1)
    rows = zip(things(), means.tolist(), strict=True)
    return {name: " ".join(str(round(value)) for value in row) for name, row in rows}


def _colours(pixels: np.ndarray) -> list[str]:
    """Of a drawing [h, w, 4] uint8."""
    opaque = pixels.reshape(-1, 4)[pixels[..., 3].ravel() > 200][:, :3]
    counts = Counter(_colour(*pixel) for pixel in (opaque / 255).tolist())
    return [colour for colour, count in counts.most_common() if count >= LEAST * len(opaque)]


def _colour(red: float, green: float, blue: float) -> str:
    """What most people would call it; values in 0 … 1."""
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.25:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.85 else "grey"
    named = next((name for end, name in HUES if 360 * hue < end), "red")
    if named in ("red", "orange", "yellow") and value < 0.72 and saturation < 0.85:
        return "brown"
    return "pink" if named == "red" and saturation < 0.5 else named
