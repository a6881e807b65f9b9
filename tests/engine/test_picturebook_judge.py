"""The picture book's judge on a tiny table of drawings of our own."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.training.picturebook.grounds import ground
from engine.training.picturebook.judge import Judge, Seen

GROUNDS = {name: ground(name) for name in ("red", "white", "snow", "street")}
NAMES = ("ball", "flag", "cross", "face", "tower", "leaf")


def drawing(number: int, side: int) -> Image.Image:
    image = Image.new("RGBA", (side, side))
    pen, unit = ImageDraw.Draw(image), side / 24
    at = [(value * unit for value in box) for box in ((2, 2, 22, 22), (8, 8, 16, 16), (3, 12, 21, 20))]
    big, small, low = (tuple(box) for box in at)
    if number == 0:
        pen.ellipse(big, (40, 90, 220))
        pen.ellipse(small, (255, 240, 120))
    elif number == 1:
        pen.rectangle(big, (20, 150, 70))
        pen.rectangle(low, (250, 250, 250))
    elif number == 2:
        pen.rectangle((9 * unit, 0, 15 * unit, side), (90, 40, 150))
        pen.rectangle((0, 9 * unit, side, 15 * unit), (90, 40, 150))
    elif number == 3:
        pen.ellipse(big, (252, 200, 40))
        for x in (7, 14):
            pen.rectangle((x * unit, 8 * unit, (x + 3) * unit, 11 * unit), (30, 30, 30))
    elif number == 4:
        pen.polygon([(12 * unit, 0), (18 * unit, side), (6 * unit, side)], (60, 60, 70))
    else:
        pen.polygon([(2 * unit, 20 * unit), (20 * unit, 2 * unit), (18 * unit, 20 * unit)], (160, 200, 60))
    return image


def placed(number: int, side: int, width: int) -> np.ndarray:
    canvas = Image.new("RGBA", (width, 64))
    canvas.paste(drawing(number, side), ((width - side) // 2, (64 - side) // 2))
    return np.asarray(canvas)


SINGLE = np.stack([placed(number, 48, 64) for number in range(len(NAMES))])
HALF = np.stack([placed(number, 30, 32) for number in range(len(NAMES))])


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(NAMES, SINGLE, HALF, GROUNDS)


def scene(drawn: np.ndarray, on: str) -> np.ndarray:
    cover = drawn[..., 3:] / 255
    return np.rint(drawn[..., :3] * cover + GROUNDS[on] * (1 - cover)).astype(np.uint8)


@pytest.mark.parametrize("on", GROUNDS)
def test_a_clean_thing_is_named_on_every_ground(judge: Judge, on: str) -> None:
    """Otherwise the figures would blame the networks for the judge's faults."""
    half = slice(list(GROUNDS).index(on) % 2, None, 2)  # of the things, so that each is seen on two grounds
    pictures = np.stack([scene(drawn, on) for drawn in SINGLE[half]])
    assert list(judge.read_all(pictures)) == [Seen((name,), on) for name in NAMES[half]]


def test_two_things_are_named_from_left_to_right(judge: Judge) -> None:
    """Prompts say which stands where."""
    picture = scene(np.concatenate([HALF[3], HALF[0]], axis=1), "snow")
    assert judge.read(picture) == Seen(("face", "ball"), "snow")


def test_the_shown_size_is_read_as_the_drawn_one(judge: Judge) -> None:
    """It judges what people see, after the upscaler."""
    picture = scene(SINGLE[1], "white").repeat(4, axis=0).repeat(4, axis=1)
    assert judge.read(picture) == Seen(("flag",), "white")


def test_a_thing_that_is_moved_and_grainy_is_still_named(judge: Judge) -> None:
    """Networks draw a little beside the table's drawings, and a person would know the thing."""
    noise = np.random.default_rng(0).normal(0, 15, (64, 64, 3))
    picture = np.roll(scene(SINGLE[3], "red"), (2, -2), axis=(0, 1)) + noise
    assert judge.read(np.rint(picture.clip(0, 255)).astype(np.uint8)) == Seen(("face",), "red")


def test_a_plain_ground_shows_nothing(judge: Judge) -> None:
    """A plain square is what the toybox was blamed for."""
    assert [judge.read(picture) for picture in map(np.asarray, GROUNDS.values())] == [
        Seen((), name) for name in GROUNDS
    ]


def test_what_is_half_one_thing_and_half_another_is_neither(judge: Judge) -> None:
    """A network that cannot decide draws such blends."""
    blend = (scene(SINGLE[0], "white").astype(int) + scene(SINGLE[1], "white")) // 2
    assert judge.read(blend.astype(np.uint8)).things == ()


def test_noise_shows_nothing(judge: Judge) -> None:
    """Neither thing nor ground is in it."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert judge.read(noise) == Seen((), None)
