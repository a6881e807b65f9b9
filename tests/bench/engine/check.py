"""how well one text parts pictures that show it from others: scores of engine/drawing/scoring.py on toybox scenes."""

from collections.abc import Iterator

import numpy as np

from engine.drawing.scoring import score_of
from engine.pictures.images import to_png
from engine.training.toybox.world import COLOURS, COMBINATIONS, Scene, random_scene, render
from tests.bench.engine.report import Figure

SCENES, SHOWING = 500, 60
TEXT, OBJECT, COLOUR = "a red star", "star", "red"


def measure() -> Iterator[Figure]:
    """Scores of scenes drawn by the renderer, and how often a random showing one is above a random other."""
    rng = np.random.default_rng(0)
    scenes = [random_scene(rng, COMBINATIONS) for _ in range(SCENES)]
    wanted = [(OBJECT, COLOUR, background) for background in COLOURS if background != COLOUR]
    scenes += [random_scene(rng, wanted) for _ in range(SHOWING)]
    scores = np.array([score_of(to_png(render(scene), {}), "toybox", TEXT) for scene in scenes])
    shows = np.array([_shows(scene) for scene in scenes])
    yield Figure(name=f"check “{TEXT}”, lowest of {shows.sum()} that show it", value=f"{scores[shows].min():.3f}")
    yield Figure(name=f"check “{TEXT}”, highest of {(~shows).sum()} others", value=f"{scores[~shows].max():.3f}")
    above = (scores[shows][:, None] > scores[~shows][None]).mean()
    yield Figure(name=f"check “{TEXT}”, a showing one scores higher", value=f"{above:.4f}")


def _shows(scene: Scene) -> bool:
    return scene.object == OBJECT and scene.colour == COLOUR
