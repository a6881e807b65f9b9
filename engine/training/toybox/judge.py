"""judges a picture by its pixels: background colour, object colour and shape; uses no network.

The background is what the border shows. The object is whatever differs from it, its coverage read
along the line between the two colours; its shape is the renderer's own template whose surface and
outline lie best on it, once both are brought to one place and size. Of a mess the answer is None.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.training.toybox.world import COLOURS, OBJECTS, SIDE, Scene, object_mask

COLOUR_REACH = 45.0  # sRGB distance; the closest palette colours lie 99 apart, so only one can be within reach
AGREE = 0.8  # the share of the border, or of the object, that must have one colour
MIN_PIXELS = 50  # the smallest object of the world covers 128
FLOOR = 0.84  # likeness that names a shape: 99 % of renders bent by half a pixel have it, an ellipse seldom
LEAD = 0.03  # by which the best shape must beat the next: what is half one shape and half another is neither
PAPER_NOISE, FULL_INK = 0.25, 0.75  # coverage below is paper, above is ink: noise and blur stay out of the overlap
FRAME = 32  # side of the frame in which shapes are compared, in pixels
SPREAD = 6.5  # root mean square distance from the centre that every shape is scaled to, in frame pixels
SCALES = (0.88, 0.94, 1.0, 1.06, 1.12)  # of a template around that spread,
SHIFTS = (-1.0, 0.0, 1.0)  # and its shifts in frame pixels, each way: a drawing's moments are rough
OUTLINE = 5.0  # weight of the outline beside the surface, which alone takes an ellipse for a diamond


@dataclass(frozen=True)
class Judgement:
    """What a picture shows, in the world's words; None where no answer can be given."""

    background: str | None
    colour: str | None
    object: str | None


@dataclass(frozen=True, kw_only=True)
class Adherence:
    """How much of what was asked for was drawn: shares in 0 … 1."""

    background: float
    colour: float
    object: float
    all_three: float


def judge(picture: np.ndarray) -> Judgement:
    """What an [side, side, 3] uint8 RGB picture shows; it is looked at in SIDE pixels.

    Raises:
        ValueError: the picture is not square, not RGB or not uint8.
    """
    pixels = _at_world_side(picture)
    border = np.concatenate(
        [
            pixels[:2].reshape(-1, 3),
            pixels[-2:].reshape(-1, 3),
            pixels[2:-2, :2].reshape(-1, 3),
            pixels[2:-2, -2:].reshape(-1, 3),
        ]
    )
    paper = np.median(border, axis=0)
    if np.mean(_distance(border, paper) < COLOUR_REACH) < AGREE:
        return Judgement(None, None, None)
    background = _colour_name(paper)
    ink = _ink(pixels, paper)
    if ink is None:
        return Judgement(background, None, None)
    cover, foreign = _coverage(pixels, paper, ink)
    one_colour = foreign.sum() <= (1 - AGREE) * (cover > 0.5).sum()
    return Judgement(background, _colour_name(ink) if one_colour else None, _shape(cover))


def adherence(judgements: Sequence[Judgement], scenes: Sequence[Scene]) -> Adherence:
    """The shares of pictures that show what their scenes say; raises ValueError unless the two pair up."""
    hits = np.array(
        [
            (
                judgement.background == scene.background,
                judgement.colour == scene.colour,
                judgement.object == scene.object,
            )
            for judgement, scene in zip(judgements, scenes, strict=True)
        ]
    )
    if not len(hits):
        raise ValueError("There are no judgements to count; judge at least one picture.")
    background, colour, kind = (float(share) for share in hits.mean(axis=0))
    return Adherence(background=background, colour=colour, object=kind, all_three=float(hits.all(axis=1).mean()))


def _at_world_side(picture: np.ndarray) -> np.ndarray:
    """[SIDE, SIDE, 3] float32, averaged over areas."""
    square = picture.ndim == 3 and picture.shape[0] == picture.shape[1] > 0
    if not square or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(
            f"The judge reads square RGB pictures [side, side, 3] of uint8; "
            f"this is {list(picture.shape)} of {picture.dtype}."
        )
    if picture.shape[0] != SIDE:
        picture = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX))
    return picture.astype(np.float32)


def _distance(pixels: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return np.linalg.norm(pixels - colour, axis=-1)


def _colour_name(colour: np.ndarray) -> str | None:
    """The palette colour within reach, or None."""
    distances = _distance(np.array(list(COLOURS.values())), colour)
    nearest = int(distances.argmin())
    return list(COLOURS)[nearest] if distances[nearest] < COLOUR_REACH else None


def _ink(pixels: np.ndarray, paper: np.ndarray) -> np.ndarray | None:
    """The colour [3] of the object's core, or None where nothing of one colour stands out from the paper."""
    distances = _distance(pixels, paper)
    drawn = distances > COLOUR_REACH
    if drawn.sum() < MIN_PIXELS:
        return None
    core = drawn & (distances > 0.75 * np.percentile(distances[drawn], 90))  # leaves the soft edges out
    ink = np.median(pixels[core], axis=0)
    return ink if _distance(ink, paper) > COLOUR_REACH else None  # the median of many colours may be the paper's own


def _coverage(pixels: np.ndarray, paper: np.ndarray, ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage [side, side] in 0 … 1, and where a third colour lies; that counts as drawn, so it spoils the shape."""
    line = ink - paper
    share = np.clip((pixels - paper) @ line / (line @ line), 0, 1)
    foreign = _distance(pixels, paper + share[..., None] * line) > COLOUR_REACH
    cover = np.clip((share - PAPER_NOISE) / (FULL_INK - PAPER_NOISE), 0, 1)
    return np.where(foreign, 1, cover).astype(np.float32), foreign


def _frame_object(cover: np.ndarray, spread: float = SPREAD, x: float = 0, y: float = 0) -> np.ndarray:
    """The object [FRAME, FRAME], its centre of mass moved to (x, y) off the middle, its extent scaled to `spread`."""
    mass = cover.sum()
    centres = np.arange(len(cover)) + 0.5
    columns, rows = cover.sum(axis=0) / mass, cover.sum(axis=1) / mass
    centre_x, centre_y = columns @ centres, rows @ centres
    variance = columns @ (centres - centre_x) ** 2 + rows @ (centres - centre_y) ** 2
    step = np.sqrt(variance) / spread  # picture pixels per frame pixel
    affine = (step, 0, centre_x - step * (FRAME / 2 + x), 0, step, centre_y - step * (FRAME / 2 + y))
    framed = Image.fromarray(cover).transform((FRAME, FRAME), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    return np.asarray(framed)


def _signature(framed: np.ndarray) -> np.ndarray:
    """Surface and outline of a shape as one vector, [3 · FRAME²]: the mask, then the slopes of its blurred edges."""
    soft = framed
    for axis in (0, 1, 0, 1):  # twice each way, so that an edge off by a pixel still meets its like
        soft = (np.roll(soft, 1, axis) + soft + np.roll(soft, -1, axis)) / 3
    down, right = np.gradient(soft)
    return np.concatenate([framed.ravel(), OUTLINE * down.ravel(), OUTLINE * right.ravel()])


@functools.cache
def _templates() -> tuple[np.ndarray, np.ndarray]:
    """Signatures of all objects at all scales and shifts, [objects · variants, 3 · FRAME²]; their squared norms."""
    rows = []
    for name in OBJECTS:
        scene = Scene(object=name, colour="", background="", size="", x=SIDE / 2, y=SIDE / 2, radius=20)
        cover = object_mask(scene)
        rows += [
            _signature(_frame_object(cover, SPREAD * scale, x, y)) for scale in SCALES for x in SHIFTS for y in SHIFTS
        ]
    table = np.array(rows, dtype=np.float32)
    return table, (table**2).sum(axis=1)


def _likeness(cover: np.ndarray) -> np.ndarray:
    """How well each object in OBJECTS' order fits, at most 1: ab / (a² + b² − ab), a soft intersection over union."""
    templates, norms = _templates()
    signature = _signature(_frame_object(cover))
    common = templates @ signature
    return (common / (norms + signature @ signature - common)).reshape(len(OBJECTS), -1).max(axis=1)


def _shape(cover: np.ndarray) -> str | None:
    """The object that fits best, or None if none fits well or two fit alike."""
    if cover.sum() < MIN_PIXELS:
        return None
    likeness = _likeness(cover)
    second, best = likeness.argsort()[-2:]
    if likeness[best] < FLOOR or likeness[best] - likeness[second] < LEAD:
        return None
    return list(OBJECTS)[best]
