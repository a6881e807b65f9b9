"""engine/files.py"""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.files import FolderLocked, lock_folder, put_in_place, write_file


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What was there before stays, and nothing half-written lies beside it."""
    path = tmp_path / "a.png"
    write_file(path, b"old")
    with pytest.raises(TypeError):
        write_file(path, None)  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    write_file(path, b"new")
    assert path.read_bytes() == b"new" and [file.name for file in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "missing", path)
    assert path.read_bytes() == b"new"


def test_a_folder_has_one_owner_whose_death_sets_it_free(tmp_path: Path) -> None:
    """The second one hears what the first wrote into the lock."""
    folder = tmp_path / "folder"
    code = f"from pathlib import Path; from engine.files import lock_folder; f = lock_folder(Path({str(folder)!r}))"
    code += "; f.write('http://here'); f.flush(); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as owner:
        assert owner.stdout and owner.stdout.readline() == "held\n"
        with pytest.raises(FolderLocked) as refusal:
            lock_folder(folder)
        assert refusal.value.note == "http://here"
        owner.kill()
        owner.wait()
    with lock_folder(folder) as lock:
        assert lock.read() == ""
