"""what strangers sent and what went wrong then, made anew by code: prompts, pictures, files of text, secrets."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bot.config import load
from bot.errors import UserError
from bot.language.commands import Imagine, parse
from engine import BadPicture, accept_picture_apart
from engine.prompts import parse_prompt
from tests.bench.bot.pictures import chunk, picture, saved
from tests.engine.test_images import read_png
from tests.engine.test_intake import scan_bomb


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a star | red:−1", [("a star", 1), ("red", -1)]),
        ("a star | red:–1", [("a star", 1), ("red", -1)]),
        ("a star | red：-1", [("a star", 1), ("red", -1)]),
        ("a star ｜ red:-1", [("a star", 1), ("red", -1)]),
        ("звезда:1,5 | туман:0,5", [("звезда", 1.5), ("туман", 0.5)]),
        ("a clock that shows 23:59 | fog", [("a clock that shows 23:59", 1), ("fog", 1)]),
        ("a poster in 16:9", [("a poster in 16:9", 1)]),
    ],
)
def test_what_looks_like_a_weight_is_one_and_what_is_a_time_is_not(text: str, parts: list[tuple[str, float]]) -> None:
    """Through the chat's own grammar: with and without the command."""
    for typed in (text, f"/imagine {text}"):
        command = parse(typed)
        assert isinstance(command, Imagine)
        assert [(part.text, part.weight) for part in parse_prompt(command.prompt)] == parts


@pytest.mark.parametrize("dash", ["--", "—", "–", "―", "−"])
@pytest.mark.parametrize("words", ["ar 16:9 | fog", "no people", "v 5", "sede 7"])
def test_an_option_of_another_bot_is_told_behind_every_dash(dash: str, words: str) -> None:
    """Phones make one of two hyphens; what stood behind it was drawn as words."""
    with pytest.raises(UserError) as refused:
        parse(f"a castle {dash}{words}")
    assert refused.value.text == "unknown-option" and f"{dash}{words.split()[0]}" in str(refused.value.values["where"])


def s15(*numbers: float) -> bytes:
    """As an ICC profile writes numbers (ICC.1:2010, 4.6)."""
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def prophoto() -> bytes:
    """sRGB's profile with the primaries and the curve of ProPhoto (ROMM) RGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    xyz = {b"rXYZ": (0.7977, 0.2880, 0), b"gXYZ": (0.1352, 0.7119, 0), b"bXYZ": (0.0313, 0.0001, 0.8249)}
    for at in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12):
        tag, offset = bytes(profile[at : at + 4]), struct.unpack(">I", profile[at + 4 : at + 8])[0]
        if tag in xyz:
            profile[offset + 8 : offset + 20] = s15(*xyz[tag])
        elif tag.endswith(b"TRC"):  # parametric, type 3: ((a·x + b)^g above d, c·x below)
            profile[offset + 12 : offset + 32] = s15(1.8, 1, 0, 1 / 16, 1 / 32)
    return bytes(profile)


async def test_red_in_prophoto_stays_red() -> None:
    """It came out brown, (179, 70, 26): that is how ProPhoto writes it."""
    brown = Image.new("RGB", (8, 8), (179, 70, 26))
    red = read_png(await accept_picture_apart(saved(brown, "PNG", icc_profile=prophoto())))[0][4, 4]
    assert abs(red.astype(int) - (255, 0, 0)).max() <= 6


async def test_16_bit_grey_that_is_clear_is_put_on_white() -> None:
    """As every other picture with transparency; through the process that decodes."""
    grey = np.full((4, 4), 0x8000, dtype=np.uint16)
    grey[0, 0] = 0x1234
    plain = saved(Image.fromarray(grey), "PNG")
    cut = plain.index(b"IDAT") - 4
    seen = read_png(await accept_picture_apart(plain[:cut] + chunk(b"tRNS", b"\x12\x34") + plain[cut:]))[0]
    assert (seen[0, 0] == 255).all() and (seen[1:] == 0x80).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (scan_bomb(5000), "costly"),
        (b"", "damaged"),
        (b"hello", "kind"),
        (saved(picture(), "PNG")[:60], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + zlib.compress(bytes(99)), "damaged"),
    ],
)
async def test_what_is_no_picture_or_a_trap_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    """At once, and in a process of its own."""
    with pytest.raises(BadPicture) as refused:
        await accept_picture_apart(data)
    assert refused.value.reason == reason


def test_a_config_with_a_mark_and_a_secret_with_a_line_feed_are_read(tmp_path: Path) -> None:
    """Notepad writes the one and `cat` the other."""
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbf[bot]\r\nlanguage = "ru"\r\n')
    token = "123456:AAexampleTOKENexampleTOKENexample00"
    loaded = load(path, {"IMAGO_TELEGRAM_TOKEN": f"{token}\n"})
    assert (loaded.bot.language, loaded.telegram.token.value) == ("ru", token)
