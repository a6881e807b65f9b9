"""untrusted pictures: type, bytes and pixels are checked before decoding; the result is clean RGB.

Whatever a file carries beside its pixels (place, camera, a second file hidden behind them) ends here: the
picture is decoded and encoded anew.
"""

import io
import re
import struct
import zlib

from PIL import Image, ImageCms, UnidentifiedImageError

from engine.errors import BadPicture
from engine.request import MAX_PICTURE_BYTES

MAX_PIXELS = 25_000_000  # as its header says
MAX_SIDE = 8192  # pixels
MOST_SCANS = 100  # of a JPEG: programs write ten, and each of them costs a walk over all pixels
KEPT_SIDE = 1024  # pixels of the longer side that are kept: more than any model set draws
MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"RIFF": "WEBP"}
BROKEN = (  # what Pillow raises for bad bytes; a header that breaks off is an IndexError of ours
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    zlib.error,
    struct.error,
)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # of a JPEG, those apart that may stand amid the pixels
SCAN, END, LONELY = 0xDA, 0xD9, (0x01, 0xD8)  # the lonely ones are followed by no length
SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # ICC.1:2022, 7.2.6: the colours that a profile is for
ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4: how the camera was held
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def accept(data: bytes) -> bytes:
    """A PNG, JPEG, WebP or GIF (its first frame) as a clean RGB PNG: upright, over white, at most 1024 pixels a side.

    Raises: BadPicture, whose `reason` is kind, bytes, pixels, costly or damaged.
    """
    if len(data) > MAX_PICTURE_BYTES:
        raise BadPicture(f"This file is too large; the most is {MAX_PICTURE_BYTES // 1_000_000} MB.", reason="bytes")
    kind = sniff(data)
    try:
        if size := _size_in_header(data, kind):
            _check_size(*size)
        if kind == "JPEG" and _scans(data) > MOST_SCANS:
            raise too_costly()
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _check_size(*image.size)  # a GIF's frame may be larger than its header says
            return _clean(image)
    except BOMBS as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise _damaged_error() from error
    except BROKEN as error:
        raise _damaged_error() from error


def sniff(data: bytes) -> str:
    """The type of a picture by its first bytes, whatever its name says: PNG, JPEG, WEBP or GIF. Raises BadPicture."""
    if not data:
        raise BadPicture("This file is empty: send the picture again.", reason="damaged")
    kind = next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), None)
    if kind is None or (kind == "WEBP" and data[8:12] != b"WEBP"):
        raise BadPicture("This is not a picture that I can read: send a PNG, JPEG, WebP or GIF.", reason="kind")
    return kind


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels, from the first chunk, which has to be the header (PNG 3rd edition, 5.6)."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _size_in_header(data: bytes, kind: str) -> tuple[int, int] | None:
    """Width and height as the first bytes say. None for JPEG, whose header Pillow reads without decoding."""
    if kind == "PNG":
        return png_size(data)
    if kind == "GIF":
        return struct.unpack("<HH", data[6:10])
    if kind == "WEBP":  # RFC 9649; Pillow would make room for two canvases before it tells the size
        chunk = data[12:16]
        if chunk == b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        if chunk == b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _scans(data: bytes) -> int:
    """How often a JPEG begins a scan (ISO 10918-1, B.1.1), counted without decoding; stops beyond MOST_SCANS."""
    count, at = 0, 0
    while count <= MOST_SCANS and (marker := MARKER.search(data, at)):
        at, code = marker.end(), data[marker.end() - 1]
        if code == END:
            break
        if code not in LONELY:
            at += int.from_bytes(data[at : at + 2], "big")
        count += code == SCAN
    return count


def _check_size(width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if not width or not height:
        raise _damaged_error()


def _clean(image: Image.Image) -> bytes:
    image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))  # a JPEG can be decoded at ½, ¼, ⅛; the others don't listen
    image.load()
    turn = _turn(image)
    picture = _over_white(_in_srgb(image))
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if turn is not None:
        picture = picture.transpose(turn)
    alone, file = Image.new("RGB", picture.size), io.BytesIO()
    alone.paste(picture)  # pixels, and nothing that the file said of itself
    alone.save(file, "PNG")
    return file.getvalue()


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except (*BROKEN, AttributeError):  # the words beside a picture may be broken when the picture is not
        return None


def _in_srgb(image: Image.Image) -> Image.Image:
    """What its ICC profile means by its colours, as sRGB; a profile that is broken or of other colours is ignored."""
    if not (profile := image.info.get("icc_profile")) or image.mode.startswith("I"):
        return image
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = SPACES[meant.profile.xcolor_space]
        if (mode == "L") != (image.mode in ("L", "LA", "1")) or (mode == "CMYK") != (image.mode == "CMYK"):
            return image
        srgb = ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(image.convert(mode), meant, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return image
    if alpha is not None:
        found.putalpha(alpha)
    return found


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel: convert() would cut instead of scaling
        import numpy as np  # takes a third of the seconds of the process that decodes, and few pictures need it

        grey = np.asarray(image)
        clear = image.info.get("transparency")
        kept = grey >> 8 if clear is None else np.where(grey == clear, 255, grey >> 8)
        return Image.fromarray(kept.astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    coloured = image.convert("RGBA")
    white = Image.new("RGB", coloured.size, "white")
    white.paste(coloured, mask=coloured.getchannel("A"))
    return white


def too_costly() -> BadPicture:
    """A picture that was made to keep others waiting, or came out so."""
    return BadPicture(
        "This picture is built so that reading it takes too long: save it as an ordinary JPEG or PNG and send that.",
        reason="costly",
    )


def _too_many_pixels() -> BadPicture:
    most = f"{MAX_SIDE} a side and {MAX_PIXELS // 1_000_000} million in all"
    return BadPicture(f"This picture has too many pixels; the most is {most}.", reason="pixels")


def _damaged_error() -> BadPicture:
    return BadPicture("This picture is damaged or cut short: send the file again.", reason="damaged")
