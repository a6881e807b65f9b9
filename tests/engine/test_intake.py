"""engine/pictures/intake.py: pictures from outside."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

import engine
from engine import BadPicture
from engine.pictures import intake
from tests.bench.bot import pictures

PEAK = 600  # MB of a process that takes hostile pictures
SLOW = {"WebP, largest allowed", "GIF, largest allowed", "JPEG, largest allowed"}


def pixels(data: bytes) -> np.ndarray:
    """The accepted picture, [h, w, 3]."""
    with Image.open(io.BytesIO(engine.accept_picture(data))) as image:
        return np.array(image)


def test_hostile_pictures_are_accepted_clean_or_refused_in_flat_memory() -> None:
    """`python -m tests.bench.bot.pictures` in one process, without the three that take seconds."""
    result = pictures._measured([name for name in pictures.PICTURES if name not in SLOW])
    assert result["unlike"] == [] and len(result["outcomes"]) >= 40
    assert result["peak_mb"] < PEAK


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_the_pixels_stay_as_they_are(kind: str) -> None:
    """A picture that is small enough is not touched."""
    image = Image.effect_noise((40, 30), 50).convert("RGB").quantize(64).convert("RGB")
    data = pictures.saved(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert (pixels(data) == np.array(image)).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_the_camera_was_held(kind: str, orientation: int) -> None:
    """A phone writes the pixels as the sensor lies, and the turn beside them."""
    size = (60, 30) if orientation < 5 else (30, 60)
    turned = pixels(pictures.held(orientation, kind))
    assert turned.shape == (size[1], size[0], 3)
    dark_corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    top = turned.astype(int).sum(axis=2)
    bright = {(0, 0): top[0, 0], (0, -1): top[0, -1], (-1, 0): top[-1, 0], (-1, -1): top[-1, -1]}
    assert bright[dark_corner[orientation]] <= min(bright.values()) + 12


def test_what_is_transparent_becomes_white() -> None:
    """Most pictures with transparency are made to be looked at on white."""
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.putpixel((0, 0), (255, 0, 0, 255))
    seen = pixels(pictures.saved(image, "PNG"))
    assert tuple(seen[0, 0]) == (255, 0, 0) and (seen[1:] == 255).all()


def test_16_bits_are_scaled_and_not_cut() -> None:
    """Half-bright stays half-bright."""
    image = Image.fromarray(np.full((4, 4), 0x8000, dtype=np.uint16))
    assert (pixels(pictures.saved(image, "PNG")) == 0x80).all()


def test_the_first_frame_of_an_animation_is_the_picture() -> None:
    """Nobody draws from a film."""
    for kind in ("GIF", "PNG"):
        assert tuple(pixels(pictures.animated(kind))[0, 0]) == (255, 0, 0)
    assert pixels(pictures.animated("WEBP"))[0, 0, 0] > 240


def test_a_large_picture_is_scaled_down() -> None:
    """No model set draws more."""
    assert pixels(pictures.saved(pictures.picture(size=(3000, 1500)), "PNG")).shape == (512, 1024, 3)
    assert pixels(pictures.saved(Image.new("RGB", (8192, 1)), "PNG")).shape == (1, 1024, 3)


def test_one_pixel_more_than_allowed_is_refused_by_its_header() -> None:
    """There is nothing behind these headers: no pixel was asked for."""
    for width, height in ((8193, 1), (1, 8193), (5001, 5000)):
        with pytest.raises(BadPicture) as refused:
            engine.accept_picture(pictures.png(width, height))
        assert refused.value.reason == "pixels"


def test_grey_of_16_bits_is_put_on_white_where_it_is_clear() -> None:
    """As every other picture with transparency."""
    grey = np.full((4, 4), 0x8000, dtype=np.uint16)
    grey[0, 0] = 0x1234
    plain = pictures.saved(Image.fromarray(grey), "PNG")
    cut = plain.index(b"IDAT") - 4
    seen = pixels(plain[:cut] + pictures.chunk(b"tRNS", b"\x12\x34") + plain[cut:])
    assert (seen[0, 0] == 255).all() and (seen[1:] == 0x80).all()


def scan_bomb(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = pictures.saved(pictures.picture(), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def test_a_jpeg_of_thousands_of_scans_is_refused_without_decoding() -> None:
    """100 kB of them took ten seconds, 20 MB an hour; while that went on nobody was answered."""
    with pytest.raises(BadPicture) as refused:
        engine.accept_picture(scan_bomb(5000))
    assert refused.value.reason == "costly"


@pytest.mark.parametrize("how", [{"progressive": True}, {"optimize": True}, {"exif": b"Exif\0\0" + b"\xff\xda" * 200}])
def test_an_ordinary_jpeg_has_few_scans(how: dict[str, Any]) -> None:
    """What only looks like the beginning of a scan, in what a camera says of itself, is none."""
    assert intake._scans(pictures.saved(pictures.picture(), "JPEG", **how)) in (1, 6, 10)


def turned_profile() -> bytes:
    """sRGB with red and green exchanged."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = content.index(b"rXYZ"), content.index(b"gXYZ")
    content[red : red + 4], content[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(content)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_a_profile_is_obeyed_and_dropped(kind: str, mode: str) -> None:
    """ProPhoto's red came out brown."""
    red = Image.new("RGB", (8, 8), (255, 0, 0)).convert("RGB" if kind == "JPEG" else mode)
    how: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    seen = pixels(pictures.saved(red, kind, icc_profile=turned_profile(), **how))[4, 4].astype(int)
    assert abs(seen - (0, 255, 0)).max() <= 3


@pytest.mark.parametrize("profile", [b"nonsense", turned_profile()[:200], b"\xff" * 3000])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_profile_that_is_broken_or_of_other_colours_is_ignored(profile: bytes, mode: str) -> None:
    image = Image.new("RGB", (8, 8), "white").convert(mode)
    assert (pixels(pictures.saved(image, "JPEG", icc_profile=profile)) >= 253).all()
    grey = Image.new("L", (8, 8), 200)
    assert (abs(pixels(pictures.saved(grey, "JPEG", icc_profile=turned_profile())).astype(int) - 200) <= 2).all()


def test_a_file_without_a_byte_is_damaged() -> None:
    """It was a picture before it was cut short."""
    with pytest.raises(BadPicture, match="empty") as refused:
        intake.accept(b"")
    assert refused.value.reason == "damaged"
