"""Draw a picture of every thing with the set's own networks: `python -m engine.training.picturebook.gallery`.

The pictures become one sheet, which the page shows in parts; a stopped run goes on where it was.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.reading import prompts_of
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
from engine.drawing.upscale import enlarge
from engine.files import replacing
from engine.request import Request
from engine.training.picturebook.captions import things

SET = "picturebook"
SHEET = Path(__file__).parents[2] / "model_sets" / SET / "gallery.webp"
DRAWN = Path("runs/picturebook/drawn")
TILE, COLUMNS = 96, 20  # pixels, and tiles in a row; in the order of the list of things
BATCH = 10


def gallery(path: Path = SHEET) -> None:
    """Each thing's English name, seed 0."""
    models = load_models(SET, choose_device())
    requests = [Request(prompt=thing["en"], seed=0, models=SET) for thing in things().values()]
    sheet = Image.new("RGB", (COLUMNS * TILE, -(-len(requests) // COLUMNS) * TILE), "white")
    for number, picture in enumerate(draw(models, requests, DRAWN)):
        tile = Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (number % COLUMNS * TILE, number // COLUMNS * TILE))
    sheet.save(path, quality=80, method=6)


def draw(models: Models, requests: Sequence[Request], folder: Path) -> Iterator[np.ndarray]:
    """The finished pictures [h, w, 3] uint8 of requests that differ in prompt and seed only.

    What is drawn is kept in `folder` by the set, the request and what is read for its prompt, and not drawn again.
    """
    made_by = models.description
    kept = folder / _digest((made_by.folder.parent / f"{made_by.name}.toml").read_text(encoding="utf-8"))
    kept.mkdir(parents=True, exist_ok=True)
    paths = [kept / f"{_digest(request, prompts_of(made_by, request, alone=True))}.png" for request in requests]
    missing = [(request, path) for request, path in zip(requests, paths, strict=True) if not path.exists()]
    for at in range(0, len(missing), BATCH):
        batch = [resolve_defaults(request, made_by.defaults) for request, _ in missing[at : at + BATCH]]
        *_, last = steps_of(models, batch, first_noise(models, batch), batch[0].steps - 1)
        for (_, path), pixels in zip(missing[at : at + BATCH], enlarge(models, list(last.x)), strict=True):
            with replacing(path) as part:
                Image.fromarray(pixels).save(part, format="PNG")
    for path in paths:
        yield np.asarray(Image.open(path))


def _digest(*parts: object) -> str:
    """A short name for what a picture depends on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    gallery()
