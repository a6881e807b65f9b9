"""files that are never half there, and folders that one process has to itself."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class FolderLocked(OSError):
    """Another process has the folder; `note` is what it wrote into the lock."""

    def __init__(self, folder: Path, note: str) -> None:
        super().__init__(f"{folder} is in use")
        self.note = note


def write_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it; when this returns it survives a loss of power.

    Raises OSError; what was there before is then still there, and nothing else.
    """
    with replacing(path) as part:
        part.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write a file under; at the end it becomes `path`, as `write_file` does it."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Give a written file its name: file and folder are on the disk when this returns. Raises OSError."""
    with open(part, "rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def lock_folder(folder: Path) -> IO[str]:
    """Make a folder and lock it: the open file `lock` in it, emptied, holds the lock until it is closed.

    However the process ends, the system closes it. Raises: FolderLocked; OSError when the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / "lock", "a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        with lock:
            lock.seek(0)
            raise FolderLocked(folder, lock.read(200).strip()) from error
    lock.truncate(0)
    return lock
