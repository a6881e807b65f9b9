"""text with weights: what is split, what is kept, what is refused."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.prompts import BARS, COLONS, MAX_WEIGHT, Part, normalise, parse_prompt

WORDS = st.text(st.characters(exclude_characters=BARS + COLONS, exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    str.strip
)
WEIGHTS = st.floats(-MAX_WEIGHT, MAX_WEIGHT)


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a castle", [("a castle", 1)]),
        ("a castle:2", [("a castle", 2)]),
        ("a castle:2 | fog:-0.5", [("a castle", 2), ("fog", -0.5)]),
        ("  a castle : 2 |", [("a castle", 2)]),
        ("https://example.org/cat.png", [("https://example.org/cat.png", 1)]),
        ("https://example.org/cat.png:3", [("https://example.org/cat.png", 3)]),
        ("at 12:30 o'clock", [("at 12:30 o'clock", 1)]),
        ("ratio 16:9:2", [("ratio 16:9", 2)]),
        ("λ:1e1", [("λ", 10)]),
        (":2", [(":2", 1)]),
        ("a star | red:−1", [("a star", 1), ("red", -1)]),
        ("a star | red:–1", [("a star", 1), ("red", -1)]),
        ("a star | red: ➖ 1", [("a star", 1), ("red", -1)]),
        ("a star | red：-1", [("a star", 1), ("red", -1)]),
        ("a star ｜ red∶－１", [("a star", 1), ("red", -1)]),
        ("a star | red:\u200b\u20602", [("a star", 1), ("red", 2)]),
        ("звезда:1,5 | туман:0,5", [("звезда", 1.5), ("туман", 0.5)]),
        ("نجمة:٢٫٥", [("نجمة", 2.5)]),
        ("star:²", [("star", 2)]),
        ("a clock that shows 23:59 | fog", [("a clock that shows 23:59", 1), ("fog", 1)]),
        ("23:59:30", [("23:59:30", 1)]),
        ("a poster in 16:9", [("a poster in 16:9", 1)]),
        ("a poster in 16：9", [("a poster in 16：9", 1)]),
        ("a poster in 16:9 :2", [("a poster in 16:9", 2)]),
        ("the year 1984 :2", [("the year 1984", 2)]),
        ("the year 1984:-1", [("the year 1984", -1)]),
        ("love: Infinity | his name: Nan", [("love: Infinity", 1), ("his name: Nan", 1)]),
        ("std::vector", [("std::vector", 1)]),
        ("красная звезда:0.5|синий фон", [("красная звезда", 0.5), ("синий фон", 1)]),
    ],
)
def test_a_weight_follows_the_last_colon(prompt: str, parts: list[tuple[str, float]]) -> None:
    """As in the notebooks, but a colon that is part of the text stays part of the text."""
    assert parse_prompt(prompt) == [Part(text, weight) for text, weight in parts]


@pytest.mark.parametrize("prompt", ["", "   ", "|", " | \n| "])
def test_an_empty_prompt_is_refused_with_an_example(prompt: str) -> None:
    """The person learns what to type, not what was wrong with the parser."""
    with pytest.raises(ValueError, match="The prompt is empty: say what to draw, for example"):
        parse_prompt(prompt)


@pytest.mark.parametrize(
    "weight", ["101", "-100.5", "1e999", "−101", "1,500", "2%", "2 🎉", "1.2.3", "--1", "1-2", "½", "1O", "2;"]
)
def test_a_weight_out_of_range_is_refused_with_the_part_it_belongs_to(weight: str) -> None:
    """An infinite pull would end as a picture of NaN hours later."""
    with pytest.raises(ValueError, match="weight of “fog” must be a number from −100 to 100"):
        parse_prompt(f"a castle | fog:{weight}")


@pytest.mark.parametrize("prompt", ["star::2 fog::1", "star::2", "hot:: dog", "hot:: | dog", "star:2 fog:1", "a：：1"])
def test_weights_as_other_programs_write_them_are_refused(prompt: str) -> None:
    """They were drawn as words, with the weights in them."""
    with pytest.raises(ValueError, match="It is not clear what weighs what"):
        parse_prompt(prompt)


@given(st.lists(st.tuples(WORDS, WEIGHTS), min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(parts: list[tuple[str, float]]) -> None:
    """Texts lose only the spaces around them, weights nothing."""
    prompt = " | ".join(f"{text}:{weight!r}" for text, weight in parts)
    assert parse_prompt(prompt) == [Part(text.strip(), weight) for text, weight in parts]


@given(st.text())
def test_any_text_is_parsed_or_refused_with_a_sentence(prompt: str) -> None:
    """Prompts come from strangers."""
    try:
        parts = parse_prompt(prompt)
    except ValueError as error:
        assert str(error).startswith(("The ", "It is not clear ")) and str(error).endswith((".", "”."))
    else:
        assert parts and all(part.text.strip() == part.text != "" for part in parts)
        assert all(abs(part.weight) <= MAX_WEIGHT for part in parts)


@given(st.lists(WEIGHTS, min_size=1, max_size=5))
def test_normalised_weights_sum_to_plus_or_minus_one(weights: list[float]) -> None:
    """The pull of a prompt does not depend on how many parts it is written in."""
    assume(abs(sum(weights)) >= 1e-3)
    total = sum(part.weight for part in normalise([Part("a", weight) for weight in weights]))
    assert math.isclose(total, math.copysign(1, sum(weights)), rel_tol=1e-6)


@pytest.mark.parametrize(
    ("weights", "expected"), [((1, -1), (0.5, -0.5)), ((0,), (0,)), ((2, -1, -1), (0.5, -0.25, -0.25))]
)
def test_weights_that_cancel_out_still_pull(weights: tuple[float, ...], expected: tuple[float, ...]) -> None:
    """The notebooks stop with an error when weights sum to zero."""
    assert tuple(part.weight for part in normalise([Part("a", weight) for weight in weights])) == expected
