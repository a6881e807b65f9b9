"""bot/language/options.py"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import UserError
from bot.language import options
from bot.language.commands import Imagine, parse
from bot.language.options import Value, format_command, mark, nearest, read, read_fields, request
from bot.texts import Texts
from engine import MINUSES
from tests.bench.bot import grammar, near_misses

TEXTS = Texts()


def refusal(text: str) -> UserError:
    """What is wrong with a text."""
    with pytest.raises(UserError) as refused:
        read(text)
    for language in ("en", "ru"):
        assert TEXTS.say(language, refused.value.text, **refused.value.values)
    return refused.value


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("a --seed 7 star", "a star", {"seed": 7}),
        ("--eta=0.5 a star", "a star", {"eta": 0.5}),
        ("a star —seed 7 –guidance-scale 2", "a star", {"seed": 7, "guidance_scale": 2.0}),
        ("a star --Size 256Х384 --STYLE Ink", "a star", {"size": "256x384", "style": "ink"}),
        ('a star --then 40%:"a blue star" now', "a star now", {"then": '40%:"a blue star"'}),
        ("a star —then 40%:“a moon”; 50:«b»", "a star", {"then": '40%:"a moon";50%:"b"'}),
        ("a star --guidance-scale 0:1000,100:500", "a star", {"guidance_scale": "0:1000,100:500"}),
        ("a star --seed 1 --seed 2", "a star", {"seed": 2}),
        ("a star --stop Satisfied --pick 2 --count 3", "a star", {"stop": "satisfied", "pick": 2, "count": 3}),
        (r"how to use \--seed and \\--steps, \—cuts", r"how to use --seed and \--steps, —cuts", {}),
        ("fog — a star - yes -- no", "fog — a star - yes -- no", {}),
        ("a star ―seed 7 −steps 5 -cuts 3", "a star", {"seed": 7, "steps": 5, "cuts": 3}),
        ("a star \u200b--se\u2060ed\u00a07", "a star", {"seed": 7}),
        ("a semi-circle -not- red, x—y", "a semi-circle -not- red, x—y", {}),
    ],
)
def test_options_stand_anywhere_in_the_text(text: str, words: str, found: dict[str, Value]) -> None:
    """And a backslash makes a word of one."""
    assert read(text) == (words, found)


@pytest.mark.parametrize(
    ("text", "sentence", "values"),
    [
        ("a star --sede 7 now", "unknown-option", {"meant": "seed", "where": "a star ⟨--sede⟩ 7 now"}),
        ("a star --guidance 7", "unknown-option", {"meant": "guidance-scale"}),
        ("a star --сид 7", "unknown-option", {"meant": "none", "where": "a star ⟨--сид⟩ 7"}),
        ("a castle —ar 16:9 | fog", "unknown-option", {"where": "a castle ⟨—ar⟩ 16:9 | fog"}),
        ("a castle —no people", "unknown-option", {"where": "a castle ⟨—no⟩ people"}),
        ("a castle —v 5", "unknown-option", {}),
        ("a castle —sede 7", "unknown-option", {"meant": "seed"}),
        ("a castle –sede 7", "unknown-option", {"meant": "seed"}),
        ("a castle --seed＝7", "option-value", {}),
        ("a star --seed", "option-value", {"where": "a star ⟨--seed⟩", "example": "7"}),
        ("a star --seed= 7", "option-value", {}),
        ("a star --steps many", "option-whole", {"where": "a star ⟨--steps many⟩", "low": "1", "high": "1000"}),
        ("a star --steps=0", "option-whole", {"where": "a star ⟨--steps=0⟩"}),
        ("a star --eta nan", "option-number", {}),
        ("a star --init 1", "option-number", {"low": "0.01", "high": "0.99"}),
        ("a star --cuts 0:1,50:2.5", "option-ramp", {}),
        ("a star --guidance-scale 50:1,0:2", "option-ramp", {}),
        ("a star --size 256", "option-size", {"where": "a star ⟨--size 256⟩"}),
        ("a star --then 40%:blue", "option-then", {"where": "a star ⟨--then 40%:blue⟩"}),
        ("a star --widths 5x10", "option-widths", {"where": "a star ⟨--widths 5x10⟩"}),
        ("a star --sampler dim", "option-choice", {"meant": "ddim", "options": "ddim, ddpm, dpmpp-3m-sde"}),
        ("a star --symmetry diagonal", "option-choice", {"name": "symmetry"}),
        ("a star --pick 5", "option-whole", {}),
    ],
)
def test_a_mistake_is_answered_with_what_was_meant_at_its_place(
    text: str, sentence: str, values: dict[str, str]
) -> None:
    """Nobody should have to look it up."""
    error = refusal(text)
    assert error.text == sentence
    assert {name: error.values[name] for name in values} == values


@pytest.mark.parametrize(
    ("prompt", "chosen", "sentence"),
    [
        ("a star", {"steps": 0}, "option-whole"),
        ("a star", {"eta": float("nan")}, "option-number"),
        ("a star", {"sampler": "euler"}, "option-choice"),
        ("a star", {"pick": 3, "count": 2}, "option-whole"),
        ("x" * 1001, {}, "prompt-long"),
        (" | ", {}, "no-prompt"),
        ("a star:1000", {}, "prompt-weight"),
        ("a\x00star", {}, "prompt-letters"),
        ("a \ud800 star", {}, "prompt-letters"),
    ],
)
def test_the_engines_refusals_can_be_said_in_any_language(prompt: str, chosen: dict[str, Value], sentence: str) -> None:
    """The engine speaks English only."""
    with pytest.raises(UserError) as refused:
        request(prompt, chosen)
    assert refused.value.text == sentence
    assert TEXTS.say("ru", refused.value.text, **refused.value.values)


def test_a_weight_that_is_none_is_shown_at_its_place() -> None:
    """Among many parts nobody finds it alone."""
    for text in (
        "a castle:2 |⟨ fog:-500 ⟩| a star",
        "a castle ｜⟨ star::2 fog::1⟩",
        "⟨fog:2%⟩",
        "a | b |⟨ star:2 red:1⟩",
    ):
        with pytest.raises(UserError) as refused:
            request(text.replace("⟨", "").replace("⟩", ""), {})
        assert refused.value.values["where"] == text


def test_a_place_is_shown_with_a_little_around_it() -> None:
    """On one line, whatever stood there."""
    text = "x" * 50 + "\n--sede \x00 " + "y" * 50
    assert mark(text, 51, 57) == "…" + "x" * 23 + " ⟨--sede⟩ " + "y" * 21 + "…"
    assert len(mark("z" * 500, 0, 500)) < 70


def test_what_is_far_from_everything_means_nothing() -> None:
    """A wrong guess is worse than none."""
    assert nearest("wings", options.NAMES) == "none" and nearest("stebs", options.NAMES) == "steps"


def test_the_command_of_a_request_tells_what_differs_from_the_defaults() -> None:
    """And always the seed and the models."""
    made = request("a star", {"seed": 7, "steps": 50, "guidance_scale": 2.5})
    assert format_command(made) == "/imagine a star --seed 7 --models picturebook --steps 50 --guidance-scale 2.5"
    assert format_command(request("say --seed", {})) == r"/imagine say \--seed --seed 0 --models picturebook"


@settings(max_examples=300, deadline=None)
@given(st.integers(0))
def test_text_to_request_to_text_to_request_is_the_identity(seed: int) -> None:
    """What /settings answers draws the same picture, whatever it was."""
    asked = grammar.generated(random.Random(seed))
    text = format_command(asked)
    assert grammar.read(text) == asked and format_command(grammar.read(text)) == text


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """People type anything."""
    try:
        command = parse(text)
        if isinstance(command, Imagine):
            made = request(command.prompt, {"seed": 1, **command.options, "models": "toybox"})
            assert grammar.read(format_command(made)) == made
    except UserError as refused:
        assert TEXTS.say("en", refused.text, **refused.values)


def test_in_a_form_changes_need_no_quotation_marks() -> None:
    """Nothing but the changes stands there; a text needs them to know where they end."""
    for said in ("40%: a blue star at 12:30;70:+ a moon", '40%:"a blue star at 12:30";70:«+ a moon»'):
        assert read_fields({"then": said}) == {"then": '40%:"a blue star at 12:30";70%:"+ a moon"'}


def test_pieces_of_the_language_put_together_anyhow_break_nothing() -> None:
    """`python -m tests.bench.bot.grammar` in short; the whole is run by hand."""
    assert grammar.crashes(2000, seed=7) == []
    assert grammar.round_trips(300, seed=7) == 300


def test_look_alikes_never_silently_mean_another_thing() -> None:
    """`python -m tests.bench.bot.near_misses` in short."""
    outcomes, other = near_misses.tried(1500, seed=3)
    assert other == [] and outcomes["the same meaning"] > 500


def test_the_same_request_said_in_a_slash_command_a_message_and_on_the_page_is_the_same() -> None:
    """One grammar for all."""
    assert grammar.unlike(20, seed=7) == []


@pytest.mark.parametrize("sign", MINUSES)
def test_whatever_looks_like_a_minus_takes_words_away(sign: str) -> None:
    """Keyboards write it in many ways, and a weight may be written with any of them."""
    assert options.read_change(f"{sign} star") == "- star"
