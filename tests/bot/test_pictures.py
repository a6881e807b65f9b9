"""bot/storage/pictures.py"""

from pathlib import Path

import pytest

from bot.storage.pictures import PictureStore


async def test_what_was_saved_is_read_back_and_removed(tmp_path: Path) -> None:
    """And nothing half-written stays behind."""
    pictures = PictureStore(tmp_path / "pictures")
    await pictures.save("12.png", b"png")
    await pictures.save("12.png", b"new")
    assert await pictures.read("12.png") == b"new"
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["12.png"]
    await pictures.remove(12)
    await pictures.remove(12)
    assert await pictures.read("12.png") is None


async def test_what_a_job_is_drawn_from_waits_under_the_key_until_there_is_a_job(tmp_path: Path) -> None:
    """A kill in between loses nothing: whoever draws looks under both names."""
    pictures = PictureStore(tmp_path)
    await pictures.keep("telegram:1:2", {"init": b"a", "target1": b"b"})
    assert await pictures.inputs(12) == {}
    await pictures.adopt("telegram:1:2", 12)
    await pictures.adopt("telegram:1:2", 12)
    assert await pictures.inputs(12) == {"init": b"a", "target1": b"b"}
    await pictures.keep("refused", {"init": b"a"})
    await pictures.drop("refused")
    for name in ("12.png", "12.3.png", "12.gif", "1.png"):
        await pictures.save(name, b"")
    await pictures.remove(12)
    assert [path.name for path in tmp_path.iterdir()] == ["1.png"]


@pytest.mark.parametrize(
    "name", ["../12.png", "12.exe", "12.png.part", "a.png", "12.5.png", "12.init.gif", "", "/etc/passwd"]
)
async def test_no_other_name_is_a_picture(tmp_path: Path, name: str) -> None:
    """Names come from the outside; they must not lead out of the folder."""
    pictures = PictureStore(tmp_path)
    assert await pictures.read(name) is None
    with pytest.raises(ValueError, match="not the name of a picture"):
        await pictures.save(name, b"")


async def test_what_a_kill_left_behind_is_swept_at_the_start(tmp_path: Path) -> None:
    """Attached pictures may show people: nothing of nobody's stays, and nothing of anybody's goes."""
    pictures = PictureStore(tmp_path)
    await pictures.keep("waits", {"init": b"a"})
    await pictures.keep("gone", {"target1": b"b"})
    kept = {path.name for path in tmp_path.iterdir() if path.read_bytes() == b"a"}
    for name in ("12.png", "12.init.png", "13.png", "13.2.png", "13.target1.png", "99.png"):
        await pictures.save(name, b"")
    for name in ("12.gif.part", "0123456789abcdef0123456789abcdef.target4.png.part", "probe", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert await pictures.sweep(jobs=[12], newest=50, keys=["waits", "never came"]) == 6
    left = {path.name for path in tmp_path.iterdir()}
    assert left == kept | {"12.png", "12.init.png", "99.png", "probe", "notes.txt"}
    assert await PictureStore(tmp_path / "none").sweep([], 0, []) == 0
