"""engine/drawing/scoring.py: on the toybox, whose pictures are known to the last pixel."""

import sys

import numpy as np
import pytest

from engine.drawing.scoring import score_of, with_score
from engine.events import Progress
from engine.pictures.images import to_png
from engine.training.toybox.world import Scene, render


def picture(object: str, colour: str) -> bytes:
    scene = Scene(object=object, colour=colour, background="white", size="", x=32.0, y=32.0, radius=18.0)
    return to_png(render(scene), {})


@pytest.mark.parametrize("texts", ["a red star", "a blue house | a red star", "красная звезда"])
def test_a_picture_that_shows_it_scores_far_above_others(texts: str) -> None:
    """One threshold parts them; 500 scenes are in docs/moderation.md."""
    shown = score_of(picture("star", "red"), "toybox", texts)
    others = [score_of(picture(*other), "toybox", texts) for other in (("cat", "black"), ("tree", "green"))]
    assert shown > 0.55 and max(others) < 0.4


def test_size_and_shape_of_the_picture_do_not_matter() -> None:
    """All of it is looked at, also when it is large or wide."""
    small = render(Scene(object="star", colour="red", background="white", size="", x=32.0, y=32.0, radius=18.0))
    large = np.kron(small, np.ones((4, 4, 1), dtype=np.uint8))
    wide = np.concatenate([np.full((64, 32, 3), 245, dtype=np.uint8), small], axis=1)
    score = score_of(to_png(small, {}), "toybox", "a red star")
    assert score_of(to_png(large, {}), "toybox", "a red star") == pytest.approx(score, abs=0.02)
    assert score_of(to_png(wide, {}), "toybox", "a red star") > 0.5


def test_only_a_finished_picture_gets_a_score() -> None:
    """Everything else goes through as it is."""
    progress = Progress(step=1, steps=2, seconds_left=1.0, distance=1.0)
    assert with_score(progress, "toybox", "a red star") is progress


def test_a_scripted_engine_without_a_check_needs_no_torch() -> None:
    """Tests and tools start in a blink."""
    import subprocess

    code = "import sys, engine.process.child, tests.fakes.scripted; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
