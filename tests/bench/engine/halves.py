"""bfloat16 against float32: the picture book's held-out prompts of one thing on a colour, drawn in both and judged.

Small networks run in float32 unless `IMAGO_PRECISION` says otherwise; large ones, of which no weights are at hand here,
run in bfloat16 on a CPU that multiplies it. Pictures are kept, as those of `picturebook`.
"""

import os
from collections.abc import Iterator

import numpy as np

from engine.drawing.models import build_models, choose_device
from engine.model_sets.weights import load_model_set
from engine.request import Request
from engine.training.picturebook.captions import english
from engine.training.picturebook.gallery import SET, draw
from engine.training.picturebook.grounds import COLOURS
from engine.training.picturebook.judge import read_all
from tests.bench.engine.picturebook import FOLDER
from tests.bench.engine.picturebook_prompts import singles
from tests.bench.engine.report import Figure

PICTURES, POINTS = 200, 1.0
KEPT = {"float32": FOLDER / "drawn", "bfloat16": FOLDER / "drawn-bfloat16"}


def measure(pictures: int = PICTURES) -> Iterator[Figure]:
    """How often each shows thing and ground, how far apart that is, and how far apart the pictures are."""
    asked = singles(COLOURS, english)[:pictures]
    requests = [Request(prompt=one.prompt, seed=one.seed, models=SET) for one in asked]
    shares, shown = {}, {}
    for precision, folder in KEPT.items():
        os.environ["IMAGO_PRECISION"] = precision
        models = build_models(load_model_set(SET), choose_device())
        shown[precision] = np.stack(list(draw(models, requests, folder)))
        seen = list(read_all(shown[precision]))
        right = [
            set(one.things) <= set(other.things) and one.ground == other.ground
            for one, other in zip(asked, seen, strict=True)
        ]
        shares[precision] = sum(right)
        yield Figure(name=f"picture book in {precision}: thing and ground", value=f"{sum(right)} of {len(right)}")
    lost = 100 * (shares["float32"] - shares["bfloat16"]) / len(asked)
    yield Figure(
        name="adherence that bfloat16 loses", value=f"{lost:.1f} points", bar=f"≤ {POINTS:g} point", met=lost <= POINTS
    )
    apart = np.abs(shown["float32"].astype(float) - shown["bfloat16"]).mean((1, 2, 3))
    yield Figure(
        name="how far its pictures are from float32's, mean difference of 255",
        value=f"median {np.median(apart):.1f}, largest {apart.max():.1f}",
    )
