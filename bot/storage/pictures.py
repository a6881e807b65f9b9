"""pictures and GIFs as files: written to a temporary name, synced, renamed, so no file is ever half written."""

import asyncio
import hashlib
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from bot.errors import NotStored, is_passing
from engine import write_file

INPUTS = ("init", "target1", "target2", "target3", "target4")  # input pictures of a drawing
PROBED = 256 * 1024  # bytes, about a picture
_STEM = r"(?:\d{1,18}|[0-9a-f]{32})"  # a job number, or the hash of a request without one yet
_NAME = re.compile(rf"{_STEM}(?:\.[1-4])?\.(?:png|gif)|{_STEM}\.(?:{'|'.join(INPUTS)})\.png")


class PictureStore:
    """A folder with `12.png` and `12.gif` for job 12, `12.1.png` … for each of several, `12.init.png` it began from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, name: str, content: bytes) -> None:
        """Store a file durably: it survives power loss once this returns. Raises NotStored, OSError."""
        await asyncio.to_thread(_save, self._path(name), content)

    async def read(self, name: str) -> bytes | None:
        """The file, or None when it does not exist or the name is invalid."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return await asyncio.to_thread(self._path(name).read_bytes)
        except FileNotFoundError:
            return None

    async def probe(self) -> None:
        """Store something. Raises NotStored, OSError."""
        await asyncio.to_thread(_probe, self._folder / "probe")

    async def remove(self, job: int) -> None:
        """Delete a job's files, if any."""
        await asyncio.to_thread(self._remove, str(job))

    async def keep(self, key: str, inputs: Mapping[str, bytes]) -> None:
        """Store input pictures before their job exists. Raises NotStored, OSError."""
        for name, content in inputs.items():
            await self.save(f"{_stem(key)}.{name}.png", content)

    async def drop(self, key: str) -> None:
        """Delete inputs whose job was not created."""
        await asyncio.to_thread(self._remove, _stem(key))

    async def sweep(self, jobs: Collection[int], newest: int, keys: Collection[str]) -> int:
        """Delete what a kill left behind: half files, inputs without a job, files of jobs that are gone.

        Only while nothing is being stored. Returns how many files.

        Args:
            jobs: numbers of the jobs whose files stay.
            newest: highest number ever given to a job; files with a higher one are of another database and stay.
            keys: of the jobs that may still look for their inputs.
        """
        return await asyncio.to_thread(self._sweep, set(jobs), newest, {_stem(key) for key in keys})

    async def adopt(self, key: str, job: int) -> None:
        """Rename stored inputs to their job's number, if there are any."""
        await asyncio.to_thread(self._adopt, _stem(key), job)

    async def inputs(self, job: int) -> dict[str, bytes]:
        """A job's input pictures, by the names in INPUTS."""
        found = {name: await self.read(f"{job}.{name}.png") for name in INPUTS}
        return {name: content for name, content in found.items() if content is not None}

    async def input_names(self, job: int) -> list[str]:
        """Which of INPUTS a job has."""
        return await asyncio.to_thread(lambda: [name for name in INPUTS if self._path(f"{job}.{name}.png").exists()])

    async def remove_inputs(self, job: int, contents: Collection[bytes]) -> None:
        """Delete a job's input pictures that equal one of these."""
        for name, content in (await self.inputs(job)).items():
            if content in contents:
                await asyncio.to_thread(self._path(f"{job}.{name}.png").unlink, missing_ok=True)

    def _sweep(self, jobs: set[int], newest: int, stems: set[str]) -> int:
        gone = 0
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            name = path.name.removesuffix(".part")
            if not _NAME.fullmatch(name) or not path.is_file():
                continue
            stem = name.split(".")[0]
            stays = stem in stems or (stem.isdigit() and (int(stem) in jobs or int(stem) > newest))
            if name != path.name or not stays:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _remove(self, stem: str) -> None:
        made = [f"{stem}.png", f"{stem}.gif", *(f"{stem}.{number}.png" for number in range(1, 5))]
        for name in (*made, *(f"{stem}.{name}.png" for name in INPUTS)):
            self._path(name).unlink(missing_ok=True)

    def _adopt(self, stem: str, job: int) -> None:
        for name in INPUTS:
            try:
                os.replace(self._path(f"{stem}.{name}.png"), self._path(f"{job}.{name}.png"))
            except FileNotFoundError:
                continue

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a picture")
        return self._folder / name


def _stem(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _save(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
    except OSError as error:
        if not is_passing(error):
            raise
        raise NotStored(f"{path.parent} takes no picture now ({error.strerror}): free space on its disk.") from error


def _probe(path: Path) -> None:
    try:
        _save(path, bytes(PROBED))
    finally:
        path.unlink(missing_ok=True)
