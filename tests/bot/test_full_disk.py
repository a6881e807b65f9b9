"""a full disk and a locked database: through the whole bot with a fake chat and the scripted engine."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.base import Adapter
from bot.app import App
from bot.messages import Address, Reply, Stage
from tests.fakes import fakes, scripted


async def test_a_drawing_goes_on_without_its_checkpoints_and_ends_when_there_is_space(tmp_path: Path) -> None:
    """A checkpoint only saves time after a crash; the picture waits for the database, nobody blames the engine."""
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine) as app:
        await chat.says("a star --seed 7 --steps 200")
        await chat.until(lambda states: (states[-1].percent or 0) >= 10)
        async with fakes.nothing_stored(app):
            await chat.until(lambda states: (states[-1].percent or 0) >= 90)
        states = await chat.until_stage(Stage.FINAL)
    assert engine.resumed == [None]
    assert states[-1].picture and states[-1].picture.content == scripted.png(7, 200)
    assert len(chat.messages) == 1


async def test_a_job_that_cannot_be_claimed_is_claimed_when_there_is_space(tmp_path: Path) -> None:
    """The worker lives on."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.at_once = 0
    async with fakes.bot(tmp_path, chat, engine) as app:
        await chat.says("a star")
        async with fakes.nothing_stored(app):
            engine.at_once = 1
            engine.on_change()
            for _ in range(100):
                await asyncio.sleep(0)
            assert not engine.asked
        await chat.until_stage(Stage.FINAL)


@pytest.mark.parametrize("name", ["1.png", "1.gif"])
async def test_a_finished_picture_waits_for_space(tmp_path: Path, name: str) -> None:
    """It took minutes to draw."""
    fakes.full_disk(tmp_path / "pictures" / name)
    chat, engine = fakes.Chat(), fakes.Engine()
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star --seed 7")
        states = await chat.until_stage(Stage.FINAL)
        assert states[-1].gif
    assert engine.resumed == [None]


async def test_what_cannot_be_queued_is_said_and_can_be_asked_again(tmp_path: Path) -> None:
    """Nobody waits for a picture that nobody will draw."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat) as app:
        async with fakes.nothing_stored(app):
            await chat.says("a star", key="1")
            await chat.until(lambda states: states[-1].stage is Stage.NOTE)
        assert ["Nothing can be saved here right now" in note for note in chat.notes()] == [True]
        await chat.says("a star", key="1")
        await chat.until_stage(Stage.FINAL)


async def test_a_message_that_could_not_be_recorded_is_not_sent_twice(tmp_path: Path) -> None:
    """Telegram has nothing by which the second could be told to be the first."""
    chat = Forgetful()
    async with fakes.bot(tmp_path, chat) as app:
        chat.bot = app
        await chat.says("a star")
        await chat.until(lambda states: len(states) == 1)
        for _ in range(100):
            await asyncio.sleep(0)
        await app._store._writer.execute("PRAGMA query_only = OFF")
        await chat.until_stage(Stage.FINAL)
    assert chat.sent == 1


class Forgetful(fakes.Chat):
    """Knows no nonces; while its first message is on the way the disk fills up for a moment."""

    bot: App
    sent = 0

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        self.sent += 1
        if self.sent == 1:
            await self.bot._store._writer.execute("PRAGMA query_only = ON")
        return await super().send(address, reply, nonce=f"{nonce}{self.sent}", answers=answers)


async def test_health_tries_to_write(tmp_path: Path) -> None:
    """Whoever watches the bot learns of a full disk from it, not from people."""
    chat: Adapter = fakes.Chat()
    async with fakes.bot(tmp_path, chat) as app:
        async with fakes.nothing_stored(app):
            assert "The database takes nothing now" in await app.trouble()
        app._probed = 0.0  # what was found is believed for a while
        fakes.full_disk(tmp_path / "pictures" / "probe")
        assert "No space left on device" in await app.trouble()
        app._probed = 0.0
        assert await app.trouble() == ""


def test_a_start_on_a_full_disk_is_one_sentence_and_worth_another_try(tmp_path: Path) -> None:
    """Exit 78 would tell systemd not to start it again."""
    code = (
        "import resource, sys; from bot.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"  # no file may grow
        "sys.exit(main(['serve']))"
    )
    (tmp_path / "config.toml").write_text(f'[bot]\nfolder = "{tmp_path}/bot"\n[web]\nport = 0\n')
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1 and "database" in done.stderr, done.stderr
