"""the toybox's world: colours, objects, sizes, and how they are rendered.

A scene is one flat object on a plain background. Scenes whose stable hash falls in a fixed
tenth are held out: they never enter training, and adherence is measured on them.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64  # pixels
SUPERSAMPLE = 4  # anti-aliasing: draw this much larger, then average

COLOURS: dict[str, tuple[int, int, int]] = {  # sRGB
    "red": (214, 40, 40),
    "orange": (247, 127, 0),
    "yellow": (252, 212, 60),
    "green": (42, 157, 80),
    "blue": (40, 90, 200),
    "purple": (130, 60, 170),
    "pink": (244, 150, 190),
    "white": (245, 245, 245),
    "black": (20, 20, 24),
    "brown": (120, 75, 40),
}
SIZES: dict[str, tuple[float, ...]] = {  # radii in pixels; "" is the size not spoken of
    "small": (14.0,),
    "": (19.5,),
    "big": (25.5,),
}
HARD = ("ring", "flower", "moon", "cat")  # what networks take for something else most often: they see it twice as often
PLACES = (0.0,)  # pixels that an object's centre lies off the picture's, each way

Point = tuple[float, float]


class Pen:
    """Draws filled shapes in object units: the object spans −1 … 1, y points down."""

    def __init__(self, side: int, x: float, y: float, radius: float) -> None:
        self._image = Image.new("L", (side, side))
        self._draw = ImageDraw.Draw(self._image)
        self._x, self._y, self._r = x, y, radius

    def polygon(self, *points: Point, ink: bool = True) -> None:
        self._draw.polygon([(self._x + u * self._r, self._y + v * self._r) for u, v in points], fill=255 * ink)

    def ellipse(self, u: float, v: float, ru: float, rv: float | None = None, ink: bool = True) -> None:
        rv = ru if rv is None else rv
        left, top = self._x + (u - ru) * self._r, self._y + (v - rv) * self._r
        right, bottom = self._x + (u + ru) * self._r, self._y + (v + rv) * self._r
        self._draw.ellipse((left, top, right, bottom), fill=255 * ink)

    def rectangle(self, left: float, top: float, right: float, bottom: float, ink: bool = True) -> None:
        self.polygon((left, top), (right, top), (right, bottom), (left, bottom), ink=ink)

    def mask(self) -> Image.Image:
        """Coverage, 0 … 255, at 1 / SUPERSAMPLE of the drawn side."""
        return self._image.reduce(SUPERSAMPLE)


def _star(pen: Pen) -> None:
    angles = [(math.pi * k / 5 - math.pi / 2, 1.0 if k % 2 == 0 else 0.42) for k in range(10)]
    pen.polygon(*((r * math.cos(a), r * math.sin(a) + 0.06) for a, r in angles))


def _heart(pen: Pen) -> None:
    turn = [2 * math.pi * k / 60 for k in range(60)]
    pen.polygon(
        *(
            (
                math.sin(a) ** 3,
                -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) / 16.5 - 0.12,
            )
            for a in turn
        )
    )


def _cross(pen: Pen) -> None:
    pen.rectangle(-0.3, -0.95, 0.3, 0.95)
    pen.rectangle(-0.95, -0.3, 0.95, 0.3)


def _moon(pen: Pen) -> None:
    pen.ellipse(0, 0, 0.95)
    pen.ellipse(0.48, -0.12, 0.78, ink=False)


def _ring(pen: Pen) -> None:
    pen.ellipse(0, 0, 0.95)
    pen.ellipse(0, 0, 0.55, ink=False)


def _house(pen: Pen) -> None:
    pen.polygon((0, -0.95), (1, -0.1), (-1, -0.1))
    pen.rectangle(-0.75, -0.1, 0.75, 0.9)
    pen.rectangle(-0.2, 0.3, 0.2, 0.9, ink=False)


def _tree(pen: Pen) -> None:
    pen.polygon((0, -1), (0.6, -0.15), (-0.6, -0.15))
    pen.polygon((0, -0.6), (0.8, 0.5), (-0.8, 0.5))
    pen.rectangle(-0.17, 0.5, 0.17, 1)


def _cat(pen: Pen) -> None:
    pen.ellipse(0, 0.15, 0.88, 0.75)
    pen.polygon((-0.85, -0.95), (-0.82, 0.1), (-0.15, -0.5))
    pen.polygon((0.85, -0.95), (0.82, 0.1), (0.15, -0.5))
    pen.ellipse(-0.36, 0.02, 0.16, ink=False)
    pen.ellipse(0.36, 0.02, 0.16, ink=False)
    pen.polygon((-0.16, 0.4), (0.16, 0.4), (0, 0.6), ink=False)


def _fish(pen: Pen) -> None:
    pen.ellipse(-0.2, 0, 0.78, 0.5)
    pen.polygon((0.3, 0), (1, -0.6), (1, 0.6))
    pen.ellipse(-0.58, -0.1, 0.13, ink=False)


def _flower(pen: Pen) -> None:
    for k in range(6):
        angle = math.pi * k / 3
        pen.ellipse(0.6 * math.cos(angle), 0.6 * math.sin(angle), 0.36)
    pen.ellipse(0, 0, 0.5)
    pen.ellipse(0, 0, 0.26, ink=False)


def _mushroom(pen: Pen) -> None:
    pen.ellipse(0, 0, 0.95, 0.85)
    pen.rectangle(-1, 0.08, 1, 1, ink=False)
    pen.rectangle(-0.28, 0.08, 0.28, 0.95)


def _lambda(pen: Pen) -> None:
    pen.polygon(
        (-0.62, -0.95),
        (-0.2, -0.95),
        (0.58, 0.62),
        (0.85, 0.62),
        (0.85, 0.95),
        (0.32, 0.95),
        (-0.42, -0.62),
        (-0.62, -0.62),
    )
    pen.polygon((-0.12, -0.05), (0.1, 0.42), (-0.38, 0.95), (-0.85, 0.95))


OBJECTS: dict[str, Callable[[Pen], None]] = {
    "circle": lambda pen: pen.ellipse(0, 0, 0.92),
    "square": lambda pen: pen.rectangle(-0.82, -0.82, 0.82, 0.82),
    "triangle": lambda pen: pen.polygon((0, -0.95), (1, 0.8), (-1, 0.8)),
    "star": _star,
    "heart": _heart,
    "cross": _cross,
    "moon": _moon,
    "diamond": lambda pen: pen.polygon((0, -1), (0.68, 0), (0, 1), (-0.68, 0)),
    "ring": _ring,
    "house": _house,
    "tree": _tree,
    "cat": _cat,
    "fish": _fish,
    "flower": _flower,
    "mushroom": _mushroom,
    "lambda": _lambda,
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One picture of the world; position and radius are in pixels of a SIDE-sized picture."""

    object: str
    colour: str
    background: str
    size: str
    x: float
    y: float
    radius: float


def held_out(object: str, colour: str, background: str) -> bool:
    """Whether this combination belongs to the tenth that training never sees."""
    digest = hashlib.sha256(f"{object}|{colour}|{background}".encode()).digest()
    return digest[0] * 256 + digest[1] < 6554


COMBINATIONS = [(o, c, b) for o, c, b in product(OBJECTS, COLOURS, COLOURS) if c != b]


def random_scene(rng: np.random.Generator, combinations: list[tuple[str, str, str]]) -> Scene:
    """A scene of one of the given combinations; size and place are free."""
    kind, colour, background = combinations[rng.integers(len(combinations))]
    size = list(SIZES)[rng.integers(len(SIZES))]
    radius, right, down = (among[int(rng.random() * len(among))] for among in (SIZES[size], PLACES, PLACES))
    return Scene(
        object=kind,
        colour=colour,
        background=background,
        size=size,
        x=SIDE / 2 + right,
        y=SIDE / 2 + down,
        radius=radius,
    )


def object_mask(scene: Scene, scale: int = 1) -> np.ndarray:
    """Coverage of the object, [side, side] float32 in 0 … 1, side = SIDE · scale."""
    zoom = scale * SUPERSAMPLE
    pen = Pen(SIDE * zoom, scene.x * zoom, scene.y * zoom, scene.radius * zoom)
    OBJECTS[scene.object](pen)
    return np.asarray(pen.mask(), dtype=np.float32) / 255


def render(scene: Scene, scale: int = 1) -> np.ndarray:
    """The picture, [side, side, 3] uint8."""
    cover = object_mask(scene, scale)[..., None]
    ink = np.array(COLOURS[scene.colour], dtype=np.float32)
    paper = np.array(COLOURS[scene.background], dtype=np.float32)
    return np.rint(paper + (ink - paper) * cover).astype(np.uint8)
