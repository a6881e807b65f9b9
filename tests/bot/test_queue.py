"""bot/jobs/queue.py: real SQLite in a temporary folder."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import LimitsConfig
from bot.errors import UserError
from bot.jobs.cost import cost_of
from bot.jobs.job import Draw, Job, Kind, NewJob, Status, Upscale
from bot.jobs.queue import LONG, Queue, Speed, Usual
from bot.messages import Address, Person
from bot.storage.store import Store
from engine import Request


@asynccontextmanager
async def opened(path: Path, usual: Usual = {}.get, **limits: int) -> AsyncIterator[Queue]:
    store = await Store.open(path / "a.sqlite")
    try:
        yield Queue(store, LimitsConfig(**{"queued": 100, **limits}), clock=lambda: 1e9, usual=usual)
    finally:
        await store.close()


def new(owner: str, key: str, **values: object) -> NewJob:
    drawing: dict[str, object] = {"work": Draw(request=Request(prompt=f"a star for {owner}", steps=10))}
    address = Address(platform="fake", chat="c")
    return NewJob(key=key, owner=Person(platform="fake", id=owner), address=address, **(drawing | values))  # type: ignore[arg-type]


async def put(queue: Queue, *jobs: tuple[str, str]) -> list[Job]:
    return [(await queue.put(new(owner, key)))[0] for owner, key in jobs]


async def claim_all(queue: Queue) -> list[int]:
    order = []
    while job := await queue.claim():
        order.append(job.id)
        await queue.mark_failed(job.id, "failed-engine")
    return order


async def test_the_same_update_twice_makes_one_job(tmp_path: Path) -> None:
    """Platforms deliver again what they think we have missed; also at the same moment, and after a restart."""
    async with opened(tmp_path) as queue:
        first, second = await asyncio.gather(queue.put(new("ann", "k")), queue.put(new("ann", "k")))
        assert first == (second[0], True) and second[1] is False
    async with opened(tmp_path) as queue:
        assert await queue.put(new("ann", "k")) == (first[0], False)
        await queue.delete(first[0].id)
        assert (await queue.put(new("ann", "k")))[1] is False


async def test_people_take_turns_and_each_is_served_in_order(tmp_path: Path) -> None:
    """Somebody who queued 50 does not hold up somebody who queued 1."""
    async with opened(tmp_path) as queue:
        a1, a2, a3, b1, b2, c1 = await put(
            queue, ("ann", "1"), ("ann", "2"), ("ann", "3"), ("bob", "4"), ("bob", "5"), ("cy", "6")
        )
        places = await queue.positions()
        assert [place for place, _ in places.values()] == [1, 2, 3, 4, 5, 6]
        foreseen = list(places)
        assert foreseen == [job.id for job in (a1, b1, c1, a2, b2, a3)]
        assert await claim_all(queue) == foreseen
        (a4,) = await put(queue, ("ann", "7"))
        (d1,) = await put(queue, ("dan", "8"))
        assert await claim_all(queue) == [a4.id, d1.id], "a newcomer's turn comes after those that are owed one"


async def test_many_new_names_do_not_go_before_somebody_who_was_served_once(tmp_path: Path) -> None:
    """A name costs nothing; 300 of them were all drawn first."""
    async with opened(tmp_path) as queue:
        await put(queue, ("ann", "0"))
        assert len(await claim_all(queue)) == 1
        await put(queue, *((f"new{number}", f"n{number}") for number in range(30)))
        (again,) = await put(queue, ("ann", "1"))
        assert (await claim_all(queue))[0] == again.id
        await put(queue, *((f"newer{number}", f"m{number}") for number in range(30)))
        (third,) = await put(queue, ("ann", "2"))
        assert third.id in (await claim_all(queue))[:2]


async def test_who_was_away_has_saved_no_turns(tmp_path: Path) -> None:
    """Only what is asked for at the same time competes."""
    async with opened(tmp_path) as queue:
        await put(queue, ("ann", "0"), *(("bob", f"b{number}") for number in range(20)))
        await claim_all(queue)
        a1, a2, b1, b2 = await put(queue, ("ann", "1"), ("ann", "2"), ("bob", "x"), ("bob", "y"))
        assert (await claim_all(queue))[:2] == [a1.id, b1.id]


async def test_a_job_takes_as_many_turns_as_it_is_work(tmp_path: Path) -> None:
    """Ten times the steps are ten turns, while others draw theirs."""
    large = Draw(request=Request(prompt="a star", models="toybox", steps=600))
    normal = Draw(request=Request(prompt="a star", models="toybox"))
    async with opened(tmp_path) as queue:
        asked = [new("ann", f"a{number}", work=large) for number in range(2)]
        asked += [new("bob", f"b{number}", work=normal) for number in range(12)]
        jobs = [(await queue.put(each))[0] for each in asked]
        assert jobs[0].cost == 10
        order = await claim_all(queue)
        foreseen = order.index(jobs[1].id)
        assert foreseen == 11, "ten of bob's after ann's first"
        assert await queue.speed() == Speed()


async def test_a_large_job_counts_as_several_against_the_limits(tmp_path: Path) -> None:
    """And waits accordingly."""
    large = Draw(request=Request(prompt="a star", models="toybox", steps=240))
    async with opened(tmp_path, queued=5, per_job=10) as queue:
        await queue.put(new("ann", "1", work=large))
        await queue.put(new("ann", "2", work=large))
        with pytest.raises(UserError, match="too-many-queued"):
            await put(queue, ("ann", "3"))
        with pytest.raises(UserError, match="job-too-large"):
            await queue.put(new("bob", "4", work=replace(large, request=replace(large.request, count=4))))
        job = await queue.claim()
        assert job and await queue.mark_drawn(job.id, seconds=8.0, steps=240, width=8, height=8)
        assert (await queue.expected_seconds(job)) == 8.0
        await queue.put(new("bob", "5", work=Draw(request=replace(large.request, steps=10))))
        (first, _), (second, wait) = (await queue.positions()).values()
        assert (first, second) == (1, 2) and wait == pytest.approx(8.0 * 10 / 240)


async def test_names_of_one_browser_share_limits_and_turns(tmp_path: Path) -> None:
    """On the chat page a name is a label: 30 of them queued 90 pictures."""

    def asked(name: str, browser: str = "b") -> NewJob:
        person = Person(platform="fake", id=name, account=browser, server="page", server_queued=5)
        return replace(new(name, name), owner=person)

    async with opened(tmp_path, queued=3) as queue:
        outcomes = await asyncio.gather(*(queue.put(asked(f"n{n}")) for n in range(30)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, UserError)]
        assert len(refused) == 27 and {error.text for error in refused} == {"too-many-queued"}
        others = [(await queue.put(asked(name, name)))[0] for name in ("x", "y")]
        assert (await claim_all(queue))[1:3] == [other.id for other in others]
        assert len(await queue.active_of("fake:b")) == 0
        for name in "pqrst":
            await queue.put(asked(name, name))
        with pytest.raises(UserError, match="too-many-queued-here"):
            await queue.put(asked("z", "z"))


async def test_what_was_begun_goes_first_after_a_restart(tmp_path: Path) -> None:
    """Its owner has waited already, and it has a checkpoint."""
    async with opened(tmp_path) as queue:
        await put(queue, ("ann", "1"), ("ann", "2"), ("bob", "3"))
        begun = await queue.claim()
        assert begun
        await queue.requeue_all()
        again = await queue.claim()
        assert again and again.id == begun.id


async def test_a_claim_is_the_first_in_line_whose_person_may_have_one_more(tmp_path: Path) -> None:
    """A claim reads one job of each person, by index, and the places everybody was told read all: one order."""
    choice = random.Random(7)
    async with opened(tmp_path, running=2, per_day=0) as queue:
        running: list[Job] = []
        for number in range(400):
            match choice.choice("pppcccdr"):
                case "p":
                    work = Draw(request=Request(prompt="a star", count=choice.choice([1, 1, 1, 4])))
                    await queue.put(new(f"p{choice.randrange(12)}", str(number), work=work))
                case "c":
                    drawn = Counter(job.account for job in running)
                    rows = await queue._store.rows("waiting")
                    free = [row["id"] for row in rows if drawn[row["account"]] < 2]
                    job = await queue.claim()
                    assert (job.id if job else None) == (free[0] if free else None)
                    running += [job] if job else []
                case "d" if running:
                    await queue.mark_failed(running.pop(choice.randrange(len(running))).id, "failed-engine")
                case "r" if running:
                    await queue.requeue(running.pop().id)


async def test_places_in_a_long_queue_hold_for_a_while_and_a_new_job_gets_one(tmp_path: Path) -> None:
    """Working them out anew for each picture was the first thing that did not keep up with 100 GPUs."""
    async with opened(tmp_path, queued=0, per_day=0) as queue:
        jobs = await asyncio.gather(*(queue.put(new(f"p{k}", str(k))) for k in range(LONG)))
        places = await queue.positions()
        queue._places_hold_until += 1000  # on a busy machine the next line takes longer than they hold
        await queue.cancel(jobs[0][0].id)
        assert await queue.positions() is places and len(places) == LONG
        queue._places_hold_until -= 1000
        late, _ = await queue.put(new("late", "late"))
        assert await queue.position(late.id) == (LONG, None)
        assert await queue.position(jobs[0][0].id) is None


async def test_limits_hold_within_one_batch_and_against_what_is_stored(tmp_path: Path) -> None:
    """Ten messages at once are still ten messages."""
    async with opened(tmp_path, queued=3, per_day=4) as queue:
        await put(queue, ("ann", "0"))
        asked = [queue.put(new("ann", str(i))) for i in range(1, 6)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, UserError)]
        assert len(refused) == 3 and {error.text for error in refused} == {"too-many-queued"}
        assert (await queue.put(new("bob", "b")))[1]
        await claim_all(queue)
        await put(queue, ("ann", "8"))
        with pytest.raises(UserError, match="too-many-today"):
            await put(queue, ("ann", "9"))


async def test_a_server_has_a_limit_over_all_its_chats_and_people(tmp_path: Path) -> None:
    """A Discord server is many channels; elsewhere a chat is a server of its own."""

    def asked(owner: str, key: str, chat: str, server: str = "") -> NewJob:
        person = Person(platform="fake", id=owner, server=server)
        return replace(new(owner, key), owner=person, address=Address(platform="fake", chat=chat))

    async with opened(tmp_path, server_per_day=2) as queue:
        await queue.put(asked("ann", "1", "c", "s"))
        await queue.put(asked("bob", "2", "d", "s"))
        with pytest.raises(UserError, match="too-many-here"):
            await queue.put(asked("cy", "3", "e", "s"))
        for number in range(2):
            await queue.put(asked("ann", f"c{number}", "c"))
        with pytest.raises(UserError, match="too-many-here"):
            await queue.put(asked("bob", "4", "c"))


async def test_one_person_runs_no_more_at_a_time_than_allowed(tmp_path: Path) -> None:
    """With more engines, too."""
    async with opened(tmp_path, running=1) as queue:
        await put(queue, ("ann", "1"), ("ann", "2"), ("bob", "3"))
        owners = [job.owner for job in [await queue.claim(), await queue.claim()] if job]
        assert owners == ["fake:ann", "fake:bob"]
        assert await queue.claim() is None


async def test_a_job_ends_once(tmp_path: Path) -> None:
    """Cancel and the last step may come at the same moment; one of them wins."""
    async with opened(tmp_path) as queue:
        await put(queue, ("ann", "1"))
        job = await queue.claim()
        assert job and await queue.cancel(job.id)
        assert not await queue.mark_drawn(job.id, seconds=1.0, steps=10, width=8, height=8)
        assert not await queue.cancel(job.id) and not await queue.mark_failed(job.id, "failed-engine")
        assert [j.status for j in await queue.undelivered()] == [Status.CANCELLED]
        await queue.mark_delivered(job.id)
        assert await queue.undelivered() == []


async def test_a_picture_is_delivered_once_the_chat_has_shown_it(tmp_path: Path) -> None:
    """Until then a restart shows it again."""
    async with opened(tmp_path) as queue:
        await put(queue, ("ann", "1"))
        job = await queue.claim()
        assert job and await queue.mark_drawn(job.id, seconds=1.0, steps=10, width=8, height=8)
        assert [j.status for j in await queue.undelivered()] == [Status.DRAWN]
        await queue.mark_delivered(job.id)
        assert await queue.counts() == {Status.DELIVERED: 1}


async def test_the_wait_is_what_the_engine_took_lately(tmp_path: Path) -> None:
    """An honest estimate: nothing before anything was measured, then seconds a step times steps."""
    async with opened(tmp_path) as queue:
        await put(queue, ("ann", "1"), ("bob", "2"), ("cy", "3"))
        assert list((await queue.positions()).values()) == [(1, 0.0), (2, None), (3, None)]
        job = await queue.claim()
        assert job
        await queue.mark_drawn(job.id, seconds=5.0, steps=10, width=8, height=8)
        assert list((await queue.positions()).values()) == [(1, 0.0), (2, 5.0)]
        speed = await queue.speed()
        pace = pytest.approx(5.0 / cost_of(job.work))
        assert speed.drawing == {job.request.models: pace}, "its 10 steps are a part of a normal drawing"


async def test_the_wait_is_told_by_model_set(tmp_path: Path) -> None:
    """A picture of a large set takes minutes, whatever the small ones took lately."""
    large, small = (Draw(request=Request(prompt="a star", models=name)) for name in ("imagenet256", "toybox"))
    async with opened(tmp_path, usual={"imagenet256": 360.0}.get) as queue:
        for who, work, seconds in (("ann", small, 3.0), ("bob", large, 500.0)):
            job, _ = await queue.put(new(who, who, work=work))
            assert await queue.expected_seconds(job) == (None if work is small else 360.0), "as far as it is known"
            await queue.claim()
            await queue.mark_drawn(job.id, seconds=seconds, steps=10, width=8, height=8)
            assert await queue.expected_seconds(job) == seconds


async def test_a_deleted_job_is_no_more_for_anybody(tmp_path: Path) -> None:
    """And its prompt is gone from the disk."""
    async with opened(tmp_path) as queue:
        (job,) = await put(queue, ("ann", "1"))
        await queue.delete(job.id)
        assert await queue.find(job.id) is None and await queue.claim() is None
        assert await queue.find(-1) is None and await queue.find(1 << 70) is None
    assert b"a star for ann" not in (tmp_path / "a.sqlite").read_bytes()


async def test_an_upscaling_is_found_by_its_parent(tmp_path: Path) -> None:
    """So that asking again does not make it again."""
    async with opened(tmp_path) as queue:
        (parent,) = await put(queue, ("ann", "1"))
        assert await queue.upscaling_of(parent.id) is None
        work = Upscale(request=parent.request, source=parent.id)
        child, _ = await queue.put(new("ann", "2", work=work, kind=Kind.UPSCALE, parent=parent.id))
        assert await queue.upscaling_of(parent.id) == child and await queue.upscaling_of(parent.id, 2) is None
        second = replace(work, picture=2)
        other, _ = await queue.put(new("ann", "3", work=second, kind=Kind.UPSCALE, parent=parent.id))
        assert await queue.upscaling_of(parent.id, 2) == other and other.work == second


async def test_a_chat_that_moves_takes_its_jobs_along(tmp_path: Path) -> None:
    """What was shown in the old one cannot be edited: what is still to be shown is sent anew, the rest is left."""
    async with opened(tmp_path) as queue:
        done, waiting = await put(queue, ("ann", "1"), ("ann", "2"))
        for job in (done, waiting):
            await queue._store.write("sent", job=job.id, role="status", message=f"c:{job.id}")
        await queue.claim()
        await queue.mark_failed(done.id, "failed-engine")
        await queue.mark_delivered(done.id)
        for _ in range(2):
            await queue.move_chat(done.address, Address(platform="fake", chat="new"))
        rows = [await queue._store.row("intent", job=job.id, role="status") for job in (done, waiting)]
        assert [row["message"] for row in rows if row] == ["c:1", None]
        assert {(await queue.find(job.id)).address.chat for job in (done, waiting)} == {"new"}  # type: ignore[union-attr]
