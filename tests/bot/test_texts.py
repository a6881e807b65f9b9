"""bot/texts: every sentence in both languages."""

import ast
import re
from importlib import resources
from pathlib import Path
from string import Template

import pytest

from bot.delivery.cards import OF_SEVERAL
from bot.jobs.job import Kind
from bot.messages import Action
from bot.texts import LANGUAGES, Texts, sentences

BOT = Path(__file__).parents[2] / "bot"


def variables(language: str) -> dict[str, set[str]]:
    """The variables of each sentence."""
    text = (resources.files("bot.texts") / f"{language}.ftl").read_text(encoding="utf-8")
    blocks = re.findall(r"^([a-z][\w-]*) =(.*(?:\n[ }].*|\n(?=\n*[ }]))*)", text, re.MULTILINE)
    return {name: set(re.findall(r"\$(\w+)", body)) for name, body in blocks}


def test_both_languages_have_every_sentence_with_the_same_variables() -> None:
    """Nobody should meet a sentence that is not there."""
    assert variables("en") == variables("ru")
    assert set(variables("en")) == sentences("en") == sentences("ru")


def test_every_sentence_is_used_and_every_use_exists() -> None:
    """A sentence nobody says is dead weight; a name that is not there fails only when it is said."""
    strings = {
        node.value
        for path in BOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    pages = [Template(path.read_text(encoding="utf-8")) for path in BOT.glob("adapters/web/static/*.html")]
    made = {f"page-{word.replace('_', '-')}" for page in pages for word in page.get_identifiers()}
    made |= {f"button-{action}" for action in Action} | {f"descent-{kind}" for kind in Kind}
    made |= {f"button-{action}-one" for action in OF_SEVERAL}
    made |= {f"picture-{reason}" for reason in ("kind", "bytes", "pixels", "costly", "damaged")}
    made |= {f"steer-{outcome}" for outcome in ("held", "late", "overtaken", "full", "unfit", "missed")}
    made |= {f"{string}-about" for string in strings if string.startswith("discord-")}
    assert sentences("en") - strings - made == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_said(language: str) -> None:
    """Fluent finds some mistakes only when it puts the words together."""
    texts = Texts()
    for name, used in variables(language).items():
        assert texts.say(language, name, **{variable: 3 for variable in used})


@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 шаг "), (2, "2 шага "), (5, "5 шагов "), (11, "11 шагов "), (21, "21 шаг ")]
)
def test_russian_has_its_plurals(count: int, said: str) -> None:
    """один шаг, два шага, пять шагов."""
    assert said in Texts().say("ru", "final", prompt="", job="1", seed="1", steps=count, time="") + " "


@pytest.mark.parametrize(
    ("language", "running", "said"),
    [
        ("en", 1, "1 picture is waiting, one is being drawn."),
        ("en", 3, "1 picture is waiting, 3 are being drawn."),
        ("ru", 1, "Ждёт 1 картинка, одна рисуется."),
        ("ru", 2, "Ждёт 1 картинка, 2 рисуются."),
        ("ru", 21, "Ждёт 1 картинка, 21 рисуется."),
    ],
)
def test_the_queue_tells_how_many_are_drawn(language: str, running: int, said: str) -> None:
    """“One” was said of any number."""
    assert Texts().say(language, "queue", waiting=1, running=running) == said


def test_an_unknown_language_gets_the_fallback() -> None:
    """The config says which."""
    assert Texts("ru").say("de-DE", "button-delete") == "Удалить"
    assert Texts().say("ru-RU", "button-delete") == "Удалить"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "unknown"),
        (0, "about 1 second"),
        (40.2, "about 41 seconds"),
        (200, "about 3 minutes"),
        (5400, "about 2 hours"),
        (5399, "about 90 minutes"),
    ],
)
def test_a_wait_is_said_as_people_say_it(seconds: float | None, said: str) -> None:
    """Nobody wants to know of 5,399 seconds."""
    assert Texts().duration("en", seconds) == said
