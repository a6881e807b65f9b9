"""`python -m tests.bench.bot.pictures`: malformed pictures, each accepted clean or refused with a sentence."""

import io
import json
import random
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image, PngImagePlugin

import engine
from tests.bench.engine.report import peak_memory

ACCEPTED = "accepted"
PNG = b"\x89PNG\r\n\x1a\n"
Expected = str | tuple[str, ...]  # `accepted`, or the reason of the refusal


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    """An image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Something to look at: a gradient."""
    return Image.linear_gradient("L").resize(size).convert(mode)


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *, depth: int = 8, colour: int = 2, data: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG that says what it is told to say."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """Zeros, deflated: a thousandth of their length."""
    return zlib.compress(bytes(count), 9)


def webp(width: int, height: int) -> bytes:
    """A WebP whose header promises a canvas, with nothing on it."""
    head = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(head) + 4) + b"WEBP" + head


def gif_with_a_huge_frame() -> bytes:
    """Its screen is 10 × 10, its frame 60,000 × 60,000."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\x00;"


def animated(kind: str) -> bytes:
    """Three frames, the first one red."""
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def held(orientation: int, kind: str = "JPEG") -> bytes:
    """A picture that says how the camera was held, and where."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Camera of Ann, at home"
    return saved(picture(size=(60, 30)), kind, exif=exif)


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG whose header says another size."""
    data = bytearray(saved(picture(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def text_bomb() -> bytes:
    """Compressed text chunks of a megabyte of zeros each, two hundred of them."""
    return png(8, 8, data=zlib.compress(bytes(8 * 25)), extra=chunk(b"zTXt", b"a\0\0" + zeros(1_000_000)) * 200)


def noise(count: int) -> bytes:
    """The same noise each time."""
    return random.Random(7).randbytes(count)


def damaged(data: bytes, times: int) -> bytes:
    """Some bytes turned over, behind the header."""
    rng, broken = random.Random(times), bytearray(data)
    for _ in range(times):
        broken[rng.randrange(40, len(broken))] ^= 0xFF
    return bytes(broken)


def with_palette(transparent: bool) -> bytes:
    """16 colours, one of them transparent."""
    return saved(picture().quantize(16), "PNG", **({"transparency": 0} if transparent else {}))


# Each with what has to come of it.
PICTURES: dict[str, tuple[Callable[[], bytes], Expected]] = {
    "PNG": (lambda: saved(picture(), "PNG"), ACCEPTED),
    "JPEG": (lambda: saved(picture(), "JPEG"), ACCEPTED),
    "JPEG, progressive": (lambda: saved(picture(size=(2000, 1500)), "JPEG", progressive=True), ACCEPTED),
    "JPEG, CMYK": (lambda: saved(picture("CMYK"), "JPEG"), ACCEPTED),
    "JPEG, grey": (lambda: saved(picture("L"), "JPEG"), ACCEPTED),
    "JPEG with EXIF, turned": (lambda: held(6), ACCEPTED),
    "PNG with EXIF, mirrored": (lambda: held(5, "PNG"), ACCEPTED),
    "JPEG with broken EXIF": (
        lambda: held(6).replace(b"Exif\0\0MM", b"Exif\0\0XX").replace(b"Exif\0\0II", b"Exif\0\0XX"),
        ACCEPTED,
    ),
    "WebP, lossless": (lambda: saved(picture(), "WEBP", lossless=True), ACCEPTED),
    "WebP, animated": (lambda: animated("WEBP"), ACCEPTED),
    "GIF, animated": (lambda: animated("GIF"), ACCEPTED),
    "PNG, animated": (lambda: animated("PNG"), ACCEPTED),
    "PNG, 16-bit grey": (
        lambda: png(16, 16, depth=16, colour=0, data=zlib.compress(noise(16 * 33))),
        (ACCEPTED, "damaged"),
    ),
    "PNG, 16-bit grey, sound": (lambda: saved(picture("I;16"), "PNG"), ACCEPTED),
    "PNG, 16-bit colour with alpha": (lambda: png(16, 16, depth=16, colour=6, data=zeros(16 * 129)), ACCEPTED),
    "PNG, 1 bit": (lambda: saved(picture("1"), "PNG"), ACCEPTED),
    "PNG, palette": (lambda: with_palette(False), ACCEPTED),
    "PNG, palette with transparency": (lambda: with_palette(True), ACCEPTED),
    "PNG, grey with alpha": (lambda: saved(picture("LA"), "PNG"), ACCEPTED),
    "PNG, largest allowed": (lambda: png(8192, 3051, colour=6, data=zeros(3051 * (1 + 4 * 8192))), ACCEPTED),
    "JPEG, largest allowed": (lambda: saved(picture(size=(5000, 5000)), "JPEG", quality=30), ACCEPTED),
    "WebP, largest allowed": (lambda: saved(picture(size=(5000, 5000)), "WEBP", quality=10), ACCEPTED),
    "GIF, largest allowed": (lambda: saved(Image.new("P", (5000, 5000)), "GIF"), ACCEPTED),
    "one pixel": (lambda: saved(Image.new("RGB", (1, 1)), "PNG"), ACCEPTED),
    "one row of 8192 pixels": (lambda: saved(Image.new("RGB", (8192, 1)), "PNG"), ACCEPTED),
    "PNG and ZIP in one": (lambda: saved(picture(), "PNG") + b"PK\x03\x04 secret", ACCEPTED),
    "JPEG and script in one": (lambda: saved(picture(), "JPEG", comment=b"<script>alert(1)</script>"), ACCEPTED),
    "GIF and script in one": (lambda: b"GIF89a/*" + b"=1;alert(1)//" * 20, ("damaged", "pixels")),
    "decompression bomb, PNG 50,000²": (lambda: png(50_000, 50_000, data=zeros(10_000_000)), "pixels"),
    "decompression bomb in text": (text_bomb, (ACCEPTED, "damaged")),
    "decompression bomb, JPEG 65,000²": (lambda: jpeg_of_size(65_000, 65_000), "pixels"),
    "decompression bomb, WebP 16,383²": (lambda: webp(16_383, 16_383), "pixels"),
    "decompression bomb, GIF frame": (gif_with_a_huge_frame, "pixels"),
    "PNG without pixels": (lambda: png(0, 0), "damaged"),
    "PNG with less data than it says": (lambda: png(500, 500, data=zeros(1000)), "damaged"),
    "PNG, cut": (lambda: saved(picture(size=(300, 300)), "PNG")[:200], "damaged"),
    "JPEG, cut": (lambda: saved(picture(size=(300, 300)), "JPEG")[:700], "damaged"),
    "WebP, cut": (lambda: saved(picture(size=(300, 300)), "WEBP")[:100], "damaged"),
    "GIF, cut": (lambda: saved(picture("P", (300, 300)), "GIF")[:400], "damaged"),
    "PNG, header alone": (lambda: PNG, "damaged"),
    "WebP, header alone": (lambda: b"RIFF\x04\0\0\0WEBP", "damaged"),
    "PNG, bytes turned over": (lambda: damaged(saved(picture(size=(300, 300)), "PNG"), 30), (ACCEPTED, "damaged")),
    "JPEG, bytes turned over": (lambda: damaged(saved(picture(), "JPEG"), 60), (ACCEPTED, "damaged")),
    "JPEG of another size than it says": (lambda: jpeg_of_size(4000, 4000), (ACCEPTED, "damaged")),
    "noise behind a JPEG's first bytes": (lambda: b"\xff\xd8\xff" + noise(5000), "damaged"),
    "SVG": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "kind"),
    "TIFF": (lambda: saved(picture(), "TIFF"), "kind"),
    "BMP": (lambda: saved(picture(), "BMP"), "kind"),
    "EPS": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (r) file\n", "kind"),
    "WAV, which is RIFF too": (lambda: b"RIFF\x24\0\0\0WAVEfmt ", "kind"),
    "nothing": (lambda: b"", "damaged"),
    "21 MB": (lambda: saved(picture(), "PNG") + bytes(21_000_000), "bytes"),
}


def outcome(data: bytes) -> str:
    """What comes of a picture: accepted, or the reason; what is accepted must be clean and what is refused told."""
    try:
        clean = engine.accept_picture(data)
    except engine.BadPicture as error:
        assert str(error).endswith((".", "!")) and "\n" not in str(error), "no sentence"
        return error.reason
    with Image.open(io.BytesIO(clean)) as image:
        assert isinstance(image, PngImagePlugin.PngImageFile) and image.mode == "RGB" and max(image.size) <= 1024
        image.load()
        assert not image.text and not image.getexif() and not image.info.get("icc_profile"), "something was kept"
    return ACCEPTED


def try_all(names: list[str]) -> dict[str, Any]:
    """The pictures one after the other in this process: what came of each, and the most memory that it took."""
    unlike, told, began = [], {}, time.monotonic()
    for name in names:
        make, expected = PICTURES[name]
        told[name] = outcome(make())
        if told[name] not in ((expected,) if isinstance(expected, str) else expected):
            unlike.append(name)
    return {"outcomes": told, "unlike": unlike, "peak_mb": peak_memory() / 2**20, "seconds": time.monotonic() - began}


def main() -> None:
    """A process of its own for each picture, so that the memory of each is known."""
    base = _measured([])["peak_mb"]
    results = {name: _measured([name]) for name in PICTURES}
    for name, result in results.items():
        print(f"{name:40} {result['outcomes'][name]:10} {result['peak_mb'] - base:6.0f} MB {result['seconds']:5.2f} s")
    unlike = [name for name, result in results.items() if result["unlike"]]
    told = [result["outcomes"][name] for name, result in results.items()]
    worst = max(results.values(), key=lambda result: result["peak_mb"])
    print(
        f"{len(told)} pictures: {told.count(ACCEPTED)} accepted, {len(told) - told.count(ACCEPTED)} refused with a "
        f"sentence; otherwise than they should: {unlike or 'none'}; at most {worst['peak_mb'] - base:.0f} MB "
        f"above the {base:.0f} MB of a process that does nothing"
    )
    sys.exit(bool(unlike))


def _measured(names: list[str]) -> Any:
    code = f"import json; from tests.bench.bot import pictures; print(json.dumps(pictures.try_all({names!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
