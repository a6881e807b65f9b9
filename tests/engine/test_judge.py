"""the judge against the renderer itself, against what a drawing may do to it, and against what is no object at all."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from engine.training.toybox.judge import Judgement, adherence, judge
from engine.training.toybox.world import COLOURS, COMBINATIONS, OBJECTS, SIDE, Scene, object_mask, random_scene, render

Spoil = Callable[[Scene, np.random.Generator], np.ndarray]


def scenes(count: int, seed: int) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [random_scene(rng, COMBINATIONS) for _ in range(count)]


def paint(cover: np.ndarray, ink: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """[side, side] coverage in two colours, [side, side, 3] uint8."""
    return np.clip(np.rint(paper + (ink - paper) * cover[..., None]), 0, 255).astype(np.uint8)


def rgb(name: str) -> np.ndarray:
    return np.array(COLOURS[name], dtype=np.float32)


def drifted(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Both colours off by up to 12 in every channel."""
    off = rng.uniform(-12, 12, (2, 3))
    return paint(object_mask(scene), rgb(scene.colour) + off[0], rgb(scene.background) + off[1])


def blurred(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(render(scene)).filter(ImageFilter.GaussianBlur(0.7)))


def noisy(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    return np.clip(render(scene) + rng.normal(0, 8, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def resized(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The object's edges half a pixel further out or in, all around."""
    large = (object_mask(scene, scale=4) * 255).astype(np.uint8)
    edge = np.maximum if rng.random() < 0.5 else np.minimum
    for _ in range(2):  # both ways: what Pillow's filter of 5 x 5 finds, in a tenth of the time
        wide = np.pad(large, [(2, 2), (0, 0)], mode="edge")
        large = reduce(edge, [wide[k : k + len(large)] for k in range(5)]).T
    cover = np.asarray(Image.fromarray(np.ascontiguousarray(large)).reduce(4)) / 255
    return paint(cover, rgb(scene.colour), rgb(scene.background))


def bent(scene: Scene, rng: np.random.Generator, by: float = 0.7) -> np.ndarray:
    """Edges displaced by a smooth field of `by` pixels' standard deviation, each way."""
    coarse = rng.normal(0, 4 * by, (2, 9, 9)).astype(np.float32)
    down, right = (
        np.asarray(Image.fromarray(field).resize((4 * SIDE, 4 * SIDE), Image.Resampling.BICUBIC)) for field in coarse
    )
    rows, columns = np.indices(down.shape)
    from_row = np.clip(np.rint(rows + down), 0, 4 * SIDE - 1).astype(int)
    from_column = np.clip(np.rint(columns + right), 0, 4 * SIDE - 1).astype(int)
    cover = object_mask(scene, scale=4)[from_row, from_column].reshape(SIDE, 4, SIDE, 4).mean(axis=(1, 3))
    return paint(cover, rgb(scene.colour), rgb(scene.background))


def everything(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Bent by half a pixel, then blurred, drifted and noisy, as a half-trained network draws."""
    picture = Image.fromarray(bent(scene, rng, by=0.5)).filter(ImageFilter.GaussianBlur(0.7))
    off = rng.uniform(-12, 12, 3) + rng.normal(0, 5, (SIDE, SIDE, 3))
    return np.clip(np.asarray(picture) + off, 0, 255).astype(np.uint8)


def ellipse(width: float, height: float) -> np.ndarray:
    image = Image.new("L", (4 * SIDE, 4 * SIDE))
    middle = 2 * SIDE
    ImageDraw.Draw(image).ellipse(
        (middle - 2 * width, middle - 2 * height, middle + 2 * width, middle + 2 * height), fill=255
    )
    return np.asarray(image.reduce(4)) / 255


@pytest.mark.parametrize(("scale", "count"), [(1, 200), (4, 60)])
def test_clean_renders_are_read_right(scale: int, count: int) -> None:
    """The bar the judge must clear before it may judge drawings: 99 % of all three, at 64 and at 256 px."""
    sample = scenes(count, seed=11)
    found = adherence([judge(render(scene, scale)) for scene in sample], sample)
    assert found.all_three >= 0.99


@pytest.mark.parametrize("side", [48, 96, 128, 200])
def test_any_side_will_do(side: int) -> None:
    """Upscalers and other model sets make other sides than the toybox."""
    sample = scenes(25, seed=12)
    pictures = [
        np.asarray(Image.fromarray(render(scene, 4)).resize((side, side), Image.Resampling.BOX)) for scene in sample
    ]
    assert adherence([judge(picture) for picture in pictures], sample).all_three >= 0.96


@pytest.mark.parametrize("kind", OBJECTS)
def test_every_object_is_known_at_every_size(kind: str) -> None:
    """A mean over random scenes could hide one object that is never recognised."""
    for radius in (10, 12, 16, 20, 27):
        scene = Scene(object=kind, colour="purple", background="blue", size="", x=31.3, y=33.8, radius=radius)
        assert judge(render(scene)) == Judgement("blue", "purple", kind)


@pytest.mark.parametrize(
    ("spoil", "bar"),
    [(drifted, 0.99), (blurred, 0.99), (noisy, 0.99), (resized, 0.99), (bent, 0.97), (everything, 0.97)],
)
def test_what_a_drawing_does_to_a_picture_is_forgiven(spoil: Spoil, bar: float) -> None:
    """A diffusion model's colours drift and its edges are soft and never quite straight; it is still a star."""
    rng = np.random.default_rng(13)
    sample = scenes(80, seed=14)
    assert adherence([judge(spoil(scene, rng)) for scene in sample], sample).all_three >= bar


@pytest.mark.parametrize("name", COLOURS)
def test_a_plain_background_holds_nothing(name: str) -> None:
    """With guidance off many drawings are nearly empty; a little noise must not become an object."""
    rng = np.random.default_rng(15)
    plain = np.clip(rgb(name) + rng.normal(0, 8, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    assert judge(plain) == Judgement(name, None, None)


def test_noise_and_mush_have_neither_background_nor_object() -> None:
    """What no one could describe must not be described."""
    noise = np.random.default_rng(16).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    mush = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(4)))
    sharp_mush = np.clip((mush.astype(float) - 128) * 6 + 128, 0, 255).astype(np.uint8)
    assert [judge(picture) for picture in (noise, mush, sharp_mush)] == [Judgement(None, None, None)] * 3


@pytest.mark.parametrize("second_colour", ["red", "yellow"])
@pytest.mark.parametrize("kind", OBJECTS)
def test_two_objects_are_no_object(kind: str, second_colour: str) -> None:
    """One object was asked for; two of them, alike or not, are a failed drawing."""
    first = Scene(object=kind, colour="red", background="white", size="", x=17, y=24, radius=13)
    second = object_mask(replace(first, x=46.0, y=40.0, radius=14.0))[..., None]
    picture = np.rint(render(first) * (1 - second) + rgb(second_colour) * second).astype(np.uint8)
    assert judge(picture).object is None


def test_a_half_faded_object_never_has_the_colour_that_was_asked_for() -> None:
    """Halfway to the background lies out of reach of every palette colour that the fade began at."""
    for colour, background in {(c, b) for _, c, b in COMBINATIONS}:
        star = Scene(object="star", colour=colour, background=background, size="", x=32, y=32, radius=20)
        faded = paint(object_mask(star) / 2, rgb(colour), rgb(background))
        assert judge(faded).colour != colour


@pytest.mark.parametrize(("width", "height"), [(44, 26), (26, 44), (40, 26), (50, 16), (12, 44)])
def test_a_blob_has_a_colour_but_is_no_object(width: float, height: float) -> None:
    """By its surface alone an upright ellipse is a diamond to 88 % and a level one a fish or a heart."""
    blob = paint(ellipse(width, height), rgb("orange"), rgb("black"))
    assert judge(blob) == Judgement("black", "orange", None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("circle", "star"),
        ("square", "triangle"),
        ("cat", "heart"),
        ("ring", "moon"),
        ("tree", "house"),
        ("fish", "lambda"),
    ],
)
def test_half_one_shape_and_half_another_is_neither(one: str, other: str) -> None:
    """An undecided network lays two shapes over each other; guessing the stronger would flatter it."""
    scene = Scene(object=one, colour="green", background="pink", size="", x=32, y=32, radius=20)
    both = (object_mask(scene) + object_mask(replace(scene, object=other))) / 2
    assert judge(paint(both, rgb("green"), rgb("pink"))).object is None


def test_half_an_object_is_no_object() -> None:
    """A drawing that stops at the middle is not what was asked for."""
    wrong = []
    for kind in OBJECTS:
        scene = Scene(object=kind, colour="black", background="yellow", size="", x=32, y=32, radius=22)
        picture = render(scene)
        picture[:, :32] = COLOURS["yellow"]
        wrong += [kind] * (judge(picture).object == kind)
    assert wrong == []


def test_an_object_of_two_colours_has_none() -> None:
    """Half red and half green is not red, even if red has a pixel more."""
    scene = Scene(object="circle", colour="red", background="white", size="", x=32, y=32, radius=24)
    picture = render(scene)
    picture[34:] = render(replace(scene, colour="green"))[34:]
    assert judge(picture).colour is None


def test_a_patchwork_around_the_background_is_answered_not_divided_by_zero() -> None:
    """Three colours that each differ in another channel have the background itself as their median."""
    picture = np.full((SIDE, SIDE, 3), 20, np.uint8)
    for channel in range(3):
        picture[20:40, 10 + 12 * channel : 22 + 12 * channel, channel] = 200
    assert judge(picture) == Judgement("black", None, None)


def test_no_picture_is_too_odd_for_an_answer() -> None:
    """Patches and specks of any colours on any paper: a benchmark must not stop at its worst drawing."""
    rng = np.random.default_rng(17)
    for _ in range(150):
        picture = np.full((SIDE, SIDE, 3), rng.integers(0, 256, 3), np.uint8)
        for _ in range(rng.integers(1, 9)):
            top, left = rng.integers(0, SIDE, 2)
            height, width = rng.integers(1, 30, 2)
            picture[top : top + height, left : left + width] = rng.integers(0, 256, 3)
        judge(picture)


def test_colours_off_the_palette_have_no_name() -> None:
    """Grey is neither black nor white; the nearest name would be a lenient one. The shape can still be read."""
    scene = Scene(object="star", colour="", background="", size="", x=32, y=32, radius=22)
    grey, teal = np.array([130, 130, 130]), np.array([60, 240, 230])
    assert judge(paint(object_mask(scene), teal, grey)) == Judgement(None, None, "star")


def test_adherence_counts_each_part_and_all_three() -> None:
    """The benchmark's figures; a picture with two parts right has not done what was asked."""
    scene = Scene(object="cat", colour="black", background="white", size="", x=32, y=32, radius=20)
    judgements = [
        Judgement("white", "black", "cat"),
        Judgement("white", "brown", "cat"),
        Judgement("white", None, None),
        Judgement(None, "black", "cat"),
    ]
    found = adherence(judgements, [scene] * 4)
    assert (found.background, found.colour, found.object, found.all_three) == (0.75, 0.5, 0.75, 0.25)


def test_adherence_of_nothing_is_refused() -> None:
    """0 of 0 is not a share, and a judgement without its scene would shift all that follow."""
    with pytest.raises(ValueError, match="at least one"):
        adherence([], [])
    with pytest.raises(ValueError):
        adherence([Judgement(None, None, None)], [])


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 48, 3), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((0, 0, 3), np.uint8),
    ],
)
def test_what_is_no_square_rgb_picture_is_refused(picture: np.ndarray) -> None:
    """A float picture in −1 … 1 would otherwise be judged as black."""
    with pytest.raises(ValueError, match="square RGB"):
        judge(picture)
