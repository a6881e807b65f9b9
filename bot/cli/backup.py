"""`imago backup` and `imago restore`: database and pictures as one file, taken while the bot runs."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import StoreError
from bot.storage.store import jobs_in, mark_deleted, snapshot
from engine import lock_folder, put_in_place

# Waits for the end of the process that holds the other end of its pipe, then clears up after it.
CLEAN = """
import os, shutil, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
sys.stdin.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
DATABASE, PICTURES = "imago.sqlite", "pictures"
# A complete file of a job, or (by hash) of a request that has no job number yet.
_OF_JOB = re.compile(r"(?:(\d{1,18})|[0-9a-f]{32})\.[\w.]+(?<!\.part)")
_MEMBER = re.compile(rf"{DATABASE}|{PICTURES}/{_OF_JOB.pattern}")


def backup(folder: Path, target: Path) -> tuple[Path, int]:
    """Copy a bot's folder into one tar file; returns its path and the number of picture files.

    First a snapshot of the database, then its pictures: a picture is stored before the database
    says so, hence all are there. One that is deleted meanwhile is deleted in the copy as well.

    Args:
        folder: `folder` in [bot].
        target: the file to write, or an existing folder, for a file named by the time.

    Raises: StoreError, OSError.
    """
    if not (folder / DATABASE).exists():
        raise StoreError(f"{folder / DATABASE}: there is no database here: see folder in [bot].")
    if target.is_dir():
        target = target / time.strftime("imago-%Y%m%d-%H%M%S.tar")
    with workbench(target.parent, ".imago-backup-") as bench:
        copy, archive = bench / DATABASE, bench / "archive.tar"
        snapshot(folder / DATABASE, copy)
        jobs = jobs_in(copy)
        with tarfile.open(archive, "w") as tar:
            packed = _pack_pictures(tar, folder / PICTURES, jobs)
            mark_deleted(copy, (job for job, drawn in jobs.items() if drawn and f"{job}.png" not in packed))
            tar.add(copy, DATABASE)
        os.chmod(archive, 0o600)  # it contains prompts
        put_in_place(archive, target)
    return target, len(packed)


def restore(file: Path, folder: Path) -> int:
    """Unpack a backup as a bot's folder; returns the number of picture files. Raises StoreError, OSError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} is not empty: name a new folder, so that nothing is overwritten.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with workbench(folder.parent, ".imago-restore-") as bench:
        fresh = bench / "fresh"
        (fresh / PICTURES).mkdir(parents=True)
        try:
            with tarfile.open(file, "r:") as tar:
                for member in tar:
                    if not member.isreg() or not _MEMBER.fullmatch(member.name):
                        raise StoreError(f"{file} is no backup of Imago: it holds “{member.name[:100]}”.")
                    _unpack(tar, member, fresh / member.name)
        except (tarfile.TarError, EOFError) as error:
            raise StoreError(f"{file} is no whole backup of Imago ({error}).") from error
        if not (fresh / DATABASE).exists():
            raise StoreError(f"{file} is no whole backup of Imago: the database is missing.")
        lost = [
            job
            for job, drawn in jobs_in(fresh / DATABASE).items()
            if drawn and not (fresh / PICTURES / f"{job}.png").exists()
        ]
        if lost:
            raise StoreError(f"{file} is no whole backup of Imago: {len(lost)} pictures are missing.")
        count = sum(1 for _ in (fresh / PICTURES).iterdir())
        if folder.exists():
            folder.rmdir()
        os.replace(fresh, folder)
    return count


@contextmanager
def workbench(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder that is gone afterwards, even if this process is killed; what a power cut left is gone by the next time.

    Raises OSError.
    """
    for old in parent.glob(f"{prefix}*"):
        with suppress(OSError), lock_folder(old):  # nobody works in it
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=prefix) as folder:
        cleaner = subprocess.Popen([sys.executable, "-SEc", CLEAN, folder], stdin=subprocess.PIPE)
        assert cleaner.stdin is not None
        try:
            with lock_folder(Path(folder)):
                yield Path(folder)
        finally:
            cleaner.kill()
            cleaner.stdin.close()
            cleaner.wait()


def _pack_pictures(tar: tarfile.TarFile, pictures: Path, jobs: dict[int, bool]) -> set[str]:
    """Add the files of existing jobs; returns their names. Repeats until nothing is new: files get renamed."""
    packed: set[str] = set()
    while fresh := [name for name in _names_in(pictures, jobs) if name not in packed]:
        added = len(packed)
        for name in fresh:
            try:
                tar.add(pictures / name, f"{PICTURES}/{name}", recursive=False)
                packed.add(name)
            except FileNotFoundError:  # deleted or renamed since the folder was read
                continue
        if len(packed) == added:
            break
    return packed


def _names_in(pictures: Path, jobs: dict[int, bool]) -> list[str]:
    names = sorted(path.name for path in pictures.iterdir()) if pictures.exists() else []
    matches = [(name, _OF_JOB.fullmatch(name)) for name in names]
    return [name for name, match in matches if match and (match[1] is None or int(match[1]) in jobs)]


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None, "it is a regular file"
    with content, open(target, "xb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        os.fsync(out.fileno())
