"""bot/storage/unreadable.py: rows of another version cost one sentence, never a start."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from bot.adapters.discord.servers import UNKNOWN, Server, Servers
from bot.cli import doctor
from bot.config import BotConfig, Config
from bot.messages import Action, Stage
from bot.storage.notes import StoredNotes
from bot.storage.store import Store
from tests.fakes import fakes

REFUSED_TODAY = json.dumps({"prompt": "star::2"})
UNREADABLE = {
    "a prompt that today's language refuses": f"request = '{REFUSED_TODAY}'",
    "an option of a newer version": """request = '{"prompt": "a star", "wings": 2}'""",
    "no JSON": "request = '{'",
    "JSON of another kind": "request = '[1]'",
    "a kind of a newer version": "kind = 'sculpt'",
}


def change(folder: Path, assignments: str, where: str = "id = 1") -> None:
    with sqlite3.connect(folder / "imago.sqlite") as database:
        database.execute(f"UPDATE jobs SET {assignments} WHERE {where}")


async def queue(folder: Path, people: int = 2) -> fakes.Chat:
    """So many people wait, and the bot is stopped."""
    chat, engine = fakes.Chat(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(folder, chat, engine):
        for number in range(people):
            await chat.says("a star", who=f"person {number}")
        await chat.until_stage(Stage.WAITING, job=people)
    return chat


@pytest.mark.parametrize("what", UNREADABLE)
async def test_an_unreadable_job_is_refused_with_a_sentence_and_the_next_is_drawn(tmp_path: Path, what: str) -> None:
    """It stopped every start: a row of a newer version, or a prompt that the language took then."""
    chat = await queue(tmp_path)
    change(tmp_path, UNREADABLE[what])
    async with fakes.bot(tmp_path, chat):
        states = await chat.until_stage(Stage.FAILED)
        assert "cannot read what was asked for" in states[-1].text
        assert [button.action for button in states[-1].buttons] == [Action.DELETE]
        await chat.until_stage(Stage.FINAL, job=2)


async def test_a_picture_whose_request_cannot_be_read_is_shown_and_nothing_is_made_of_it(tmp_path: Path) -> None:
    """It was finished, so its owner gets it; and every press on it has an answer."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
    change(tmp_path, f"request = '{REFUSED_TODAY}', status = 'drawn', told = 0")
    chat.messages.clear()
    chat.nonces.clear()
    with sqlite3.connect(tmp_path / "imago.sqlite") as database:
        database.execute("UPDATE messages SET message = NULL")
    async with fakes.bot(tmp_path, chat):
        assert (await chat.until_stage(Stage.FINAL))[-1].picture
        for text in ("/rerun 1", "/remix 1 a moon", "/upscale 1", "/vary 1", "/settings 1"):
            await chat.says(text)
            await chat.until(lambda states: "what was asked for in #1" in states[-1].text)
            chat.messages.clear()
        await chat.says("/show 1")
        assert (await chat.until(lambda states: "finished" in states[-1].text))[-1].picture
        await chat.says("/pictures")
        await chat.until(lambda states: "newest" in states[-1].text)
        await chat.says("/delete 1")
        await chat.until(lambda states: "deleted" in states[-1].text)


@pytest.mark.parametrize("assignments", ["status = 'dreaming'", "status = 'failed', failure = 'failed-by-magic'"])
async def test_a_state_of_a_newer_version_stops_nothing(tmp_path: Path, assignments: str) -> None:
    """Neither the start, nor the health check, nor a look at the job."""
    chat = await queue(tmp_path)
    change(tmp_path, assignments)
    async with fakes.bot(tmp_path, chat) as app:
        await chat.until_stage(Stage.FINAL, job=2)
        assert await app.trouble() == ""
        await chat.says("/show 1")
        await chat.until(lambda states: "failed" in states[-1].text)


@pytest.mark.parametrize("value", ["'x'", "x'ff00'", "''"])
async def test_a_number_that_is_none_stops_neither_its_job_nor_the_next(tmp_path: Path, value: str) -> None:
    """A text among the attempts stopped the worker at each start."""
    columns = ["attempts", "created", "cost", "key", "server", "steps", "seconds", "width"]
    chat = await queue(tmp_path, len(columns) + 1)
    for job, column in enumerate(columns, 1):
        change(tmp_path, f"{column} = {value}", f"id = {job}")
    async with fakes.bot(tmp_path, chat) as app:
        for job in range(1, len(columns) + 2):
            await chat.until_stage(Stage.FINAL, job=job)
        assert await app.trouble() == ""


async def test_doctor_counts_what_cannot_be_read(tmp_path: Path) -> None:
    """It said "sound" of a database with which no start succeeded."""
    await queue(tmp_path)
    settings = Config(bot=BotConfig(folder=tmp_path))
    assert "sound" in await asyncio.to_thread(doctor.database, settings)
    change(tmp_path, f"request = '{REFUSED_TODAY}'")
    change(tmp_path, "kind = 'sculpt'", "id = 2")
    with pytest.raises(doctor.Trouble, match="2 rows"):
        await asyncio.to_thread(doctor.database, settings)
    change(tmp_path, "kind = 'imagine', created = 'x'", "id = 2")
    with pytest.raises(doctor.Trouble, match="2 rows"):
        await asyncio.to_thread(doctor.database, settings)


@pytest.mark.parametrize("text", ["{", "[]", '{"spoiler": "yes"}', '{"channels": 5}', "null"])
async def test_server_settings_that_cannot_be_read_are_strict(tmp_path: Path, text: str) -> None:
    """One such row stopped the start; and whoever had hidden pictures must not find them shown."""
    store = await Store.open(tmp_path / "a.sqlite")
    try:
        notes = StoredNotes(store, "discord")
        await notes.put("1", text)
        await notes.put("2", json.dumps({"steps": 40, "wings": 2}))
        servers = Servers(notes)
        await servers.load()
        assert servers.of(1) == UNKNOWN and servers.of(2) == Server(steps=40)
    finally:
        await store.close()
