"""finished pictures and GIFs as files: written to a temporary name, synced, renamed, so none is ever half there."""

import asyncio
import os
import re
from pathlib import Path

_NAME = re.compile(r"\d{1,18}\.(png|gif)")


class Pictures:
    """A folder with one `12.png` and one `12.gif` for job 12."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, name: str, content: bytes) -> None:
        """Store a file; when this returns it survives a loss of power. Raises OSError."""
        await asyncio.to_thread(_save, self._path(name), content)

    async def read(self, name: str) -> bytes | None:
        """The file, or None when there is none or the name is not one of ours."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return await asyncio.to_thread(self._path(name).read_bytes)
        except FileNotFoundError:
            return None

    async def remove(self, job: int) -> None:
        """Delete what a job has made, if anything."""
        for name in (f"{job}.png", f"{job}.gif"):
            await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a picture")
        return self._folder / name


def _save(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)  # the rename is safe once the folder is on the disk too
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
