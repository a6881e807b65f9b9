"""Pictures that the picture book's judge is tried on: clean, distorted, and such that show nothing it knows."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from engine.training.picturebook.world import Renderer, Scene

SIDE, SHOWN = 64, 256  # pixels of the world, and of what people see
ZOOM = SHOWN // SIDE

Rng = np.random.Generator


def smooth(field: np.ndarray, sigma: float) -> np.ndarray:
    """[h, w, c] blurred by a Gaussian of so many pixels."""
    edge = round(3 * sigma)
    padded = np.pad(field, ((edge, edge), (edge, edge), (0, 0)), mode="symmetric")
    waves = [np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(side)) ** 2) for side in padded.shape[:2]]
    spectrum = np.fft.fft2(padded, axes=(0, 1)) * np.outer(*waves)[..., None]
    return np.fft.ifft2(spectrum, axes=(0, 1)).real[edge : edge + field.shape[0], edge : edge + field.shape[1]]


def blur(picture: np.ndarray, rng: Rng, strength: float = 1.0) -> np.ndarray:
    """Out of focus by 0.8 … 1.5 pixels of the world."""
    return smooth(picture, strength * rng.uniform(0.8, 1.5) * ZOOM)


def grain(picture: np.ndarray, rng: Rng, strength: float = 1.0) -> np.ndarray:
    """Noise of 6 … 12 % of white, as coarse as the world's pixels."""
    noise = rng.normal(0, strength * rng.uniform(15, 30), (SIDE, SIDE, 3))
    return picture + noise.repeat(ZOOM, 0).repeat(ZOOM, 1)


def bend(picture: np.ndarray, rng: Rng, strength: float = 1.0) -> np.ndarray:
    """Waves of about a pixel and a half; turned by up to 5°, up to 6 % larger or smaller, moved by up to two pixels."""
    waves = smooth(rng.normal(size=(SHOWN, SHOWN, 2)), 8 * ZOOM)
    waves *= strength * 1.5 * ZOOM / waves.std((0, 1))
    y, x = np.indices((SHOWN, SHOWN)) - SHOWN / 2
    turn, size = strength * np.radians(rng.uniform(-5, 5)), 1 + strength * rng.uniform(-0.06, 0.06)
    moved = strength * rng.uniform(-2, 2, 2) * ZOOM
    down = (y * np.cos(turn) - x * np.sin(turn)) * size + moved[0] + waves[..., 0]
    right = (y * np.sin(turn) + x * np.cos(turn)) * size + moved[1] + waves[..., 1]
    grid = torch.from_numpy(np.stack([right, down], axis=-1)[None] * 2 / SHOWN)
    pixels = torch.from_numpy(np.asarray(picture, dtype=np.float64)).permute(2, 0, 1)[None]
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)[0].permute(1, 2, 0).numpy()


def recolour(picture: np.ndarray, rng: Rng, strength: float = 1.0) -> np.ndarray:
    """Each channel up to 15 % stronger or weaker and up to 15 of 255 lighter or darker."""
    gain, shift = 1 + strength * rng.uniform(-0.15, 0.15, 3), strength * rng.uniform(-15, 15, 3)
    return picture * gain + shift


def everything(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """All four at half strength."""
    return recolour(grain(blur(bend(picture, rng, 0.5), rng, 0.5), rng, 0.5), rng, 0.5)


DISTORTIONS: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "blurred": blur,
    "grainy": grain,
    "bent": bend,
    "off colour": recolour,
    "all at half strength": everything,
}


def distorted(picture: np.ndarray, kind: str, rng: Rng) -> np.ndarray:
    """A picture [256, 256, 3] uint8 with a mild or moderate fault through which a person still knows what it shows."""
    return _bytes(DISTORTIONS[kind](picture.astype(np.float32), rng))


def foreign(count: int, draw: Renderer, others: np.ndarray, rng: Rng) -> Iterator[tuple[str, np.ndarray]]:
    """(kind, picture [256, 256, 3] uint8) that shows none of the things; `draw` in 256 px, others [n, 64, 64, 4]."""
    kinds: list[tuple[str, Callable[[], np.ndarray]]] = [
        ("coloured noise", lambda: _noise(rng)),
        ("noise on a ground", lambda: _blob(draw, rng)),
        ("blend of drawings", lambda: _blend(draw, rng)),
        ("drawing not in the list", lambda: _other(draw, others, rng)),
        ("drawing not in the list", lambda: _other(draw, others, rng)),
        ("plain ground", lambda: grain(_ground(draw, rng), rng, rng.uniform(0, 1))),
        ("scrambled patches", lambda: _scrambled(draw, rng)),
        ("dissolved drawing", lambda: _dissolved(draw, rng)),
        ("landscape", lambda: _landscape(rng)),
    ]
    for number in range(count):
        kind, make = kinds[number % len(kinds)]
        yield kind, _bytes(make())


def any_scene(draw: Renderer, rng: Rng, count: int) -> Scene:
    """One or two things on a ground, all equally likely."""
    names = list(draw.number)
    chosen = rng.choice(len(names), count, replace=False)
    return Scene(tuple(names[k] for k in chosen), list(draw.grounds)[rng.integers(len(draw.grounds))])


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture.clip(0, 255)).astype(np.uint8)


def _ground(draw: Renderer, rng: Rng) -> np.ndarray:
    grounds = list(draw.grounds.values())
    return np.asarray(grounds[rng.integers(len(grounds))], dtype=np.float32)


def _random(draw: Renderer, rng: Rng) -> np.ndarray:
    return draw(any_scene(draw, rng, 1 if rng.random() < 0.65 else 2)).astype(np.float32)


def _noise(rng: Rng) -> np.ndarray:
    """Noise filtered at one of many scales, in random colours."""
    scale = np.exp(rng.uniform(np.log(1), np.log(16))) * ZOOM
    field = smooth(rng.normal(size=(SHOWN, SHOWN, 3)), scale)
    return rng.uniform(40, 215, 3) + field / field.std((0, 1)) * rng.uniform(20, 70, 3)


def _blob(draw: Renderer, rng: Rng) -> np.ndarray:
    """A heap of filtered noise with a soft outline, of about a thing's size, in the middle or one in each half."""
    y, x = np.indices((SHOWN, SHOWN)) / ZOOM
    picture = _ground(draw, rng)
    for middle, size in [(32, 22)] if rng.random() < 0.65 else [(16, 14), (48, 14)]:
        radius = np.hypot((x - middle) / rng.uniform(0.8, 1.2), (y - 32) / rng.uniform(0.8, 1.2))
        rough = smooth(rng.normal(size=(SHOWN, SHOWN, 1)), 5 * ZOOM)[..., 0]
        cover = np.clip((size + 4 * rough / rough.std() - radius) / 2 + 0.5, 0, 1)[..., None]
        picture = picture * (1 - cover) + _noise(rng) * cover
    return picture


def _blend(draw: Renderer, rng: Rng) -> np.ndarray:
    """Two to four drawings on one ground through each other."""
    ground = list(draw.grounds)[rng.integers(len(draw.grounds))]
    names = rng.choice(list(draw.number), rng.integers(2, 5), replace=False)
    return np.mean([draw(Scene((str(name),), ground)).astype(np.float32) for name in names], axis=0)


def _other(draw: Renderer, others: np.ndarray, rng: Rng) -> np.ndarray:
    """A drawing that is not in the list, where a thing alone would be."""
    canvas = Image.fromarray(_bytes(_ground(draw, rng)))
    drawing = Image.fromarray(others[rng.integers(len(others))]).resize((192, 192), Image.Resampling.BICUBIC)
    canvas.paste(drawing, (32, 32), drawing)
    return np.asarray(canvas)


def _scrambled(draw: Renderer, rng: Rng) -> np.ndarray:
    """A scene cut into patches of 16 pixels of the world, which are shuffled."""
    side = 16 * ZOOM
    patches = _random(draw, rng).reshape(4, side, 4, side, 3).swapaxes(1, 2).reshape(16, side, side, 3)
    return rng.permutation(patches).reshape(4, 4, side, side, 3).swapaxes(1, 2).reshape(SHOWN, SHOWN, 3)


def _dissolved(draw: Renderer, rng: Rng) -> np.ndarray:
    """A scene whose parts have flowed apart beyond knowing, blurred."""
    picture = _random(draw, rng)
    return blur(bend(picture, rng, rng.uniform(5, 8)), rng, 2)


def _landscape(rng: Rng) -> np.ndarray:
    """Gradients over a rough horizon with soft light and grain, as in a photograph."""
    y, x = np.indices((SHOWN, SHOWN)) / SHOWN
    top, middle, bottom = rng.uniform(0, 255, (3, 3))
    rough = np.cumsum(rng.normal(0, 0.004, SHOWN))
    horizon = rng.uniform(0.3, 0.7) + rough - rough.mean()
    sky = top + (middle - top) * (y / np.maximum(horizon, 0.1))[..., None]
    land = bottom * (0.5 + 0.5 * y)[..., None] + 250 * smooth(rng.normal(size=(SHOWN, SHOWN, 1)), 4)
    light = np.exp(-((x - rng.random()) ** 2 + (y - rng.random()) ** 2) / rng.uniform(0.01, 0.15))[..., None]
    return (
        np.where((y > horizon)[..., None], land, sky)
        + light * rng.uniform(-80, 120)
        + rng.normal(0, 6, (SHOWN, SHOWN, 3))
    )
