"""bot/storage/store.py: real SQLite in a temporary folder."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import NotStored, StoreError
from bot.jobs.job import Draw, Upscale
from bot.jobs.queue import as_job
from bot.storage import store
from bot.storage.store import Store
from engine import Request

ROOT = Path(__file__).parents[2]


def test_every_query_is_used_and_every_use_exists() -> None:
    """A query nobody runs is dead weight, and a name that is not there fails only when its path is taken."""
    code = "".join(path.read_text() for path in (ROOT / "bot").rglob("*.py"))
    used = set(re.findall(r'(?:(?:\.rows?|\.write|_write_and_invalidate)\(\s*|queries\(\)\[)"(\w+)"', code))
    assert used == set(store.queries())


async def test_a_write_is_there_for_the_next_reader_and_after_a_restart(tmp_path: Path) -> None:
    """What was acknowledged is on the disk."""
    first = await Store.open(tmp_path / "a.sqlite")
    assert await first.write("see", key="k", now=1.0)
    assert not await first.write("see", key="k", now=2.0)
    await first.close()
    second = await Store.open(tmp_path / "a.sqlite")
    assert not await second.write("see", key="k", now=3.0)
    await second.close()


async def test_of_many_writes_at_once_only_the_wrong_one_fails(tmp_path: Path) -> None:
    """They share a commit, but not their fate."""
    door = await Store.open(tmp_path / "a.sqlite")
    wrong = door.write("put_intent", job=999, role="status", platform="fake")  # there is no such job
    outcomes = await asyncio.gather(
        *(door.write("see", key=str(i), now=0.0) for i in range(20)), wrong, return_exceptions=True
    )
    assert [len(rows) for rows in outcomes[:-1] if isinstance(rows, list)] == [1] * 20
    assert isinstance(outcomes[-1], sqlite3.IntegrityError)
    await door.close()


async def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    """All or none."""
    door = await Store.open(tmp_path / "a.sqlite")
    with pytest.raises(ZeroDivisionError):
        async with door.transaction() as transaction:
            await transaction.rows("see", key="k", now=1.0)
            raise ZeroDivisionError
    assert await door.write("see", key="k", now=1.0)
    await door.close()


@pytest.mark.parametrize("content", [b"this is not a database, however long one looks at it" * 20, None])
async def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    """Whoever runs the bot must learn which file it is."""
    path = tmp_path / "a.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.sqlite: the database cannot be opened"):
        await Store.open(path)


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """An older program would not know what the newer one relies on."""
    connection = sqlite3.connect(tmp_path / "a.sqlite")
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    with pytest.raises(StoreError, match="newer Imago"):
        await Store.open(tmp_path / "a.sqlite")


async def test_upscalings_of_an_older_database_know_their_picture(tmp_path: Path) -> None:
    """Their number stood in the request; one that draws a single picture of several has no numbers."""
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as database:
        for number, script in store.migrations()[:3]:
            database.executescript(f"{script}\nPRAGMA user_version = {number};")
        database.execute("INSERT INTO people (key) VALUES ('web:ann')")
        four, second = '{"prompt": "a star", "count": 4}', '{"prompt": "a star", "count": 4, "pick": 2}'
        jobs = [("imagine", None, four), ("imagine", None, second), ("upscale", 1, second), ("upscale", 2, second)]
        for number, (kind, parent, request) in enumerate(jobs, 1):
            database.execute(
                "INSERT INTO jobs (key, owner, language, platform, chat, thread, answers, request, kind, parent,"
                " status, created) VALUES (?, 'web:ann', 'en', 'web', 'ann', '', '', ?, ?, ?, 'queued', 0.0)",
                (str(number), request, kind, parent),
            )
        database.commit()
    door = await Store.open(path)
    request, picked = Request(prompt="a star", count=4), Request(prompt="a star", count=4, pick=2)
    assert [as_job(row).work for row in await door.rows("jobs_with_status", status="queued")] == [
        Draw(request=request),
        Draw(request=picked),
        Upscale(request=picked, source=1, picture=2),
        Upscale(request=picked, source=2),
    ]
    await door.close()


async def test_another_program_that_holds_the_database_is_waited_for(tmp_path: Path) -> None:
    """A copy of the database, or somebody's look at it, must not cost a job."""
    door = await Store.open(tmp_path / "a.sqlite")
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(door.write("see", key="k", now=1.0))
        assert await door.rows("counts") == [], "reading goes on"
        other.execute("COMMIT")
        assert await writing
    await door.close()


async def test_what_is_locked_too_long_can_be_tried_again(tmp_path: Path) -> None:
    """Nothing of it is stored, and nothing stays open that would be in the way of the next."""
    door = await Store.open(tmp_path / "a.sqlite", locked_seconds=0.01)
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotStored, match="locked"):
            await door.write("see", key="k", now=1.0)
        with pytest.raises(NotStored, match="locked"):
            async with door.transaction():
                pass
    async with door.transaction() as transaction:
        assert await transaction.rows("see", key="k", now=1.0)
    await door.close()


async def test_a_full_disk_undoes_all_that_share_a_commit_and_ends_nothing(tmp_path: Path) -> None:
    """SQLite undoes the whole transaction by itself then: those before the one that failed are not stored either."""
    door = await Store.open(tmp_path / "a.sqlite")
    await door._writer.execute("PRAGMA max_page_count = 1")  # no more than there are
    large = door.write("put_note", platform="p", key="k", value=bytes(5_000_000))  # does not fit into the cache
    outcomes = await asyncio.gather(door.write("see", key="k", now=1.0), large, return_exceptions=True)
    assert all(isinstance(outcome, NotStored) and "full" in str(outcome) for outcome in outcomes)
    with pytest.raises(NotStored):
        async with door.transaction() as transaction:
            await transaction.rows("put_note", platform="p", key="k", value=bytes(100_000))
    await door._writer.execute("PRAGMA max_page_count = 100000")
    assert await door.write("see", key="k", now=1.0)
    await door.close()


async def test_a_transaction_that_is_given_up_while_it_waits_is_not_left_open(tmp_path: Path) -> None:
    """Else no other could ever begin."""
    door = await Store.open(tmp_path / "a.sqlite")
    with closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async def begin() -> None:
            async with door.transaction():
                pass

        waiting = asyncio.create_task(begin())
        await asyncio.sleep(0)
        waiting.cancel()
        other.execute("COMMIT")
        await asyncio.wait([waiting])
    assert await door.write("see", key="k", now=1.0)
    await door.close()


async def test_what_must_not_be_lost_is_tried_until_it_is_stored() -> None:
    """Space comes back."""
    outcomes: list[Exception | int] = [NotStored("The disk is full."), 7]

    async def write() -> int:
        if isinstance(outcome := outcomes.pop(0), Exception):
            raise outcome
        return outcome

    assert await store.outlast(write, "job 1") == 7
