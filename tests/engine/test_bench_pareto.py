"""the commands that weigh time against adherence, in small."""

import numpy as np

from tests.bench.engine.pareto import plot
from tests.bench.engine.schedule import candidates, front, training_prompts


def test_each_way_has_its_point() -> None:
    image = np.asarray(plot([("ours", 1.0, 0.9), ("notebook, 100 steps", 4.0, 0.4)]))
    blue, red = ((image == colour).all(-1).sum() for colour in ((30, 90, 200), (200, 60, 40)))
    assert blue > 50 and red > 50


def test_the_front_is_what_nobody_beats() -> None:
    """A schedule that is slower and no better is not checked again."""
    results = [({"a": 1}, 0.9, 2.0), ({"b": 1}, 0.9, 3.0), ({"c": 1}, 0.5, 1.0), ({"d": 1}, 0.4, 1.5)]
    assert [knobs for knobs, *_ in front(results)] == [{"a": 1}, {"c": 1}]


def test_the_search_does_not_see_what_it_is_checked_on() -> None:
    scenes, prompts = training_prompts(5)
    assert len(scenes) == len(prompts) == 5 and len(candidates()) == 36
