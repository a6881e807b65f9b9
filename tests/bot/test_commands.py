"""bot/language/commands.py"""

import pytest

from bot.errors import UserError
from bot.language import commands
from bot.language.commands import Act, Ban, Forget, Help, Imagine, Pause, Purge, Show, ShowQueue, WhoAmI, parse
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
        ("/vary 12", Act(action=Action.VARY, job=12)),
        ("/vary 12 2", Act(action=Action.VARY, job=12, picture=2)),
        ("/vary 12 0.3", Act(action=Action.VARY, job=12, strength=0.3)),
        ("/vary #12 4 .25", Act(action=Action.VARY, job=12, picture=4, strength=0.25)),
        ("/pick 12 1", Act(action=Action.PICK, job=12, picture=1)),
        ("/upscale 12 3", Act(action=Action.UPSCALE, job=12, picture=3)),
        ("/settings 12 3", Act(action=Action.SETTINGS, job=12, picture=3)),
        ("/show 3", Show(job=3)),
        ("/queue", ShowQueue()),
        ("/help", Help()),
        ("/help more", Help(more=True)),
        ("/помощь ещё", Help(more=True)),
        ("/start from_a_link", Help()),
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
        ("/remix", "which-job"),
        ("/cancel that one", "which-job"),
        ("/ban", "which-person"),
        ("/unban everybody here", "which-person"),
        ("/purge", "which-job"),
        ("/forget", "forget-whom"),
        ("/forget her", "forget-whom"),
        ("/forget me please", "forget-whom"),
        ("/vary 12 5", "which-of-several"),
        ("/vary 12 1.5", "which-of-several"),
        ("/vary 12 2 0.3 more", "which-of-several"),
        ("/upscale 12 0.3", "which-of-several"),
        ("/pick 12", "which-of-several"),
        ("/vari 12", "unknown-command"),
    ],
)
def test_refuses_what_makes_no_sense(text: str, sentence: str) -> None:
    """One clear sentence that says what to do."""
    with pytest.raises(UserError) as refused:
        parse(text)
    assert refused.value.text == sentence
    assert Texts().say("ru", refused.value.text, **refused.value.values)
