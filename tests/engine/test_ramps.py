"""engine/ramps.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ramps import MAX_POINTS, parse_ramp


@pytest.mark.parametrize(("percent", "value"), [(0, 1000), (25, 750), (50, 500), (75, 250), (100, 0)])
def test_between_two_points_the_value_lies_on_their_line(percent: float, value: float) -> None:
    assert parse_ramp("0:1000,50:500,100:0").at(percent) == value


@pytest.mark.parametrize(("percent", "value"), [(0, 5), (20, 5), (50, 6), (80, 7), (100, 7)])
def test_outside_its_points_a_ramp_stays_what_it_is_there(percent: float, value: float) -> None:
    assert parse_ramp("20:5,80:7").at(percent) == value


def test_one_point_is_the_same_value_throughout() -> None:
    assert {parse_ramp("40:3").at(percent) for percent in (0, 40, 41, 100)} == {3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "0:",
        ":1",
        "0:1,",
        "0:1;1:2",
        "1e2:1",
        "0:-1",
        "0:nan",
        "0:__import__('os')",
        "0:1,0:2",
        "50:1,40:2",
        "101:1",
        "0:1:2",
        "0:12345678",
        "0:0.1234567",
        "٣:1",
        ",".join(f"{n}:1" for n in range(MAX_POINTS + 1)),
    ],
)
def test_what_the_grammar_does_not_say_is_refused(text: str) -> None:
    """Text from strangers is never run."""
    with pytest.raises(ValueError, match="points|rise"):
        parse_ramp(text)


POINTS = st.dictionaries(st.decimals(0, 100, places=3), st.decimals(0, 100_000, places=6), min_size=1, max_size=16)


@given(POINTS)
def test_the_canonical_text_is_read_as_the_same_ramp(points: dict[object, object]) -> None:
    ramp = parse_ramp(" , ".join(f"{at} : {value}" for at, value in sorted(points.items())))  # type: ignore[type-var]
    assert parse_ramp(str(ramp)) == ramp and str(parse_ramp(str(ramp))) == str(ramp)


@given(st.text(st.sampled_from("0123456789.,: e-"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        ramp = parse_ramp(text)
    except ValueError:
        return
    assert parse_ramp(str(ramp)) == ramp
