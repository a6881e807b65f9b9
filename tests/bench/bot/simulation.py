"""`python -m tests.bench.bot.simulation`: the real queue on a real database, up to 1,000 GPUs and a million people.

Time is virtual and the engines are scripted: a picture takes as long as it is said to. What is measured is what the bot
itself has to do for each picture, in milliseconds of this machine, against what so many GPUs ask of it.
"""

import argparse
import asyncio
import heapq
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.config import LimitsConfig
from bot.jobs.estimate import Company, Load
from bot.jobs.job import Draw, Job, NewJob
from bot.jobs.queue import Queue
from bot.messages import Address, Person
from bot.storage.store import Store
from engine import Request
from tests.bench.bot.cluster import resident

AT_ONCE = 8  # pictures that a GPU draws at a time
SECONDS = 45.0  # of a picture then
CHECKPOINT = 900_000  # bytes: state and preview of a picture of 256 × 256
CHECKPOINTS = 10  # of a drawing
HISTORY = """
INSERT INTO people (key, share, served) WITH RECURSIVE n (k) AS (VALUES (1) UNION ALL SELECT k + 1 FROM n WHERE k < {0})
SELECT 'fake:' || k, 0, k FROM n;
INSERT INTO jobs (key, owner, account, cost, language, platform, chat, thread, server, answers, request, kind, status,
                  created, started, steps, seconds, width, height, told)
SELECT 'old ' || key, key, key, 1, 'en', 'fake', key, '', 'fake:' || served % 1000, '',
       '{{"prompt": "a red star on a blue background", "seed": 7}}', 'imagine', 'delivered', {1}, {1}, 100, {2},
       256, 256, 1
FROM people;
"""


class Clock:
    """Virtual seconds."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Simulation:
    """One size of the world."""

    def __init__(self, folder: Path, gpus: int, people: int, queued: int) -> None:
        self.path, self.gpus, self.people, self.queued = folder / "imago.sqlite", gpus, people, queued
        self.clock, self.running, self.ends = Clock(), {}, []
        self.times: dict[str, list[float]] = {}
        self.expected: dict[int, float] = {}  # job → when it was said to begin
        self.begun: dict[int, float] = {}
        self.order: list[str] = []  # whose pictures were begun
        self.keys = 0

    async def open(self) -> None:
        """A database in which everybody has had one picture."""
        await self._open()
        await self.store.close()
        database = sqlite3.connect(self.path)
        database.executescript(HISTORY.format(self.people, self.clock.now - 100_000, SECONDS))
        database.close()
        await self._open()

    async def _open(self) -> None:
        self.store = await Store.open(self.path)
        self.queue = Queue(self.store, LimitsConfig(), self.clock)
        self.queue.company = self.company

    def company(self) -> Company:
        running = [
            Load(owner=job.account, pictures=1, seconds=end - self.clock.now) for end, job in self.running.values()
        ]
        return Company(running=running, at_once=self.gpus * AT_ONCE)

    async def timed(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        began = time.perf_counter()
        result = await work()
        self.times.setdefault(name, []).append(1000 * (time.perf_counter() - began))
        return result

    def new_job(self, person: int) -> NewJob:
        self.keys += 1
        return NewJob(
            key=f"new {self.keys}",
            owner=Person(platform="fake", id=str(person), name=f"person {person}"),
            address=Address(platform="fake", chat=f"c{person}"),
            work=Draw(request=Request(prompt="a red star on a blue background", seed=person)),
        )

    async def fill(self) -> None:
        """Many people ask in the same minute: a tenth of them for three pictures."""
        people = random.Random(7).sample(range(1, self.people + 1), self.queued * 8 // 10)
        people += 2 * people[: self.queued // 10]
        for at in range(0, len(people), 500):
            batch = [self.new_job(person) for person in people[at : at + 500]]
            await self.timed("put 500", lambda batch=batch: asyncio.gather(*map(self.queue.put, batch)))

    async def claim(self) -> bool:
        job: Job | None = await self.timed("claim", self.queue.claim)
        if job is None:
            return False
        self.begun[job.id] = self.clock.now
        self.order.append(job.account)
        end = self.clock.now + random.uniform(0.8, 1.2) * SECONDS
        self.running[job.id] = end, job
        heapq.heappush(self.ends, (end, job.id))
        return True

    async def finish(self) -> None:
        self.clock.now, job = heapq.heappop(self.ends)
        del self.running[job]
        size = {"width": 256, "height": 256}
        await self.timed("drawn", lambda: self.queue.mark_drawn(job, seconds=SECONDS, steps=100, **size))
        await self.timed("told", lambda: self.queue.mark_delivered(job))

    async def checkpoints(self, number: int) -> None:
        """As many jobs at a time as the writer is given."""
        state = random.Random(7).randbytes(CHECKPOINT)
        jobs = list(self.running)[:number]
        write = self.store.write
        for _ in range(2):
            await self.timed(
                f"{len(jobs)} checkpoints",
                lambda: asyncio.gather(*(write("put_checkpoint", job=job, state=state, preview=None) for job in jobs)),
            )

    async def run(self, seconds: float) -> None:
        """Fill the engines, then draw until so many seconds of this machine are over or nobody waits."""
        deadline = time.monotonic() + seconds
        places = await self.timed("positions", self.queue.positions)
        self.expected = {job: self.clock.now + wait for job, (_, wait) in places.items() if wait is not None}
        while len(self.running) < self.gpus * AT_ONCE and time.monotonic() < deadline and await self.claim():
            pass
        deadline = time.monotonic() + seconds
        while self.ends and time.monotonic() < deadline:
            await self.finish()
            await self.claim()

    def unfair(self) -> int:
        """Pictures that were somebody's second while somebody else still waited for a first."""
        last_first = len(dict.fromkeys(self.order)) == self.queued * 8 // 10
        firsts = {who: at for at, who in reversed(list(enumerate(self.order)))}
        until = max(firsts.values()) if last_first else len(self.order)
        return sum(firsts[who] < at < until for at, who in enumerate(self.order))

    def errors(self) -> list[float]:
        """How far the beginnings were from what was said, as a share of the wait, for waits over a minute."""
        began = self.clock.now - max(0.0, *(self.clock.now - at for at in self.begun.values()), 0.0)
        waits = [(self.begun[job] - began, at - began) for job, at in self.expected.items() if job in self.begun]
        return [abs(said - real) / real for real, said in waits if real > 60]


async def simulate(folder: Path, gpus: int, people: int, queued: int, seconds: float) -> str:
    """One line of figures."""
    world = Simulation(folder, gpus, people, queued)
    before = resident()
    await world.open()
    await world.fill()
    size = world.path.stat().st_size / 1e6
    await world.run(seconds)
    await world.checkpoints(min(32, len(world.running)))
    memory = resident() - before
    await world.store.close()
    return report(world, size, memory)


def report(world: Simulation, size: float, memory: float) -> str:
    """Milliseconds of each piece of work, and the pictures a second that it allows."""
    middle = {name: statistics.median(times) for name, times in world.times.items()}
    each = middle["put 500"] / 500 + middle["claim"] + middle.get("drawn", 0.0) + middle.get("told", 0.0)
    needed = world.gpus * AT_ONCE / SECONDS
    (stored,) = (time for name, time in middle.items() if name.endswith("checkpoints"))
    number = next(int(name.split()[0]) for name in middle if name.endswith("checkpoints"))
    parts = [f"{name} {middle[name]:.2f} ms" for name in middle]
    errors = world.errors()
    estimates = f"{100 * statistics.median(errors):.0f} % off (median of {len(errors)})" if errors else "not seen"
    return (
        f"{world.gpus} GPUs, {world.people} people, {world.queued} in the queue: {', '.join(parts)}; "
        f"{1000 / each:.0f} pictures/s possible, {needed:.1f} wanted; "
        f"{1000 * number / stored:.0f} checkpoints/s possible, {needed * CHECKPOINTS:.0f} wanted; "
        f"{len(world.begun)} begun, {world.unfair()} out of turn; "
        f"estimates {estimates}; database {size:.0f} MB, memory {memory:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpus", type=int, nargs="*", default=[1, 10, 100, 1000])
    parser.add_argument("--seconds", type=float, default=20.0, help="of this machine, for filling and for drawing")
    args = parser.parse_args()
    for gpus in args.gpus:
        with tempfile.TemporaryDirectory() as folder:
            print(asyncio.run(simulate(Path(folder), gpus, 1000 * gpus, 100 * gpus, args.seconds)), flush=True)


if __name__ == "__main__":
    main()
