"""the commands that weigh time against adherence, in small."""

from pathlib import Path

import numpy as np
import pytest

from tests.bench.engine import ways
from tests.bench.engine.adherence import held_out_prompts, training_prompts
from tests.bench.engine.pareto import notebook, plot, quicker
from tests.bench.engine.picturebook_prompts import mixed
from tests.bench.engine.report import Figure
from tests.bench.engine.schedule import candidates, front, staying
from tests.bench.engine.ways import Asks, Try, toybox


def test_each_way_has_its_point() -> None:
    points = [("ours", 1.0, 0.9), ("notebook, 100 steps", 4.0, 0.4)]
    image = np.asarray(plot({"toybox": points, "picturebook": points}))
    blue, red = ((image == colour).all(-1).sum() for colour in ((30, 90, 200), (200, 60, 40)))
    assert blue > 100 and red > 100


def test_time_is_compared_where_adherence_is_not_less() -> None:
    """A quick way that draws something else has not arrived where the notebook has; on the notebook's prompts alone."""

    def tries(seconds: float, *rights: bool) -> dict[int, Try]:
        return {number: Try(right=right, seconds=seconds, steps=9) for number, right in enumerate(rights)}

    ways = {"ours": tries(4.0, True, True, False), "draft": tries(2.0, True, False), "at x0": tries(1.0, False, False)}
    found: list[Figure] = list(quicker("toybox", {**ways, "notebook, 1000 steps": tries(40.0, True, False)}))
    assert [(one.value, one.met) for one in found] == [("0.050", True), ("0.100", True)]
    assert "(1 and 1 of 2), quickest: draft" in found[0].name and "(1 and 2 of 2), defaults: ours" in found[1].name


def test_the_front_is_what_nobody_beats() -> None:
    """A schedule that is slower and no better is not checked again."""
    results = [({"a": 1}, 0.9, 2.0), ({"b": 1}, 0.9, 3.0), ({"c": 1}, 0.5, 1.0), ({"d": 1}, 0.4, 1.5)]
    assert [knobs for knobs, *_ in front(results)] == [{"a": 1}, {"c": 1}]


def test_the_worse_half_leaves_the_search() -> None:
    """Of equals the quicker stay; so does the set's own way, which the others are compared with."""
    assert staying({0: (0.5, 9.0), 1: (1.0, 2.0), 2: (0.9, 3.0), 3: (0.9, 1.0), 4: (0.8, 0.5)}) == [0, 1, 3]


def test_the_search_does_not_see_what_it_is_checked_on() -> None:
    for prompts in (mixed(30, training=True), mixed(30)):
        assert len({one.prompt for one in prompts}) == 30 and [len(one.things) for one in prompts[:3]] == [1, 1, 2]
    assert not {one.things for one in mixed(60)} & {one.things for one in mixed(60, training=True) if one.things[1:]}
    scenes, _ = training_prompts(20)
    assert not {_combination(scene) for scene in scenes} & {_combination(scene) for scene in held_out_prompts()[0]}
    assert candidates("toybox")[0] == candidates("picturebook")[0] == {}


def _combination(scene: object) -> tuple[object, ...]:
    return tuple(getattr(scene, name) for name in ("object", "colour", "background"))


def test_what_was_drawn_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped run goes on where it was."""
    monkeypatch.setattr(ways, "FOLDER", tmp_path)
    calls: list[Asks] = []

    def draw(asked: Asks) -> tuple[list[np.ndarray], int]:
        calls.append(asked)
        return [np.zeros((64, 64, 3), np.uint8)] * len(asked), 7

    world = toybox(4)
    first = world.tried("way", draw, [0, 1])
    assert world.tried("way", draw, [0, 1]) == first and len(calls) == 1
    assert [(one.right, one.steps) for one in first] == [(False, 7)] * 2
    world.tried("other way", draw, [0, 1])
    assert len(calls) == 2


def test_the_notebooks_loop_draws_with_the_networks_of_the_toybox() -> None:
    """At two steps a picture of nothing, but a picture."""
    world = toybox(1)
    (picture,), steps = notebook(world.models, 2)([(world.prompts[0], 0)])
    assert picture.shape == (256, 256, 3) and steps == 2
