"""the line under a picture that says what was understood, what is offered instead, and the list of words."""

import pytest

from bot.adapters.discord.controls import body
from bot.adapters.files import NOTHING
from bot.adapters.telegram.shown import keyboard
from bot.adapters.web.conversations import body_of
from bot.delivery.cards import Cards
from bot.jobs.job import Draw, Job
from bot.language.understood import line, list_names, offers, suggestions_for
from bot.messages import Action
from bot.texts import Texts
from engine import Named, Request, vocabulary
from tests.bot.test_cards import job as some_job

TEXTS = Texts()


def job(prompt: str, **more: object) -> Job:
    return some_job(work=Draw(request=Request(prompt=prompt, models="toybox")), **more)


@pytest.mark.parametrize(
    ("language", "prompt", "said"),
    [
        ("en", "a red cat on blue", "red ✓ · cat ✓ · blue ✓"),
        ("en", "kitten", "kitten → cat ✓"),
        ("ru", "kitten", "kitten → кошка ✓"),
        ("ru", "красная кошка", "красный ✓ · кошка ✓"),
        ("en", "cyberpunk cat", "cyberpunk ✗ · cat ✓"),
        ("en", "please draw a beautiful star", "star ✓"),
        ("en", "love, democracy, " + "x" * 90, "love → heart ✓ · democracy ✗ · " + "x" * 23 + "… ✗"),
    ],
)
def test_the_line_names_each_word_and_whether_it_is_drawn(language: str, prompt: str, said: str) -> None:
    """A person sees at a glance why the picture is what it is."""
    assert line(TEXTS.say, language, "toybox", prompt) == said


def test_the_line_is_bounded() -> None:
    """A prompt has up to a thousand characters, a caption on Telegram has as many."""
    said = line(TEXTS.say, "en", "toybox", "zork " * 200)
    assert said.count("zork") == 8 and "…" in said


def test_where_nothing_is_understood_it_is_said_and_three_things_are_offered() -> None:
    """One tap leads to something that the models can draw."""
    card = Cards(TEXTS).final(job("quantum democracy"), b"png", None)
    buttons = [button for button in card.buttons if button.action is Action.OFFER]
    assert "I do not know any of these words: quantum ✗ · democracy ✗" in card.text
    names = offers("toybox", buttons[0].job, "en")
    assert [button.picture for button in buttons] == [1, 2, 3] and len(set(names)) == 3
    assert [button.label for button in buttons] == [f"Draw {name}" for name in names]
    assert all(line(TEXTS.say, "en", "toybox", name) == f"{name} ✓" for name in names)


@pytest.mark.parametrize("pictures", [1, 4])
async def test_what_is_offered_is_one_tap_away_on_every_platform(pictures: int) -> None:
    """On the page, Discord and Telegram alike, and under several pictures too."""
    request = Request(prompt="quantum democracy", models="toybox", count=pictures)
    asked = some_job(work=Draw(request=request), language="ru")
    card = Cards(TEXTS).final(asked, b"png", None)
    offered = [f"Нарисовать: {name}" for name in offers("toybox", asked.id, "ru")]
    page = [str(button["label"]) for button in body_of(card)["buttons"] if button["action"] == "offer"]
    keys = keyboard(card, TEXTS.say)
    assert keys is not None
    telegram = [key.text for row in keys.inline_keyboard for key in row if str(key.callback_data).startswith("offer:")]
    message = body(card, NOTHING).payload
    parts = [part for row in (message or {})["components"] for part in row["components"]]
    discord = [str(part["label"]) for part in parts if "offer" in str(part["custom_id"])]
    assert page == telegram == discord == offered


def test_where_something_is_understood_nothing_is_offered() -> None:
    """Buttons that nobody needs are in the way."""
    card = Cards(TEXTS).final(job("a red cat"), b"png", None)
    assert card.text.splitlines()[1] == "red ✓ · cat ✓"
    assert Action.OFFER not in {button.action for button in card.buttons}


def test_sets_that_know_any_word_say_nothing() -> None:
    """A list of words would be a lie there."""
    assert line(TEXTS.say, "en", "imagenet256", "quantum democracy") == ""
    assert suggestions_for("imagenet256", "quantum democracy", 1, "en") == ()
    assert list_names("imagenet256", "", "en") == []


def test_a_set_that_is_gone_says_nothing() -> None:
    """A job outlives the model set that drew it."""
    assert line(TEXTS.say, "en", "gone", "cat") == "" and offers("gone", 1, "en") == ()


def test_the_list_has_groups_and_a_search() -> None:
    """What can you draw? By name, by group, and by a word that means one of the things."""
    everything = dict(list_names("toybox", "", "ru"))
    assert "кошка" in everything["things"] and "красный" in everything["colour"]
    assert [name for _, names in list_names("toybox", "kitten", "en") for name in names] == ["cat"]
    assert [name for _, names in list_names("toybox", "ёлка", "en") for name in names] == ["tree"]
    assert [group for group, _ in list_names("toybox", "shapes", "en")] == ["shapes"]
    assert list_names("toybox", "democracy", "en") == []


def test_everything_on_the_list_has_both_names() -> None:
    """The door gives them, for pages as well."""
    assert all(isinstance(each, Named) and each.en and each.ru for each in vocabulary("toybox"))
