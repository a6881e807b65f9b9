"""Pictures are drawn once and kept."""

from pathlib import Path

import numpy as np
from PIL import Image

from engine.drawing.models import choose_device, load_models
from engine.request import Request
from engine.training.picturebook.gallery import draw


def test_a_kept_picture_is_not_drawn_again(tmp_path: Path) -> None:
    """A thousand drawings take an hour; a run that was stopped goes on where it was."""
    models = load_models("toybox", choose_device())
    requests = [Request(prompt=prompt, seed=0, models="toybox", steps=1) for prompt in ("a red star", "a blue moon")]
    first = list(draw(models, requests[:1], tmp_path))
    (path,) = tmp_path.rglob("*.png")
    Image.fromarray(255 - first[0]).save(path)
    again, other = draw(models, requests, tmp_path)
    assert np.array_equal(again, 255 - first[0])
    assert other.shape == first[0].shape
    assert len(list(tmp_path.rglob("*.png"))) == 2
