"""bot/commands.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import commands
from bot.commands import Act, Ban, Forget, Help, Imagine, Pause, Purge, Show, ShowQueue, WhoAmI, parse
from bot.errors import UserError
from bot.messages import Action
from bot.texts import Texts


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/imagine a star", Imagine(prompt="a star")),
        ("a  star\n in the sky", Imagine(prompt="a star in the sky")),
        ("/imagine@imago_bot звезда --seed 7 --steps=50", Imagine(prompt="звезда", options={"seed": 7, "steps": 50})),
        ("--eta 0.5 a star —seed 7", Imagine(prompt="a star", options={"eta": 0.5, "seed": 7})),
        ("fog — a star –guidance-scale 2", Imagine(prompt="fog — a star", options={"guidance_scale": 2.0})),
        ("/cancel", Act(action=Action.CANCEL, job=None)),
        ("/Cancel #12", Act(action=Action.CANCEL, job=12)),
        ("/upscale 12", Act(action=Action.UPSCALE, job=12)),
        ("/settings", Act(action=Action.SETTINGS, job=None)),
        ("/remix 12", Act(action=Action.REMIX, job=12)),
        ("/remix 12\nnew words --seed 1", Imagine(prompt="new words", options={"seed": 1}, parent=12)),
        ("/show 3", Show(job=3)),
        ("/queue", ShowQueue()),
        ("/help", Help()),
        ("/ban #12", Ban(who="#12")),
        ("/ban 12", Ban(who="#12")),
        ("/unban discord:123", Ban(who="discord:123", lift=True)),
        ("/ban <@!123>", Ban(who="123")),
        ("/purge #12", Purge(job=12)),
        ("/pause", Pause()),
        ("/Resume@imago_bot", Pause(lift=True)),
        ("/forget me", Forget()),
        ("/forget Me 1234", Forget(code="1234")),
        ("/whoami", WhoAmI()),
    ],
)
def test_says_what_was_asked(text: str, command: commands.Command) -> None:
    """The same words on every platform."""
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no-prompt"),
        ("/imagine", "no-prompt"),
        ("--seed 7", "no-prompt"),
        ("/paint a star", "unknown-command"),
        ("a star --colour red", "unknown-option"),
        ("a star --seed", "option-value"),
        ("a star --seed x", "option-whole"),
        ("a star --eta x", "option-number"),
        ("/show", "which-job"),
        ("/rerun", "which-job"),
        ("/remix", "which-job"),
        ("/cancel that one", "which-job"),
        ("/ban", "which-person"),
        ("/unban everybody here", "which-person"),
        ("/purge", "which-job"),
        ("/forget", "forget-whom"),
        ("/forget her", "forget-whom"),
        ("/forget me please", "forget-whom"),
    ],
)
def test_refuses_what_makes_no_sense(text: str, sentence: str) -> None:
    """One clear sentence that says what to do."""
    with pytest.raises(UserError) as refused:
        parse(text)
    assert refused.value.text == sentence
    assert Texts().say("ru", refused.value.text, **refused.value.values)


@pytest.mark.parametrize(
    ("prompt", "options", "sentence"),
    [
        ("a star", {"steps": 0}, "option-whole"),
        ("a star", {"eta": float("nan")}, "option-number"),
        ("a star", {"sampler": "euler"}, "option-choice"),
        ("x" * 1001, {}, "prompt-long"),
        (" | ", {}, "no-prompt"),
        ("a star:1000", {}, "prompt-weight"),
        ("a\x00star", {}, "prompt-letters"),
        ("a \ud800 star", {}, "prompt-letters"),
    ],
)
def test_the_engines_refusals_can_be_said_in_any_language(
    prompt: str, options: dict[str, commands.Value], sentence: str
) -> None:
    """The engine speaks English only."""
    with pytest.raises(UserError) as refused:
        commands.request(prompt, options)
    assert refused.value.text == sentence
    assert Texts().say("ru", refused.value.text, **refused.value.values)


def test_the_settings_of_a_job_can_be_typed_again() -> None:
    """What /settings answers draws the same picture."""
    request = commands.request("a star", {"seed": 7, "steps": 50, "guidance_scale": 2.5})
    again = parse(f"/imagine {request.prompt} {commands.spelled(request)}")
    assert isinstance(again, Imagine) and commands.request(again.prompt, again.options) == request


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """People type anything."""
    try:
        command = parse(text)
        if isinstance(command, Imagine):
            commands.request(command.prompt, {"seed": 1, **command.options})
    except UserError as refused:
        assert TEXTS.say("en", refused.text, **refused.values)


TEXTS = Texts()
