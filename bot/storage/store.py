"""access to SQLite: named queries, numbered migrations, and group commit of many small writes."""

import asyncio
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from bot.errors import NotStored, StoreError
from engine import backoff

Row = sqlite3.Row
T = TypeVar("T")
LOCKED_SECONDS = 20.0  # that a write waits for another program, such as one that copies the database
# secure_delete: deleted data is overwritten, not only marked as free.
PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
PASSING = {  # SQLite's primary result codes of what may succeed later: locked, out of space, memory or descriptors
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0  # seconds between two tries of a write that must not be lost
PROBE = bytes(16 * 1024)  # more than what is free within the file, as a rule
log = logging.getLogger(__name__)
_QUERY = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


@cache
def queries() -> dict[str, str]:
    """Every query of bot/storage/sql/queries.sql by its name."""
    return dict(_QUERY.findall(_sql("queries.sql")))


@cache
def migrations() -> list[tuple[int, str]]:
    """Number and script of each migration, in order."""
    names = sorted(f.name for f in (resources.files("bot.storage") / "sql").iterdir() if f.name[0].isdigit())
    return [(int(name.split(".")[0]), _sql(name)) for name in names]


def _sql(name: str) -> str:
    return (resources.files("bot.storage") / "sql" / name).read_text(encoding="utf-8")


class Transaction:
    """Queries that are applied atomically."""

    def __init__(self, connection: aiosqlite.Connection, sql: dict[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    async def rows(self, name: str, **values: Any) -> list[Row]:
        """Run a query, reading or writing; its rows, or those of its RETURNING. Raises NotStored."""
        with _passing_errors():
            return list(await self._connection.execute_fetchall(self._sql[name], values))


class Store:
    """SQLite in WAL mode: one connection writes, one reads, and a commit is on disk when it returns.

    A locked database is waited for; what fails nevertheless and may succeed later raises NotStored.
    """

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        """Use `Store.open`."""
        self._writer, self._reader = writer, reader
        self._sql = queries()
        self._lock = asyncio.Lock()  # held while writing
        self._waiting: list[tuple[str, dict[str, Any], asyncio.Future[list[Row]]]] = []
        self._flush: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, locked_seconds: float = LOCKED_SECONDS) -> "Store":
        """Open or create the database and migrate it; raises StoreError with a sentence."""
        connections: list[aiosqlite.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()  # gives a clearer error than SQLite for a bad path
            for _ in range(2):
                connections.append(await aiosqlite.connect(path, isolation_level=None))
                connections[-1].row_factory = sqlite3.Row
                pragmas = (f"busy_timeout = {int(1000 * locked_seconds)}", *PRAGMAS)
                await connections[-1].executescript("".join(f"PRAGMA {pragma};" for pragma in pragmas))
            await _migrate(connections[0], path)
        except (sqlite3.Error, OSError, StoreError) as error:
            await _close(connections)
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{path}: the database cannot be opened ({error}): check folder and rights.") from error
        return cls(*connections)

    async def close(self) -> None:
        """Close, after pending writes."""
        if self._flush is not None:
            await self._flush
        async with self._lock:
            await _close([self._reader, self._writer])

    async def fault(self) -> str:
        """The first problem of SQLite's integrity check, empty when there is none."""
        ((line,), *_) = await self._reader.execute_fetchall("PRAGMA quick_check(1)")
        return "" if line == "ok" else str(line)

    async def scrub(self) -> None:
        """Remove deleted data from the write-ahead log as well."""
        async with self._lock:
            with _passing_errors():
                await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def probe(self) -> None:
        """Write something. Raises NotStored."""
        await self.write("put_note", platform="", key="probe", value=PROBE)

    async def rows(self, name: str, **values: Any) -> list[Row]:
        """Run a read query on committed data."""
        with _passing_errors():
            return list(await self._reader.execute_fetchall(self._sql[name], values))

    async def row(self, name: str, **values: Any) -> Row | None:
        """Read the first row, if there is one."""
        rows = await self.rows(name, **values)
        return rows[0] if rows else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction, committed at the end; rolled back when the block raises. Raises NotStored."""
        async with self._lock:
            try:
                with _passing_errors():
                    await self._writer.execute_fetchall("BEGIN IMMEDIATE")
                    yield Transaction(self._writer, self._sql)
                    await asyncio.shield(self._writer.commit())
            except BaseException:
                await asyncio.shield(self._roll_back())
                raise

    async def write(self, name: str, **values: Any) -> list[Row]:
        """One query, committed; the rows of its RETURNING. Raises NotStored.

        Writes during a commit share the next one (group commit), since the disk takes the time.
        """
        done: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._sql[name], values, done))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write_waiting())
        return await done

    async def _write_waiting(self) -> None:
        async with self._lock:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                outcomes = await self._write_together([(sql, values) for sql, values, _ in waiting])
                for (_, _, done), outcome in zip(waiting, outcomes, strict=True):
                    if done.cancelled():  # the caller was cancelled; it is written all the same
                        continue
                    if isinstance(outcome, sqlite3.Error):
                        done.set_exception(_meaning(outcome))
                    else:
                        done.set_result(outcome)

    async def _write_together(self, writes: list[tuple[str, dict[str, Any]]]) -> list[list[Row] | sqlite3.Error]:
        outcomes: list[list[Row] | sqlite3.Error] = []
        try:
            await self._writer.execute_fetchall("BEGIN IMMEDIATE")
            for sql, values in writes:
                try:
                    outcomes.append(list(await self._writer.execute_fetchall(sql, values)))
                except sqlite3.Error as error:  # only this statement is undone; the others stand
                    if not self._writer.in_transaction:  # SQLite has undone them all, as it does on a full disk
                        raise
                    outcomes.append(error)
            await self._writer.commit()
        except sqlite3.Error as error:  # the disk is full, or gone
            await self._roll_back()
            return [error for _ in writes]
        return outcomes

    async def _roll_back(self) -> None:
        """Nothing may stay open, or nobody could begin anew."""
        with suppress(sqlite3.Error):
            await self._writer.rollback()


async def outlast(write: Callable[[], Awaitable[T]], what: str) -> T:
    """Repeat a write that must not be lost until it is stored; `what` it is, for the log. Says so once."""
    failures = 0
    while True:
        try:
            outcome = await write()
        except NotStored as error:
            failures += 1
            if failures == 1:
                log.warning("%s waits: %s", what, error)
            await asyncio.sleep(backoff(failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE))
        else:
            if failures:
                log.warning("%s is stored after all", what)
            return outcome


@contextmanager
def _passing_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if (meaning := _meaning(error)) is error:
            raise
        raise meaning from error


def _meaning(error: sqlite3.Error) -> Exception:
    """NotStored for what may succeed later."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF not in PASSING:
        return error
    return NotStored(f"The database takes nothing now ({error}): free space on its disk, or end what locks it.")


def snapshot(source: Path, target: Path) -> None:
    """Snapshot a database while others write to it. Raises StoreError."""
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            database.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise StoreError(f"{source}: the database cannot be copied ({error}).") from error


def jobs_in(path: Path) -> dict[int, bool]:
    """Every job of a database that is not deleted, and whether it has a picture. Raises StoreError."""
    try:
        with closing(sqlite3.connect(path)) as database:
            ((fault,),) = database.execute("PRAGMA quick_check(1)")
            if fault != "ok":
                raise StoreError(f"{path}: the database is damaged ({fault}).")
            return {job: bool(drawn) for job, drawn in database.execute(queries()["jobs_with_pictures"])}
    except sqlite3.Error as error:
        raise StoreError(f"{path}: this is not a database of Imago ({error}).") from error


def mark_deleted(path: Path, jobs: Iterable[int]) -> None:
    """Delete jobs in a copy that no bot has opened. Raises StoreError."""
    try:
        with closing(sqlite3.connect(path)) as database, database:
            for job in jobs:
                database.execute(queries()["delete_job"], {"job": job})
    except sqlite3.Error as error:
        raise StoreError(f"{path}: the copy cannot be changed ({error}).") from error


async def _migrate(connection: aiosqlite.Connection, path: Path) -> None:
    (version,) = next(iter(await connection.execute_fetchall("PRAGMA user_version")))
    steps = migrations()
    if version > steps[-1][0]:
        raise StoreError(f"{path}: the database was made by a newer Imago: install that one, or use another folder.")
    if new := "\n".join(script for number, script in steps if number > version):
        await connection.executescript(f"BEGIN IMMEDIATE;\n{new}\nPRAGMA user_version = {steps[-1][0]};\nCOMMIT;")


async def _close(connections: list[aiosqlite.Connection]) -> None:
    for connection in connections:
        await connection.close()
