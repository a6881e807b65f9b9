"""bot/messages.py: which reaction means which action, and what may be a picture."""

import pytest

from bot.messages import REACTIONS, Action, File, may_be_picture, plain_emoji


@pytest.mark.parametrize("tone", ["", *"🏻🏼🏽🏾🏿", "\ufe0f", "🏽\ufe0f"])
def test_an_emoji_is_the_same_in_every_skin(tone: str) -> None:
    """Phones remember a colour, and a thumb of it did nothing."""
    assert REACTIONS[plain_emoji(f"👎{tone}")] is Action.DELETE


@pytest.mark.parametrize("emoji", REACTIONS)
def test_every_emoji_is_its_own_plain_form(emoji: str) -> None:
    """Else it would never be found."""
    assert plain_emoji(emoji) == emoji


@pytest.mark.parametrize(
    ("kind", "name", "may"),
    [
        ("image/avif", "a", True),
        (None, "a", True),
        ("application/octet-stream", "a.bin", True),
        ("text/plain", "A.PNG", True),
        ("text/plain", "a.txt", False),
        ("video/mp4", "film", False),
    ],
)
def test_a_type_that_is_missing_or_wrong_hides_no_picture(kind: str | None, name: str, may: bool) -> None:
    """What it is its bytes say; only what is plainly none is left alone."""
    assert may_be_picture(kind, name) is may


@pytest.mark.parametrize("name", ["12.png", "12.2.png", "12-40.png", "12.gif"])
def test_a_file_names_its_job(name: str) -> None:
    """For a sentence about a picture that could not be shown."""
    assert File(name=name, content=b"", media_type="image/png", alt="").job == "12"
