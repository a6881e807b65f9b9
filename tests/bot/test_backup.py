"""bot/cli/backup.py: with the whole bot running beside it."""

import asyncio
import io
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.cli.backup import backup, restore, workbench
from bot.errors import StoreError
from bot.messages import Action, Stage
from tests.fakes import fakes, scripted


async def test_a_backup_taken_in_mid_drawing_goes_on_in_a_fresh_folder(tmp_path: Path) -> None:
    """The finished picture is there, the running one goes on from its checkpoint, the waiting one is drawn."""
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "b.tar"
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(old, chat, engine):
        await chat.says("a red star --seed 7")
        await chat.until_stage(Stage.FINAL)
        await chat.says("a deleted star --seed 8")
        await chat.until_stage(Stage.FINAL, job=2)
        await chat.says("/delete 2")
        await chat.says("a moon --seed 9 --steps 100")
        await chat.says("a sun --seed 10", who="bob")
        await chat.until(lambda states: states[-1].job == 3 and (states[-1].percent or 0) >= 20)
        engine.gate.clear()
        made, pictures = await asyncio.to_thread(backup, old, file)
        assert made == file and pictures == 2
        engine.gate.set()
    assert restore(file, new) == 2
    engine = fakes.Engine()
    async with fakes.bot(new, chat, engine):
        moon = (await chat.until_stage(Stage.FINAL, job=3))[-1]
        await chat.until_stage(Stage.FINAL, job=4)
        assert moon.picture and moon.picture.content == scripted.png(9, 100)
        assert int(engine.resumed[0] or 0) >= 10
        await chat.presses(Action.FILE, 1)
        shown = await chat.until(lambda states: states[-1].as_file)
        assert shown[-1].picture and shown[-1].picture.content == scripted.png(7, 10)
        await chat.says("/show 2")
        await chat.until(lambda states: "no picture #2" in states[-1].text)


async def test_what_is_deleted_while_it_is_copied_is_deleted_in_the_copy(tmp_path: Path) -> None:
    """A backup must not bring back what somebody wanted gone, nor promise a picture that it has not."""
    folder = tmp_path / "bot"
    chat = fakes.Chat()
    async with fakes.bot(folder, chat):
        await chat.says("a secret star")
        await chat.until_stage(Stage.FINAL)
    (folder / "pictures" / "1.png").unlink()  # as after the first half of a deletion
    made, _ = backup(folder, tmp_path)
    assert made.parent == tmp_path and made.name.startswith("imago-") and made.stat().st_mode & 0o077 == 0
    assert b"a secret star" not in made.read_bytes()
    restore(made, tmp_path / "new")
    with sqlite3.connect(tmp_path / "new" / "imago.sqlite") as database:
        assert database.execute("SELECT status FROM jobs").fetchall() == [("deleted",)]
    database.close()


async def test_many_backups_of_a_busy_bot_are_each_whole(tmp_path: Path) -> None:
    """Every picture that the copied database knows of is in the copy, at whatever moment it was taken."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path / "bot", chat):
        for number in range(10):
            await chat.says(f"star {number}", who=f"p{number}")
        for number in range(5):
            file = tmp_path / f"{number}.tar"
            await asyncio.to_thread(backup, tmp_path / "bot", file)
            await asyncio.to_thread(restore, file, tmp_path / str(number))
        await chat.until_stage(Stage.FINAL, job=10)


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("../evil.png", b"x")], "no backup"),
        ([("/etc/passwd", b"x")], "no backup"),
        ([("pictures/../../1.png", b"x")], "no backup"),
        ([("pictures/1.png.part", b"x")], "no backup"),
        ([("pictures/1.png", b"x")], "database is missing"),
        ([("imago.sqlite", b"no database at all" * 100)], "not a database"),
        ([], "database is missing"),
    ],
)
def test_what_is_no_backup_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, members: list[tuple[str, bytes]], words: str
) -> None:
    """A file from somewhere must not write elsewhere."""
    path = archive(tmp_path / "b.tar", *members)
    with pytest.raises(StoreError, match=words):
        restore(path, tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["b.tar"]


async def test_a_torn_backup_is_refused(tmp_path: Path) -> None:
    """A disk was full, a copy broke off."""
    async with fakes.bot(tmp_path / "bot", fakes.Chat()):
        pass
    made, _ = backup(tmp_path / "bot", tmp_path / "b.tar")
    made.write_bytes(made.read_bytes()[:20_000])
    with pytest.raises(StoreError, match="no whole backup"):
        restore(made, tmp_path / "new")
    made.write_bytes(b"not a tar")
    with pytest.raises(StoreError, match="no whole backup"):
        restore(made, tmp_path / "new")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Neither a folder in use, nor by a backup of nothing."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(StoreError, match="not empty"):
        restore(tmp_path / "b.tar", tmp_path / "full")
    with pytest.raises(StoreError, match="no database here"):
        backup(tmp_path, tmp_path / "b.tar")


@pytest.fixture
async def stopped(tmp_path: Path) -> Path:
    """The folder of a bot that drew a picture."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path / "bot", chat):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
    return tmp_path / "bot"


def test_the_commands_say_what_they_did(tmp_path: Path, stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit codes for scripts."""

    def imago(*arguments: object) -> int:
        return main(list(map(str, arguments)))

    config = tmp_path / "c.toml"
    config.write_text(f'[bot]\nfolder = "{stopped}"\n')
    assert imago("backup", tmp_path / "b.tar", "--config", config) == 0
    assert "the database and 2 files of pictures" in capsys.readouterr().out
    assert imago("restore", tmp_path / "b.tar", tmp_path / "new") == 0
    assert imago("restore", tmp_path / "b.tar", tmp_path / "new") == 1
    refused = capsys.readouterr().err
    assert "not empty" in refused and len(refused.splitlines()) == 1
    assert imago("restore", tmp_path / "none.tar", tmp_path / "newer") == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_backup_that_is_killed_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    """Not even half of a file that holds everybody's prompts."""
    code = (
        "import sys, time; from pathlib import Path; from bot.cli.backup import workbench\n"
        "with workbench(Path(sys.argv[1]), '.imago-backup-') as folder:\n"
        "    (folder / 'archive.tar').write_text('prompts'); print('works', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "works\n"
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


def test_what_a_power_cut_left_of_a_backup_is_gone_by_the_next(tmp_path: Path) -> None:
    """But not what another one works in."""
    (tmp_path / ".imago-backup-old").mkdir()
    (tmp_path / ".imago-backup-old" / "archive.tar").touch()
    with workbench(tmp_path, ".imago-backup-") as first:
        assert list(tmp_path.iterdir()) == [first]
        with workbench(tmp_path, ".imago-backup-"):
            assert first.exists()
    assert list(tmp_path.iterdir()) == []
