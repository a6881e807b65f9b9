"""tensor ↔ PNG and GIF with metadata: the same pixels give the same bytes, without time or place."""

import hashlib
import io
import struct
import warnings
import zlib

import numpy as np
import torch
from imageio.v3 import imopen
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from engine.errors import BadPicture, NumericalError
from engine.pictures.xmp import KEY, xmp_packet

MAX_PIXELS = 50_000_000  # of a PNG that we read
GIF_COLOURS = 128  # of a frame that passes by; in grain more would only cost bytes
GIF_LONGEST = 50  # hundredths of a second for one frame but the last
BROKEN = (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error)  # what Pillow raises for bad bytes


def to_uint8(x: Tensor) -> np.ndarray:
    """Picture [3, h, w] in −1 … 1, clamped and rounded, as pixels [h, w, 3] in 0 … 255.

    Raises: NumericalError for NaN or infinity.
    """
    if not torch.isfinite(x).all():
        raise NumericalError(
            "The drawing left the numbers that a picture can have. Try another seed or a lower guidance scale."
        )
    pixels = (x.detach().float().clamp(-1, 1) + 1) * 127.5
    return pixels.round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()


def to_tensor(pixels: np.ndarray) -> Tensor:
    """The way back: pixels [h, w, 3] in 0 … 255 as float32 [3, h, w] in −1 … 1."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous() / 127.5 - 1


def crop_to_fit(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a picture [h, w, 3] uint8, as large as its new shape allows, resized with Lanczos."""
    return np.array(ImageOps.fit(Image.fromarray(pixels), (width, height), Image.Resampling.LANCZOS))


def pixels_sha256(pixels: np.ndarray) -> str:
    """SHA-256 of the RGB bytes, row by row, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def to_png(pixels: np.ndarray, metadata: dict[str, str]) -> bytes:
    """PNG of pixels [h, w, 3] uint8, with a text chunk for each entry, and all of it again as XMP.

    Args:
        metadata: keywords of 1 … 79 Latin-1 characters (PNG 3rd edition, 11.3.3) and their texts.
    """
    chunks = PngInfo()
    for key, value in metadata.items():
        chunks.add_text(key, value) if value.isascii() else chunks.add_itxt(key, value)
    chunks.add_itxt(KEY, xmp_packet(metadata))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=chunks, compress_level=6)
    return file.getvalue()


def read_png(content: bytes) -> tuple[np.ndarray, dict[str, str]]:
    """Pixels [h, w, 3] uint8 and the text chunks of a PNG; what is transparent becomes white.

    Raises: BadPicture.
    """
    try:
        image = _open_png(content)
        image.load()
        metadata = {str(key): str(value) for key, value in image.text.items() if key != KEY}
        if image.mode.startswith("I"):
            raise BadPicture("This PNG has 16 bits a pixel; save it with 8 bits a colour.")
        return _over_white(image), metadata
    except BROKEN as error:
        raise BadPicture("This PNG is damaged or cut short; send the file again.") from error


def _open_png(content: bytes) -> Image.Image:
    """The header only: the size is known before any pixel is decoded."""
    too_large = f"This picture is too large; the most is {MAX_PIXELS // 1_000_000} million pixels."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=["PNG"])
    except Image.UnidentifiedImageError as error:
        raise BadPicture("This is not a PNG file; send a PNG picture.") from error
    except Image.DecompressionBombError as error:
        raise BadPicture(too_large) from error
    if image.width * image.height > MAX_PIXELS:
        raise BadPicture(too_large)
    return image


def _over_white(image: Image.Image) -> np.ndarray:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def to_gif(frames: list[np.ndarray], *, seconds: float = 8.0, hold: float = 2.0) -> bytes:
    """Endless animation of at least one frame [h, w, 3] uint8, all of one size, each with its own palette.

    Args:
        seconds: of one round; fewer frames than fill it make it shorter.
        hold: seconds of these that the last frame stays.
    """
    each = round(100 * (seconds - hold) / max(1, len(frames) - 1))
    times = [10 * min(GIF_LONGEST, max(2, each))] * (len(frames) - 1) + [round(1000 * hold)]  # milliseconds
    with imopen("<bytes>", "w", extension=".gif", plugin="pillow") as writer:
        # With palettes already: those that it makes itself, by median cut, take five times as long for all frames.
        writer.images_to_write.extend(map(_with_palette, frames[:-1]))
        # The last frame's is one of these, which keep flat colours exact.
        gif: bytes = writer.write(frames[-1], duration=times if len(times) > 1 else times[0], loop=0)
    return gif


def _with_palette(frame: np.ndarray) -> Image.Image:
    return Image.fromarray(frame).quantize(GIF_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
