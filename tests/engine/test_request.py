"""every knob's bounds, and the one line a request is stored as."""

import json
import math
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadRequest
from engine.prompts import BARS, COLONS
from engine.request import BOUNDS, CHOICES, MAX_PROMPT, RAMPS, WHOLE, Inputs, Request, read_option, size_of


def knob(name: str) -> st.SearchStrategy[object]:
    low, high = BOUNDS[name]
    values = st.integers(int(low), int(high)) if name in WHOLE else st.floats(low, high)
    if name in RAMPS:
        points = st.dictionaries(st.decimals(0, 100, places=2), values, min_size=1, max_size=16)
        places = 0 if name in WHOLE else 6
        values = values | points.map(
            lambda found: ",".join(f"{at}:{value:.{places}f}" for at, value in sorted(found.items()))
        )
    return values if name in ("seed", "count") else st.none() | values


PROMPTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=BARS + COLONS), min_size=1, max_size=80
)
REQUESTS = st.fixed_dictionaries(
    {"prompt": PROMPTS.filter(str.strip)},
    optional={
        "models": st.text(max_size=20),
        "size": st.none() | st.builds("{}x{}".format, st.integers(1, 4096), st.integers(1, 4096)),
        **{name: st.sampled_from([None, *choices]) for name, choices in CHOICES.items()},
        **{name: knob(name) for name in BOUNDS},
    },
).filter(lambda v: (v.get("pick") or 1) <= v.get("count", 1))


def refusal(**values: object) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        Request(**{"prompt": "a red star", **values})  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")
    return caught.value


@given(REQUESTS)
def test_a_request_comes_back_from_its_line_of_json(values: dict[str, object]) -> None:
    """Jobs lie in the database and in the picture's metadata as this line."""
    request = Request(**values)  # type: ignore[arg-type]
    line = request.to_json()
    assert "\n" not in line
    assert Request.from_json(line) == request


def test_the_line_holds_only_what_was_chosen() -> None:
    """A default that improves later improves old requests too."""
    assert json.loads(Request(prompt="λ", steps=50).to_json()) == {"prompt": "λ", "steps": 50}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "3",
        "{",
        "{}",
        '"a red star"',
        '{"prompt": "a", "color": 1}',
        '{"steps": 3}',
        "\ud800",
        pytest.param("[" * 100_000, id="deep nesting"),
    ],
)
def test_a_foreign_line_is_refused(line: str) -> None:
    """Metadata can be edited by anybody."""
    with pytest.raises(BadRequest, match="not a request that this version of Imago wrote") as caught:
        Request.from_json(line)
    assert caught.value.field == "request"


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([f.name for f in fields(Request)]), inner)
        ),
    ).map(json.dumps)
)
def test_any_line_is_read_or_refused(line: str) -> None:
    """No text from outside may end as a traceback."""
    try:
        assert isinstance(Request.from_json(line), Request)
    except BadRequest as error:
        assert error.field


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_at_its_bounds_is_taken_and_beyond_them_refused_by_name(name: str) -> None:
    """The sentence names the knob and its range, so that the person can mend it."""
    low, high = (int(bound) if bound == int(bound) else bound for bound in BOUNDS[name])
    others = {"count": 4} if name == "pick" else {}
    for value in (low, high):
        assert getattr(Request(prompt="a red star", **{name: value}, **others), name) == value  # type: ignore[arg-type]
    for wrong in (low - 1, high + 1):
        error = refusal(**{name: wrong}, **others)
        assert error.field == name
        assert name in str(error) and f"from {low} to {high}" in str(error)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("wrong", ["7", True, math.nan, math.inf, -math.inf, [1], 1 + 1j])
def test_what_is_not_a_number_is_refused_by_name(name: str, wrong: object) -> None:
    """Values arrive from chat options and JSON, where types are anybody's guess."""
    assert refusal(**{name: wrong}).field == name


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_half_a_step_is_refused(name: str) -> None:
    """Seeds, steps and cuts are counted."""
    assert "a whole number" in str(refusal(**{name: 1.5}))


@pytest.mark.parametrize("name", ["seed", "count"])
def test_the_seed_and_the_count_must_be_there(name: str) -> None:
    """Without them the picture could not be drawn again."""
    assert refusal(**{name: None}).field == name


@pytest.mark.parametrize(
    ("values", "field", "word"),
    [
        ({"prompt": ""}, "prompt", "empty"),
        ({"prompt": "a" * (MAX_PROMPT + 1)}, "prompt", f"has {MAX_PROMPT + 1} characters"),
        ({"prompt": "a\x00b"}, "prompt", "characters that are not text"),
        ({"prompt": "a\ud800"}, "prompt", "characters that are not text"),
        ({"prompt": "fog:1e9"}, "prompt", "weight of “fog”"),
        ({"prompt": 3}, "prompt", "must be text"),
        ({"models": 3}, "models", "picturebook"),
        ({"sampler": "euler"}, "sampler", "ddim, ddpm"),
        ({"sampler": ["ddim"]}, "sampler", "ddim, ddpm"),
        ({"symmetry": "round"}, "symmetry", "horizontal, vertical, both"),
        ({"start": "dots"}, "start", "noise, perlin"),
        ({"stop": "bored"}, "stop", "satisfied"),
        ({"size": "256"}, "size", "for example 256x384"),
        ({"size": "0x64"}, "size", "from 1 to 4096"),
        ({"size": "64x4097"}, "size", "from 1 to 4096"),
        ({"size": 64}, "size", "width x height"),
        ({"pick": 2}, "pick", "the count, which is 1"),
        ({"guidance_scale": "0:1000,50"}, "guidance_scale", "guidance_scale cannot be read at “50”"),
        ({"guidance_scale": "1000"}, "guidance_scale", "must be a number"),
        ({"tv_scale": "50:1,50:2"}, "tv_scale", "percents that rise"),
        ({"cuts": "0:8,100:0"}, "cuts", "from 1 to 256"),
        ({"cuts": "0:8,100:1.5"}, "cuts", "a whole number"),
        ({"eta": "0:1,100:0"}, "eta", "must be a number"),
    ],
)
def test_words_that_cannot_be_drawn_are_refused_by_name(values: dict[str, object], field: str, word: str) -> None:
    """Each refusal says what to do instead."""
    error = refusal(**values)
    assert error.field == field and word in str(error)


@given(st.text(max_size=MAX_PROMPT + 5))
def test_any_prompt_is_taken_or_refused(prompt: str) -> None:
    """Prompts come from strangers."""
    try:
        assert Request(prompt=prompt).prompt == prompt
    except BadRequest as error:
        assert error.field == "prompt"


def test_a_request_cannot_be_changed() -> None:
    """What was checked is what is drawn."""
    with pytest.raises(FrozenInstanceError):
        Request(prompt="a red star").seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"size": " 256×384"}, "256x384"),
        ({"size": "256х384"}, "256x384"),
        ({"size": "0064X64"}, "64x64"),
        ({"guidance_scale": " 0:1000.0, 50.50:5 "}, "0:1000,50.5:5"),
        ({"cuts": "10:8"}, "10:8"),
    ],
)
def test_what_is_written_in_several_ways_is_kept_in_one(asked: dict[str, str], kept: str) -> None:
    """The same picture asked for by different people is the same Request."""
    ((name, text),) = asked.items()
    assert getattr(Request(prompt="a red star", **{name: text}), name) == kept  # type: ignore[arg-type]


def test_a_size_is_two_numbers() -> None:
    assert size_of("256x384") == (256, 384)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("seed", "7", 7),
        ("guidance_scale", "7.5", 7.5),
        ("guidance_scale", "0:7,100:0", "0:7,100:0"),
        ("cuts", "8", 8),
        ("cuts", "0:8,100:4", "0:8,100:4"),
        ("size", "64x64", "64x64"),
        ("stop", "satisfied", "satisfied"),
    ],
)
def test_an_option_as_typed_becomes_the_value_that_a_request_takes(name: str, text: str, value: object) -> None:
    """The same for every face."""
    assert read_option(name, text) == value


@pytest.mark.parametrize(("name", "text"), [("seed", "7.5"), ("eta", "x"), ("eta", "0:1"), ("cuts", "many")])
def test_an_option_that_is_no_number_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(BadRequest, match=name) as caught:
        read_option(name, text)
    assert caught.value.field == name


def test_inputs_are_few_and_their_weights_bounded() -> None:
    assert not Inputs() and Inputs(init=b"x") and Inputs(targets=((b"x", -1.0),))
    for targets in (((b"x", 101.0),), ((b"x", math.nan),), ((b"x", 1.0),) * 5):
        with pytest.raises(BadRequest) as caught:
            Inputs(targets=targets)
        assert caught.value.field == "target"


def test_widths_are_kept_in_one_spelling() -> None:
    """As `inspect` says them; the Cyrillic letter will do."""
    assert Request(prompt="a star", widths=" 1x30, 8х70").widths == "1x30,8x70"
    for text in ("", "5x10", "1x0", "1x30,", "8", "1x99999", ",".join(["1x1"] * 4001)):
        with pytest.raises(BadRequest, match="widths cannot be read: write width x steps"):
            Request(prompt="a star", widths=text)
