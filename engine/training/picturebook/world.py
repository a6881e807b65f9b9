"""what can be seen in the picture book: one thing, or two side by side, on a ground.

A tenth of all (thing, ground) and nine tenths of the pairs of things, chosen by a stable hash, never enter training in
any language; adherence is measured on those.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from engine.diffusion.retrieval import PAIRS
from engine.training.picturebook.grounds import GROUNDS, ground

THINGS_FILE = Path(__file__).parents[2] / "model_sets" / "picturebook" / "things.json"
DRAWINGS_FILE = Path("runs/picturebook/drawings.npz")


@cache
def things() -> tuple[str, ...]:
    """The ids of all things; their order is that of the file, and weights depend on it."""
    return tuple(thing["id"] for thing in json.loads(THINGS_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Scene:
    """One picture of the world."""

    things: tuple[str, ...]  # one, or two from left to right
    ground: str


def _share(text: str) -> float:
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


@cache
def single_held_out(thing: str, on: str) -> bool:
    """Whether this thing on this ground belongs to the tenth that training never sees."""
    return _share(f"{thing}|{on}") < 0.1


@cache
def pair_held_out(one: str, other: str) -> bool:
    """Whether these two things, in whichever order, belong to the nine tenths that training never sees together."""
    return _share("+".join(sorted((one, other)))) < 0.9


def held_out(scene: Scene) -> bool:
    """Whether training never sees this scene."""
    return pair_held_out(*scene.things) if len(scene.things) == 2 else single_held_out(scene.things[0], scene.ground)


def random_scene(rng: np.random.Generator, pairs: float = PAIRS) -> Scene:
    """One that training may see."""
    known = things()
    count = 2 if rng.random() < pairs else 1
    while True:
        found = tuple(known[k] for k in rng.choice(len(known), size=count, replace=False))
        scene = Scene(found, GROUNDS[rng.integers(len(GROUNDS))])
        if not held_out(scene):
            return scene


class Renderer:
    """Draws scenes from the rendered drawings, small or four times as large."""

    def __init__(self, path: Path = DRAWINGS_FILE, scale: int = 1) -> None:
        """`scale`: 1 or 4. Raises FileNotFoundError where `make drawings` has not run."""
        prefix = "" if scale == 1 else "large_"
        with np.load(path) as file:
            self.number = {str(name): k for k, name in enumerate(file["names"])}
            self.single, self.half = file[prefix + "single"], file[prefix + "half"]
        self.grounds = {name: ground(name, scale) for name in GROUNDS}

    def __call__(self, scene: Scene) -> np.ndarray:
        """[64 · scale, 64 · scale, 3] uint8."""
        numbers = [self.number[thing] for thing in scene.things]
        drawn = self.single[numbers[0]] if len(numbers) == 1 else np.concatenate(list(self.half[numbers]), axis=1)
        cover = drawn[..., 3:].astype(np.float32) / 255
        return np.rint(drawn[..., :3] * cover + self.grounds[scene.ground] * (1 - cover)).astype(np.uint8)
