"""the small world: its palette and objects, the held-out tenth, and how scenes are drawn."""

from dataclasses import replace

import numpy as np
import pytest

from engine.training.toybox.world import (
    COLOURS,
    COMBINATIONS,
    OBJECTS,
    PLACES,
    SIDE,
    SIZES,
    Scene,
    held_out,
    object_mask,
    random_scene,
    render,
)

SEEN = [combination for combination in COMBINATIONS if not held_out(*combination)]


def scene_of(kind: str, radius: float = 20) -> Scene:
    return Scene(object=kind, colour="red", background="blue", size="", x=31.4, y=32.7, radius=radius)


def test_the_palette_is_the_agreed_one() -> None:
    """The embedded networks were trained on these colours; another shade would make them draw wrong ones."""
    assert COLOURS == {
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


def test_the_objects_are_the_agreed_ones() -> None:
    """Captions, judge and benchmark all count on these sixteen."""
    assert list(OBJECTS) == [
        "circle",
        "square",
        "triangle",
        "star",
        "heart",
        "cross",
        "moon",
        "diamond",
        "ring",
        "house",
        "tree",
        "cat",
        "fish",
        "flower",
        "mushroom",
        "lambda",
    ]


def test_an_object_never_has_the_colour_of_its_background() -> None:
    """It could not be seen."""
    assert len(COMBINATIONS) == 16 * 10 * 9
    assert all(colour != background for _, colour, background in COMBINATIONS)


def test_about_a_tenth_is_held_out() -> None:
    """Enough to measure adherence on, little enough to leave a world to learn from."""
    share = sum(held_out(*combination) for combination in COMBINATIONS) / len(COMBINATIONS)
    assert 0.08 < share < 0.12


@pytest.mark.parametrize(
    ("combination", "held"),
    [
        (("circle", "orange", "blue"), True),
        (("star", "red", "black"), True),
        (("lambda", "blue", "white"), True),
        (("star", "red", "blue"), False),
        (("lambda", "orange", "black"), False),
        (("cat", "black", "white"), False),
    ],
)
def test_what_is_held_out_never_changes(combination: tuple[str, str, str], held: bool) -> None:
    """The hash is stable: on another day or machine a held-out scene must not slip into training."""
    assert held_out(*combination) is held


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_word_is_seen_and_held_out(axis: int) -> None:
    """What is never seen can't be learned, and what is never held out would not be measured."""
    words = {combination[axis] for combination in COMBINATIONS}
    assert {combination[axis] for combination in SEEN} == words
    assert {combination[axis] for combination in COMBINATIONS if held_out(*combination)} == words


def test_random_scenes_keep_to_the_given_combinations() -> None:
    """Held-out combinations never enter training: figures measured on them would be worth nothing."""
    rng = np.random.default_rng(1)
    drawn = {(scene.object, scene.colour, scene.background) for scene in (random_scene(rng, SEEN) for _ in range(3000))}
    assert drawn <= set(SEEN)
    assert len(drawn) > 0.8 * len(SEEN)


def test_random_scenes_have_the_size_they_name_and_fit_the_frame() -> None:
    """A "big" object that is small, or one that is cut off, would teach the networks a wrong word."""
    rng = np.random.default_rng(2)
    for scene in (random_scene(rng, SEEN) for _ in range(300)):
        assert scene.radius in SIZES[scene.size]
        assert {scene.x - SIDE / 2, scene.y - SIDE / 2} <= set(PLACES)
        assert scene.radius + max(PLACES) + 1 <= SIDE / 2


def test_the_same_seed_gives_the_same_scene() -> None:
    """Training is repeatable."""
    assert random_scene(np.random.default_rng(3), SEEN) == random_scene(np.random.default_rng(3), SEEN)


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_stays_inside_the_frame(kind: str) -> None:
    """Also in the corner, at the largest radius: the border shows nothing but background."""
    cover = object_mask(replace(scene_of(kind), x=28.0, y=28.0, radius=27.0))
    border = np.concatenate([cover[0], cover[-1], cover[:, 0], cover[:, -1]])
    assert border.max() == 0
    assert cover.max() == 1


@pytest.mark.parametrize("kind", OBJECTS)
def test_edges_are_anti_aliased(kind: str) -> None:
    """Some pixels are partly covered, but only along the outline."""
    cover = object_mask(scene_of(kind))
    soft = (cover > 0) & (cover < 1)
    assert soft.sum() > 40
    assert soft.sum() < (cover == 1).sum()


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_render_four_times_as_large_shows_the_same(kind: str) -> None:
    """The upscaler learns from such pairs: averaged down, the large one is the small one."""
    small = object_mask(scene_of(kind))
    large = object_mask(scene_of(kind), scale=4)
    assert large.shape == (4 * SIDE, 4 * SIDE)
    difference = np.abs(large.reshape(SIDE, 4, SIDE, 4).mean(axis=(1, 3)) - small)
    assert difference.mean() < 0.01
    assert difference.max() < 0.34  # a third of a pixel: outlines are rounded to a quarter pixel, on both sides


def test_a_scene_is_drawn_in_its_two_colours() -> None:
    """Exact in the flat parts, so that a judge can read them, and blended along the line between the two."""
    picture = render(scene_of("square"))
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    assert tuple(picture[32, 32]) == COLOURS["red"]
    assert tuple(picture[0, 0]) == COLOURS["blue"]
    assert (picture >= np.minimum(COLOURS["red"], COLOURS["blue"])).all()
    assert (picture <= np.maximum(COLOURS["red"], COLOURS["blue"])).all()


def test_no_two_objects_look_alike() -> None:
    """Each has a surface of its own: at one place and size any two differ by a seventh of the smaller one."""
    covers = {kind: object_mask(scene_of(kind)) for kind in OBJECTS}
    for kind, cover in covers.items():
        for other, theirs in covers.items():
            if other != kind:
                assert np.abs(cover - theirs).sum() > min(cover.sum(), theirs.sum()) / 7
