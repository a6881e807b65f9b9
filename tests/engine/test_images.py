"""tests of engine.pictures.images."""

import io
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from engine.errors import BadPicture, NumericalError
from engine.pictures.images import pixels_sha256, read_png, to_gif, to_png, to_tensor, to_uint8


def grain(side: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side + 4, 3), dtype=np.uint8)


def flat(colour: tuple[int, int, int], side: int = 16) -> np.ndarray:
    return np.full((side, side, 3), colour, dtype=np.uint8)


def text_chunk(content: bytes, kind: bytes, body: bytes) -> bytes:
    """`content` with one more chunk before its end."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return content[:-12] + chunk + content[-12:]


def test_pixels_survive_the_way_to_the_range_of_networks_and_back() -> None:
    """Upscaling a finished picture starts from its file."""
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    x = to_tensor(pixels)
    assert x.shape == (3, 16, 16) and x.min() == -1 and x.max() == 1
    assert np.array_equal(to_uint8(x), pixels)


def test_values_are_clamped_and_rounded() -> None:
    """A network's output may leave −1 … 1; truncating would darken everything by half a step."""
    x = torch.tensor([-3.0, -1.0, 0.0, 0.999, 3.0])[None, None].expand(3, 1, 5)
    assert to_uint8(x)[0, :, 0].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_is_no_picture(bad: float) -> None:
    """Casting NaN to uint8 gives black pixels that pretend to be a drawing."""
    x = torch.zeros(3, 4, 4)
    x[1, 2, 3] = bad
    with pytest.raises(NumericalError, match="another seed"):
        to_uint8(x)


def test_the_same_pixels_give_the_same_png() -> None:
    """Two runs of one seed are compared by their bytes."""
    assert to_png(grain(), {"Seed": "1"}) == to_png(grain(), {"Seed": "1"})
    assert b"tIME" not in to_png(grain(), {})


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(["Prompt", "Seed", "Imago"]),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200),
    )
)
def test_any_text_comes_back_from_the_metadata(metadata: dict[str, str]) -> None:
    """`imago inspect` prints the prompt as it was typed, in any script."""
    pixels, read = read_png(to_png(grain(4), metadata))
    assert read == metadata
    assert np.array_equal(pixels, grain(4))


def test_the_picture_says_that_a_model_made_it() -> None:
    """IPTC's mark is read by platforms and search engines."""
    with Image.open(io.BytesIO(to_png(grain(), {}))) as image:
        packet = ElementTree.fromstring(image.info["xmp"])
    [mark] = packet.iter("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert list(mark.attrib.values()) == ["http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"]


def test_every_cut_of_a_png_is_refused() -> None:
    """A download that stopped half-way must not become a half-grey picture."""
    content = to_png(grain(), {"Prompt": "звезда"})
    for length in range(8, len(content) - 20):  # the last 20 bytes hold checksums and the end mark, no pixels
        with pytest.raises(BadPicture):
            read_png(content[:length])


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(40)])
def test_other_bytes_are_refused(content: bytes) -> None:
    """Anything may come over a chat."""
    with pytest.raises(BadPicture, match="PNG"):
        read_png(content)


@pytest.mark.parametrize("side", [7_100, 40_000])
def test_a_huge_picture_is_refused_before_it_is_decoded(side: int) -> None:
    """A few bytes can unpack to gigabytes; 40,000 pixels a side is also over Pillow's own limit."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    content = bytearray(to_png(flat((1, 2, 3)), {}))
    content[16:33] = header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(BadPicture, match="50 million"):
        read_png(bytes(content))


def test_a_text_bomb_is_refused() -> None:
    """Compressed text unpacks to any size."""
    bomb = text_chunk(to_png(grain(), {}), b"zTXt", b"Prompt\0\0" + zlib.compress(bytes(2_000_000)))
    with pytest.raises(BadPicture):
        read_png(bomb)


def test_transparent_and_grey_pictures_become_rgb() -> None:
    """Pictures of other programs come in other modes; dropping alpha would show hidden colours."""
    for image, expected in [
        (Image.new("RGBA", (2, 2), (255, 0, 0, 0)), 255),
        (Image.new("L", (2, 2), 7), 7),
        (Image.new("1", (2, 2), 1), 255),
        (Image.new("P", (2, 2), 0), 0),
    ]:
        file = io.BytesIO()
        image.save(file, "PNG")
        assert (read_png(file.getvalue())[0] == np.full((2, 2, 3), expected)).all()


def test_sixteen_bits_are_refused() -> None:
    """Pillow would clip all but the darkest greys to white."""
    file = io.BytesIO()
    Image.fromarray(np.full((2, 2), 30_000, dtype=np.uint16)).save(file, "PNG")
    with pytest.raises(BadPicture, match="8 bits"):
        read_png(file.getvalue())


def test_the_hash_is_of_the_pixels_alone() -> None:
    """Metadata and memory layout differ between equal pictures."""
    pixels = grain()
    assert (
        pixels_sha256(pixels)
        == pixels_sha256(np.asfortranarray(pixels))
        == pixels_sha256(read_png(to_png(pixels, {"Seed": "2"}))[0])
    )
    assert pixels_sha256(pixels) != pixels_sha256(grain(seed=1))


def read_gif(content: bytes) -> tuple[list[np.ndarray], list[int]]:
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["loop"] == 0
        read = [(np.array(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]
    frames, times = zip(*read, strict=True)
    return list(frames), list(times)


def test_the_animation_lasts_about_eight_seconds_and_holds_its_end() -> None:
    """The finished picture must be seen before it starts again."""
    frames, times = read_gif(to_gif([grain(seed=k) for k in range(50)]))
    assert len(frames) == 50
    assert times[-1] == 2000
    assert 7000 <= sum(times) <= 9000


def test_few_frames_do_not_creep() -> None:
    """A drawing of three steps is a short animation, not a slow one."""
    assert read_gif(to_gif([grain(seed=k) for k in range(3)]))[1] == [500, 500, 2000]
    assert read_gif(to_gif([grain()]))[0][0].shape == (16, 20, 3)


def test_the_last_frame_keeps_its_flat_colours() -> None:
    """It is looked at for two seconds, beside the PNG."""
    picture = flat((214, 40, 40))
    picture[4:9, 4:9] = (40, 90, 200)
    frames, _ = read_gif(to_gif([grain()[:, :16], flat((9, 120, 30)), picture]))
    assert np.array_equal(frames[-1], picture)
    assert np.abs(frames[1].astype(int) - flat((9, 120, 30))).max() <= 8


def test_an_animation_of_noise_stays_small_and_comes_out_the_same() -> None:
    """Chats limit uploads; noise at first and a flat drawing at the end is what a drawing looks like."""
    side, rng = 256, np.random.default_rng(0)
    end = np.where(np.add.outer(np.arange(side), np.arange(side))[..., None] > side, (214, 40, 40), (245, 245, 245))
    noise = rng.normal(128, 50, (side // 4, side // 4, 3)).repeat(4, 0).repeat(4, 1)
    frames = [np.clip(noise + (end - noise) * k / 49, 0, 255).astype(np.uint8) for k in range(50)]
    content = to_gif(frames)
    assert len(content) < 2_000_000
    assert content == to_gif(frames)
