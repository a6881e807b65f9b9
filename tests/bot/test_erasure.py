"""bot/moderation/erasure.py: with real files and a real database, alone and in the whole bot."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.config import LimitsConfig
from bot.errors import NotDelivered, UserError
from bot.jobs.job import Draw, Job, Kind, NewJob, Upscale
from bot.jobs.limits import DAY
from bot.jobs.queue import Queue
from bot.messages import Action, Address, Person, Stage
from bot.moderation.erasure import REMEMBERED, Eraser
from bot.storage.history import StoredHistory
from bot.storage.pictures import PictureStore
from bot.storage.store import Store
from engine import Request
from tests.bot.test_moderation import OWNED, bot_of_olga, told
from tests.fakes import fakes

ANN, BOB = Person(platform="web", id="annsecret"), Person(platform="web", id="bob")


class Rig:
    """A queue at a time that the test sets, and an eraser; nothing draws."""

    def __init__(self, store: Store, folder: Path, keep_days: int) -> None:
        self.now = 1e9
        self.ahead = 0.0  # seconds by which the host's clock is
        self.store, self.queue = store, Queue(store, LimitsConfig(queued=0, per_day=0), clock=lambda: self.now)
        self.pictures = PictureStore(folder / "pictures")
        self.history = StoredHistory(store, self.pictures)
        self.stopped: list[int] = []
        self.slept: list[float] = []
        self.eraser = Eraser(
            store=store,
            queue=self.queue,
            pictures=self.pictures,
            stop=self._stop,
            take_away=self._take_away,
            keep_days=keep_days,
            clock=lambda: self.now + self.ahead,
            steady=lambda: self.now,
            sleep=self._sleep,
        )

    async def _stop(self, job: Job) -> None:
        self.stopped.append(job.id)

    async def _take_away(self) -> None:
        pass

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if len(self.slept) == 40:
            raise asyncio.CancelledError

    async def drawn(self, owner: Person, key: str, kind: Kind = Kind.IMAGINE, parent: int | None = None) -> Job:
        """A job of somebody that has been delivered, with its files and messages."""
        request = Request(prompt=f"prompt of {owner.id}", steps=10)
        job, _ = await self.queue.put(
            NewJob(
                key=f"web:{owner.id}:{key}",
                owner=owner,
                address=Address(platform="web", chat=owner.id),
                answers="",
                work=Upscale(request=request, source=parent or 0) if kind is Kind.UPSCALE else Draw(request=request),
                kind=kind,
                parent=parent,
            )
        )
        await self.queue.claim()
        for name in (f"{job.id}.png", f"{job.id}.gif"):
            await self.pictures.save(name, b"x")
        await self.queue.mark_drawn(job.id, seconds=1.0, steps=10, width=8, height=8)
        await self.store.write("sent", job=job.id, role="status", message=f"m{job.id}")
        await self.queue.mark_delivered(job.id)
        return job

    async def has(self, job: Job) -> bool:
        """Whether anything of a job is left; half of it is a fault."""
        there = await self.queue.find(job.id) is not None
        assert there == ((await self.pictures.read(f"{job.id}.png")) is not None)
        return there


@asynccontextmanager
async def rig(folder: Path, keep_days: int = 0) -> AsyncIterator[Rig]:
    store = await Store.open(folder / "imago.sqlite")
    try:
        yield Rig(store, folder, keep_days)
    finally:
        await store.close()


def _bytes_in(folder: Path) -> bytes:
    """The database as it lies on the disk, with its log."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_to_be_forgotten_leaves_no_word_and_no_id_on_the_disk(tmp_path: Path) -> None:
    """Not in a table, not in a page that SQLite has freed, not in its log; others keep what is theirs."""
    async with rig(tmp_path) as bench:
        mine = await bench.drawn(ANN, "1")
        large = await bench.drawn(BOB, "2", Kind.UPSCALE, mine.id)
        remix = await bench.drawn(BOB, "3", Kind.REMIX, mine.id)
        for author, text in ((ANN.key, "a wish of annsecret"), ("bot", "“prompt of annsecret”")):
            await bench.history.add(ANN.id, text[:9], author, text)
        await bench.history.add(BOB.id, "n", BOB.key, "hello")
        await bench.queue.first_time("web:annsecret:k")
        await bench.queue.first_time("web:bob:k")
        waiting, _ = await bench.queue.put(
            NewJob(
                key="web:annsecret:4",
                owner=ANN,
                address=Address(platform="web", chat=ANN.id),
                work=Draw(request=Request(prompt="another of annsecret")),
            )
        )
        assert await bench.eraser.forget(ANN) == 3
        assert bench.stopped == [waiting.id]
        assert b"of annsecret" not in _bytes_in(tmp_path)
        assert not await bench.has(mine) and not await bench.has(large) and await bench.has(remix)
        kept = await bench.queue.find(remix.id)
        assert kept and kept.parent is None
        assert not await bench.queue.first_time("web:bob:k")
        assert [entry.body for entry in await bench.history.entries(BOB.id)] == ["hello"]
        removals = [(row["chat"], row["message"]) for row in await bench.store.rows("removals")]
        assert removals == [("annsecret", "m1"), ("bob", "m2"), ("annsecret", "1"), ("annsecret", "2")]
        for row in await bench.store.rows("removals"):
            await bench.store.write("removed", removal=row["id"])
        await bench.store.scrub()
        left = _bytes_in(tmp_path)
        assert b"annsecret" not in left and b"prompt of bob" in left


async def test_to_be_forgotten_gives_back_neither_place_nor_quota(tmp_path: Path) -> None:
    """Whoever was at the limit asked to be forgotten and went on, before everybody else."""
    async with rig(tmp_path) as bench:
        queue = Queue(bench.store, LimitsConfig(queued=0, per_day=3, server_per_day=3), clock=lambda: bench.now)
        bench.queue = queue
        for number in range(3):
            await bench.drawn(ANN, str(number))
        assert await bench.eraser.forget(ANN) == 3
        address = Address(platform="web", chat=ANN.id)
        kept = sqlite3.connect(tmp_path / "imago.sqlite")
        assert "annsecret" not in str(kept.execute("SELECT * FROM spent").fetchall())
        kept.close()
        with pytest.raises(UserError, match="too-many-today"):
            await queue.check_limits(ANN, address)
        with pytest.raises(UserError, match="too-many-here"):
            await queue.check_limits(BOB, address)
        bench.now += DAY - 1
        with pytest.raises(UserError, match="too-many-today"):
            await queue.check_limits(ANN, address)
        bench.now += 2
        await queue.check_limits(ANN, address)
        await bench.eraser.expire()
    with sqlite3.connect(tmp_path / "imago.sqlite") as database:
        assert database.execute("SELECT count(*) FROM spent").fetchone() == (0,)
    database.close()


async def test_to_be_forgotten_is_no_way_to_the_front(tmp_path: Path) -> None:
    """A large drawing has taken the turns of ten; they are still taken."""
    async with rig(tmp_path) as bench:

        def asked(owner: Person, key: str, steps: int) -> NewJob:
            request = Request(prompt="a star", models="toybox", steps=steps)
            address = Address(platform="web", chat=owner.id)
            return NewJob(key=key, owner=owner, address=address, work=Draw(request=request))

        large, _ = await bench.queue.put(asked(ANN, "1", 1000))
        await bench.queue.claim()
        await bench.queue.mark_failed(large.id, "failed-engine")
        await bench.eraser.forget(ANN)
        mine, _ = await bench.queue.put(asked(ANN, "2", 100))
        theirs = [(await bench.queue.put(asked(BOB, f"b{number}", 100)))[0] for number in range(8)]
        assert list(await bench.queue.positions()) == [job.id for job in (*theirs, mine)]


async def test_an_attached_picture_goes_also_where_a_remix_has_taken_it_over(tmp_path: Path) -> None:
    """It may show the person; what the other one attached stays."""
    async with rig(tmp_path) as bench:
        mine = await bench.drawn(ANN, "1")
        remix = await bench.drawn(BOB, "2", Kind.REMIX, mine.id)
        again = await bench.drawn(BOB, "3", Kind.RERUN, remix.id)
        for job, name, content in (
            (mine, "init", b"me"),
            (remix, "init", b"me"),
            (again, "target1", b"me"),
            (again, "target2", b"a cat"),
        ):
            await bench.pictures.save(f"{job.id}.{name}.png", content)
        await bench.eraser.forget(ANN)
        assert await bench.has(remix) and await bench.pictures.inputs(remix.id) == {}
        assert await bench.pictures.inputs(again.id) == {"target2": b"a cat"}


async def test_what_is_too_old_goes_at_the_start_and_each_day(tmp_path: Path) -> None:
    """On the day it gets too old, and not before; what still waits stays."""
    async with rig(tmp_path, keep_days=30) as bench:
        old = await bench.drawn(ANN, "1")
        bench.now += 10 * DAY
        newer = await bench.drawn(ANN, "2")
        waiting, _ = await bench.queue.put(
            NewJob(
                key="w",
                owner=BOB,
                address=Address(platform="web", chat="bob"),
                work=Draw(request=Request(prompt="a star")),
            )
        )
        assert await bench.eraser.expire() == 0
        bench.now += 20 * DAY
        assert await bench.eraser.expire() == 0 and await bench.has(old)
        bench.now += 1.0
        assert await bench.eraser.expire() == 1
        assert not await bench.has(old) and await bench.has(newer)
        with pytest.raises(asyncio.CancelledError):
            await bench.eraser.run()
        assert bench.slept == [DAY] * 40
        assert not await bench.has(newer) and await bench.queue.find(waiting.id)
        assert not await bench.store.rows("removals"), "the chats' messages stay"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_jumps_ahead_deletes_nothing_before_a_day(tmp_path: Path, restarted: bool) -> None:
    """With the host's clock 40 days ahead everything was deleted at once; also where that happened before a start."""
    async with rig(tmp_path, keep_days=30) as bench:

        def ahead(seconds: float) -> None:
            """Set the host's clock, with or without a restart of the bot."""
            nonlocal bench
            now, old = bench.now, bench
            if restarted:
                bench = Rig(old.store, tmp_path, 30)
            bench.now, bench.ahead = now, seconds

        job = await bench.drawn(ANN, "1")
        assert await bench.eraser.expire() == 0
        for _ in range(2):
            ahead(40 * DAY)
            assert await bench.eraser.expire() == 0
            bench.now += DAY / 2
            assert await bench.eraser.expire() == 0 and await bench.has(job)
            ahead(0.0)
            bench.now += DAY / 2
            assert await bench.eraser.expire() == 0 and await bench.has(job), "it was set right"
        ahead(40 * DAY)
        assert await bench.eraser.expire() == 0
        bench.now += DAY
        ahead(40 * DAY)
        assert await bench.eraser.expire() == 1, "the bot was stopped for 40 days: it is the time, also after a restart"


async def test_nothing_is_ever_too_old_where_the_config_says_so(tmp_path: Path) -> None:
    """But of what was deleted not even a number stays, once no platform delivers its update again."""
    async with rig(tmp_path) as bench:
        kept, deleted = await bench.drawn(ANN, "1"), await bench.drawn(BOB, "2")
        await bench.history.add(ANN.id, "n", ANN.key, "a star")
        await bench.eraser.delete(deleted)
        bench.now += REMEMBERED
        assert await bench.eraser.expire() == 0
        bench.now += 1000 * DAY
        assert await bench.eraser.expire() == 1
        assert await bench.has(kept) and await bench.history.entries(ANN.id)
    with sqlite3.connect(tmp_path / "imago.sqlite") as database:
        assert database.execute("SELECT id FROM jobs").fetchall() == [(1,)]
        assert database.execute("SELECT key FROM people").fetchall() == [("web:annsecret",)]
    database.close()


async def test_a_conversation_of_our_own_grows_old_too(tmp_path: Path) -> None:
    """Prompts stand in it."""
    async with rig(tmp_path, keep_days=1) as bench:
        await bench.history.add(ANN.id, "n", ANN.key, "a star")
        (entry,) = await bench.history.entries(ANN.id)
        bench.now = entry.created + 2 * DAY
        await bench.eraser.expire()
        assert not await bench.history.entries(ANN.id)


async def test_a_purge_takes_the_line_that_asked_along(tmp_path: Path) -> None:
    """On the page the prompt would else stand there for ever; a line of somebody else's is not touched."""
    async with rig(tmp_path) as bench:
        mine = await bench.history.add(ANN.id, "n", ANN.key, "prompt of annsecret")
        theirs = await bench.history.add(ANN.id, "m", "bot", "an answer")
        for number, answers in enumerate((mine, theirs)):
            job, _ = await bench.queue.put(
                NewJob(
                    key=str(number),
                    owner=ANN,
                    address=Address(platform="web", chat=ANN.id),
                    answers=str(answers),
                    work=Draw(request=Request(prompt="prompt of annsecret")),
                )
            )
            await bench.eraser.purge(job)
        assert [row["message"] for row in await bench.store.rows("removals")] == [str(mine)]


async def test_what_could_not_be_taken_away_is_taken_after_the_next_start(tmp_path: Path) -> None:
    """A chat that is down, or a bot that is killed, must not save a picture from its deletion."""
    chat = fakes.Chat()
    async with fakes.bot(tmp_path, chat, moderation=OWNED):
        await chat.says("a star")
        await chat.until_stage(Stage.FINAL)
        chat.trouble = [NotDelivered()] * 1000
        await chat.presses(Action.DELETE, 1)
    assert chat.messages
    chat.trouble = []
    async with fakes.bot(tmp_path, chat, moderation=OWNED):
        async with asyncio.timeout(20):
            while chat.messages:
                chat.moved.clear()
                await chat.moved.wait()


async def test_a_message_that_is_on_its_way_while_its_job_goes_is_taken_back(tmp_path: Path) -> None:
    """The chat had not said yet which message it is."""

    class Slow(fakes.Chat):
        def __init__(self) -> None:
            super().__init__()
            self.sending, self.sent = asyncio.Event(), asyncio.Event()

        async def send(self, *args: object, **values: object) -> str:
            self.sending.set()
            await self.sent.wait()
            return await super().send(*args, **values)  # type: ignore[arg-type]

    chat, engine = Slow(), fakes.Engine()
    engine.gate.clear()
    async with fakes.bot(tmp_path, chat, engine):
        await chat.says("a star")
        await chat.sending.wait()
        await chat.presses(Action.DELETE, 1)
        chat.sent.set()
    assert not chat.messages and len(chat.nonces) == 1


async def test_forgetting_somebody_whose_picture_is_being_drawn_ends_the_drawing(tmp_path: Path) -> None:
    """And the engine goes on with the next one."""
    async with bot_of_olga(tmp_path) as (chat, engine):
        engine.gate.clear()
        await chat.says("a moon")
        await chat.until_stage(Stage.WAITING, job=2)
        code = (await told(chat, "/forget me"))[-4:]
        assert code.isdigit()
        await chat.says("/forget me")
        mine = (await chat.until(lambda s: "/forget me" in s[-1].text and code not in s[-1].text))[-1].text[-4:]
        await chat.says(f"/forget me {mine}")
        await chat.until(lambda states: "has been deleted, including 2 pictures" in states[-1].text)
        engine.gate.set()
        await chat.says("a sun", who="bob")
        await chat.until_stage(Stage.FINAL, job=3)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["3.gif", "3.png"]
