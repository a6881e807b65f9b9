"""bot/adapters/telegram/shown.py: what fits, and what calls nobody."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.telegram.shown import CAPTION, MediaKind, keyboard, kind_of, media_of, truncate, units, words
from bot.delivery.cards import Cards
from bot.jobs.job import Draw, Job, Kind, Status
from bot.messages import Address, File, Reply, Stage
from bot.texts import Texts
from engine import Request


def png(width: int = 8, height: int = 8, size: int = 100) -> bytes:
    """As much of a PNG as matters."""
    return (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)).ljust(size, b"\0")


def reply(content: bytes | None = None, **more: Any) -> Reply:
    file = File(name="1.png", content=content, media_type="image/png", alt="") if content else None
    return Reply(**{"text": "“a star”\n#1 · seed 7", "picture": file, **more})


@given(st.text(max_size=20), st.integers(1, 200), st.text(st.characters(exclude_characters="\n"), max_size=30))
def test_a_caption_fits_and_keeps_its_last_line(piece: str, times: int, seed: str) -> None:
    """The prompt is cut, the seed line never; Telegram counts in UTF-16."""
    text = f"{piece * times}\n{seed}"
    short = truncate(text, CAPTION)
    assert units(short) <= CAPTION and short.endswith(seed)
    assert short == text or "…" in short


@pytest.mark.parametrize("prompt", ["x" * 1000, "🎉" * 1000, "й\u0306" * 500])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_longest_prompt_still_shows_its_seed(prompt: str, language: str) -> None:
    """Whatever the card says, in either language."""
    job = Job(
        id=10**9,
        owner="telegram:1",
        language=language,
        address=Address(platform="telegram", chat="1"),
        answers="",
        work=Draw(request=Request(prompt=prompt, seed=2**32 - 1)),
        kind=Kind.IMAGINE,
        parent=None,
        status=Status.DRAWN,
        attempts=0,
        created=0,
        started=0,
        steps=1000,
        seconds=9999,
        width=8,
        height=8,
        failure="",
    )
    caption = media_of(final := Cards(Texts()).final(job, png(), None), kind_of(final)).caption
    assert caption and units(caption) <= CAPTION and str(2**32 - 1) in caption.splitlines()[-1]


def test_a_name_in_a_prompt_calls_nobody() -> None:
    """Telegram makes a mention of every @name, with a ping."""
    assert "@everyone" not in words(reply(text="“@everyone” a@b.c @ x"), 1000)
    assert words(reply(text="“@everyone” a@b.c @ x"), 1000).replace("\u2060", "") == "“@everyone” a@b.c @ x"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(), MediaKind.PHOTO),
        (png(9_000, 1_000), MediaKind.PHOTO),
        (png(9_001, 1_000), MediaKind.DOCUMENT),
        (png(2_001, 100), MediaKind.DOCUMENT),
        (png(size=10_000_001), MediaKind.DOCUMENT),
    ],
)
def test_what_is_no_photo_for_telegram_comes_as_a_file(content: bytes, kind: MediaKind) -> None:
    """10 MB, 10,000 pixels, 20 : 1."""
    assert kind_of(reply(content)) is kind
    assert kind_of(reply(png(), as_file=True)) is MediaKind.DOCUMENT


def test_only_a_finished_picture_offers_its_file() -> None:
    """Beside its other buttons, before Delete."""
    say = Texts().say
    assert keyboard(reply(png(), stage=Stage.NOTE), say) is None
    assert keyboard(reply(), say) is None


@pytest.mark.parametrize("kind", [MediaKind.PHOTO, MediaKind.ANIMATION])
def test_what_is_hidden_is_behind_a_click(kind: MediaKind) -> None:
    """Telegram can do that with photos and animations."""
    file = File(name="1.gif", content=b"GIF89a", media_type="image/gif", alt="")
    more = {"gif": file} if kind is MediaKind.ANIMATION else {}
    assert media_of(reply(png(), hidden=True, **more), kind).to_dict()["has_spoiler"] is True
    assert "has_spoiler" not in media_of(reply(png(), **more), kind).to_dict()
