"""What the picture book's benchmark asks and counts; it draws nothing here."""

from pathlib import Path

import numpy as np
from PIL import Image

from engine.training.picturebook.judge import Seen
from engine.training.picturebook.world import pair_held_out, single_held_out, things
from tests.bench.engine.picturebook import contact_sheet, figures, in_russian
from tests.bench.engine.picturebook_pictures import DISTORTIONS, distorted
from tests.bench.engine.picturebook_prompts import Asked, rows


def test_only_scenes_that_training_never_saw_are_asked() -> None:
    """Whatever it has learned by heart does not count."""
    asked = rows()
    for name in ("colour", "setting"):
        assert len(asked[name]) == 200
        assert all(single_held_out(one.things[0], str(one.ground)) for one in asked[name])
    assert len(asked["two"]) == 100
    assert all(pair_held_out(*one.things) for one in asked["two"])


def test_russian_prompts_ask_for_the_same_scenes_with_the_same_seeds() -> None:
    """Otherwise the difference would be the scenes', not the language's."""
    asked = rows()
    for name in ("colour", "setting", "two"):
        again = asked[f"{name}, Russian"]
        assert [(a.things, a.ground, a.seed) for a in again] == [
            (a.things, a.ground, a.seed) for a in asked[name][: len(again)]
        ]
    assert sum(len(row) for name, row in asked.items() if "Russian" in name) == 200


def test_each_thing_is_asked_by_its_name_with_five_seeds() -> None:
    """And a shorter run asks all things once before any of them twice."""
    bare = rows()["bare"]
    assert len(bare) == 5 * len(things())
    assert {one.things[0] for one in bare[: len(things())]} == set(things())


def test_prompts_are_always_the_same() -> None:
    """Nobody chooses them."""
    assert rows(20) == rows(20)
    assert rows()["setting"][:20] == rows(20)["setting"]


def test_a_thing_counts_as_known_with_four_of_five() -> None:
    """80 % of its bare nouns, as the bar says."""
    asked = [Asked("cat", seed, ("cat",), None) for seed in range(5)] + [
        Asked("dog", seed, ("dog",), None) for seed in range(5)
    ]
    seen = [Seen(("cat",), None)] * 4 + [Seen((), None)] + [Seen(("dog",), None)] * 3 + [Seen(("cat",), None)] * 2
    assert [figure.value for figure in figures("bare", asked, seen)] == ["70.0% (7 of 10)", "1 of 2"]


def test_of_two_things_both_and_one_are_counted() -> None:
    """The order does not matter: the prompt does not always say it."""
    asked = [Asked("cat and dog", seed, ("cat", "dog"), None) for seed in range(4)]
    seen = [Seen(("dog", "cat"), "red"), Seen(("cat", "dog"), None), Seen(("cat",), None), Seen((), None)]
    assert [figure.value for figure in figures("two", asked, seen)] == ["50.0% (2 of 4)", "75.0% (3 of 4)"]


def test_russian_is_compared_where_both_were_asked() -> None:
    """The English row is longer than the Russian one."""
    (figure,) = in_russian({"two": [True, True, False], "two, Russian": [True, False]})
    assert (figure.value, figure.met) == ("+50.0 points (2 and 1 of 2)", False)


def test_a_contact_sheet_shows_every_picture(tmp_path: Path) -> None:
    """People look at them to check the judge."""
    pictures = np.zeros((11, 256, 256, 3), dtype=np.uint8)
    asked, seen = [Asked("cat", seed, ("cat",), "red") for seed in range(11)], [Seen(("cat",), "red")] * 11
    contact_sheet(tmp_path / "sheets" / "row.png", pictures, asked, seen)
    with Image.open(tmp_path / "sheets" / "row.png") as sheet:
        assert sheet.size == (10 * 136, 2 * 154)


def test_distortions_keep_a_picture_recognisable_and_repeat_themselves() -> None:
    """A fault that changes half of the picture would test nothing."""
    picture = np.full((256, 256, 3), 230, dtype=np.uint8)
    picture[64:192, 64:192] = (40, 90, 200)
    for kind in DISTORTIONS:
        one, other = (distorted(picture, kind, np.random.default_rng(3)) for _ in range(2))
        assert np.array_equal(one, other)
        assert 0 < np.abs(one.astype(int) - picture).mean() < 40
