"""bot/language/styles.py"""

import pytest

from bot.errors import UserError
from bot.language.options import request
from bot.language.styles import BUILT_IN, Styles, defaults_of, style_of


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_style_makes_a_request(name: str) -> None:
    """Nobody has tried them all."""
    prompt, options = Styles().apply("a star:2", {"style": name, "seed": 1})
    made = request(prompt, options)
    assert made.prompt.startswith("a star:2") and made != request("a star:2", {"seed": 1})


def test_the_styles_of_the_config_win_and_an_empty_one_takes_a_built_in_one_away() -> None:
    """Whoever runs the bot has the last word."""
    styles = Styles({"Ink": "blue ink --cuts 4", "oil": " "})
    assert styles.apply("a star", {"style": "ink"}) == ("a star | blue ink", {"cuts": 4})
    assert "oil" not in styles.names and "pixel" in styles.names and styles.names == sorted(styles.names)


def test_what_is_said_wins_over_the_style() -> None:
    """And without a style nothing is added."""
    styles = Styles({"ink": "--cuts 4 --steps 5"})
    assert styles.apply("a", {"style": "ink", "cuts": 8}) == ("a", {"cuts": 8, "steps": 5})
    assert styles.apply("a", {"cuts": 8}) == styles.apply("a", {"cuts": 8, "style": "none"}) == ("a", {"cuts": 8})


def test_an_unknown_style_is_refused_with_the_nearest() -> None:
    """At its place, where there is a text."""
    with pytest.raises(UserError) as refused:
        Styles().apply("a star", {"style": "inc"}, "a star --style Inc")
    assert refused.value.values["meant"] == "ink" and refused.value.values["where"] == "a star ⟨--style Inc⟩"


def test_a_style_is_made_of_no_other_and_defaults_have_no_words() -> None:
    """Each would lead to surprises."""
    with pytest.raises(UserError, match="style-in-style"):
        style_of("ink --style oil")
    with pytest.raises(UserError, match="only-options"):
        defaults_of("ink --steps 5")
    assert defaults_of("--steps 5 --style ink") == {"steps": 5, "style": "ink"} and defaults_of("") == {}
