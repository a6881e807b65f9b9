"""fits files to what a platform takes by a size ladder: PNG → WebP → JPEG; GIF with fewer frames, smaller, or not."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageSequence

from bot.messages import File

SMALLER = 4  # how much less a refused file becomes at once
REQUEST = 25 * 1024 * 1024 - 64 * 1024  # bytes allowed per request, minus room for text


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The files that fit, and whether something was left out."""

    picture: File | None
    gif: File | None
    left_out: bool  # the GIF or, where the limit is tiny, the picture


NOTHING = Fitted(picture=None, gif=None, left_out=False)


def fit(picture: File | None, gif: File | None, limit: int) -> Fitted:
    """The best versions within `limit` bytes per file; slow when something is too large."""
    fitted = next((p for p in _pictures(picture) if len(p.content) <= limit), None) if picture else None
    room = min(limit, REQUEST - (len(fitted.content) if fitted else 0))
    moving = next((g for g in _gifs(gif) if len(g.content) <= room), None) if gif else None
    left_out = (picture is not None and fitted is None) or (gif is not None and moving is None)
    return Fitted(picture=fitted, gif=moving, left_out=left_out)


def shrink(picture: File, limit: int) -> File | None:
    """As a JPEG of at most `limit` bytes; None where that shows nothing any more. Slow."""
    with Image.open(io.BytesIO(picture.content)) as opened:
        image = opened.convert("RGB")
    return next((smaller for smaller in _jpegs(picture, image) if len(smaller.content) <= limit), None)


def size_of(picture: File) -> tuple[int, int]:
    """Width and height in pixels, of any kind of picture."""
    with Image.open(io.BytesIO(picture.content)) as opened:
        return opened.size


def _pictures(picture: File) -> Iterator[File]:
    """The same picture in ever fewer bytes."""
    yield picture
    with Image.open(io.BytesIO(picture.content)) as opened:
        image = opened.convert("RGB")
    yield _encode(picture, image, "webp", lossless=True)
    for quality in (92, 80):
        yield _encode(picture, image, "webp", quality=quality)
    yield from _jpegs(picture, image)


def _jpegs(picture: File, image: Image.Image) -> Iterator[File]:
    """As the kind that every platform takes, in ever fewer pixels."""
    while min(image.size) >= 32:
        yield _encode(picture, image, "jpeg", quality=80)
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def _gifs(gif: File) -> Iterator[File]:
    """The same animation with fewer frames, then smaller."""
    yield gif
    with Image.open(io.BytesIO(gif.content)) as opened:
        duration = opened.info.get("duration", 100)
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(opened)]
    for every, part in ((2, 1), (4, 1), (4, 2), (4, 4)):
        chosen = [*frames[:-1][::every], frames[-1]]  # the last frame is the finished picture
        small = [frame.resize((frame.width // part or 1, frame.height // part or 1)) for frame in chosen]
        out = io.BytesIO()
        small[0].save(out, "GIF", save_all=True, append_images=small[1:], duration=duration * every, loop=0)
        yield File(name=gif.name, content=out.getvalue(), media_type=gif.media_type, alt=gif.alt)


def _encode(picture: File, image: Image.Image, kind: str, **options: int | bool) -> File:
    out = io.BytesIO()
    image.save(out, kind, **options)
    name = f"{picture.name.rpartition('.')[0]}.{'jpg' if kind == 'jpeg' else kind}"
    return File(name=name, content=out.getvalue(), media_type=f"image/{kind}", alt=picture.alt)
