"""engine/process/decoding.py: pictures decoded in a process that can be killed."""

import pytest
from PIL import Image

from engine import BadPicture, accept_picture, accept_picture_apart
from engine.process.decoding import _environment, accept_apart
from tests.bench.bot import pictures
from tests.engine.test_intake import scan_bomb


async def test_a_picture_is_the_same_as_in_this_process() -> None:
    picture = pictures.saved(pictures.picture(), "PNG")
    assert await accept_picture_apart(picture) == accept_picture(picture)


@pytest.mark.parametrize(
    ("data", "reason"), [(scan_bomb(5000), "costly"), (b"", "damaged"), (b"\x89PNG\r\n\x1a\n", "damaged")]
)
async def test_what_is_refused_there_is_refused_here(data: bytes, reason: str) -> None:
    with pytest.raises(BadPicture) as refused:
        await accept_picture_apart(data)
    assert refused.value.reason == reason


async def test_whoever_takes_too_long_is_killed() -> None:
    """A thread that decodes cannot be stopped; SIGTERM waited forty seconds for one."""
    with pytest.raises(BadPicture) as refused:
        await accept_apart(pictures.saved(Image.new("RGB", (100, 100)), "PNG"), seconds=0.0)
    assert refused.value.reason == "costly"


def test_no_secret_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGO_TELEGRAM_TOKEN", "1:secret")
    assert "1:secret" not in _environment().values()
