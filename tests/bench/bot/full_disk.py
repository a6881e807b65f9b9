"""`python -m tests.bench.bot.full_disk`, as root: a full disk or a locked database at each point of a job.

The whole bot works on a tmpfs of a few megabytes, with a fake chat and the scripted engine, which hold still at the
point in question until the disk is full or another program holds the lock. Then the trouble ends, and every job has to
end in one picture.
"""

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.messages import Address, Reply, Stage
from engine import Checkpoint, Event, Finished, Request, UpscaleRequest
from tests.fakes import fakes, scripted

POINTS = ("queueing", "claim", "checkpoint", "picture", "GIF", "final")
JOBS = 4  # a point and round, of two people
STEPS = 20
GIF = b"GIF89a" + bytes(64 * 1024)

Begin = Callable[[], Awaitable[None]]


class Engine(fakes.Engine):
    """Calls `reached` before a checkpoint, and before a finished picture is handed over."""

    def __init__(self, reached: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._reached = reached

    async def events(
        self, request: Request | UpscaleRequest, resume: bytes | None = None, **given: Any
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(super().events(request, resume, **given)) as events:
            async for event in events:
                if isinstance(event, Checkpoint):
                    await self._reached("checkpoint")
                elif isinstance(event, Finished):
                    await self._reached("picture")
                    await self._reached("GIF")
                    event = replace(event, gif=GIF)
                yield event


class Chat(fakes.Chat):
    """Calls `reached` when it has shown a final, before the bot can note that down. It knows no nonces."""

    def __init__(self, reached: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._reached = reached
        self._sends = 0

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        self._sends += 1
        return await super().send(address, reply, nonce=f"{nonce} {self._sends}", answers=answers)

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        await super().edit(address, message, reply)
        if reply.stage is Stage.FINAL:
            await self._reached("final")


class Trouble:
    """Begins once, when the wanted point is reached, and ends by itself."""

    def __init__(self, point: str, trouble: Callable[[str], Any], seconds: float) -> None:
        self._point, self._trouble, self._seconds = point, trouble, seconds
        self._task: asyncio.Task[None] | None = None
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def reached(self, point: str) -> None:
        if point == self._point and self._task is None:
            self._task = asyncio.create_task(self._last())
            await self.begun.wait()

    async def _last(self) -> None:
        async with self._trouble(self._point):
            self.begun.set()
            await asyncio.sleep(self._seconds)
        self.over.set()


@asynccontextmanager
async def full(folder: Path, point: str) -> AsyncIterator[None]:
    """No byte is free; at the GIF there is room for the picture alone."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
        if point == "GIF":
            os.truncate(ballast, max(0, file.tell() - 32 * 1024))
    try:
        yield
    finally:
        ballast.unlink()


@asynccontextmanager
async def locked(folder: Path, point: str) -> AsyncIterator[None]:
    """Another program writes to the database and takes its time."""
    options: dict[str, Any] = {"isolation_level": None, "timeout": 30, "check_same_thread": False}
    connection = sqlite3.connect(folder / "imago.sqlite", **options)
    await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")  # the bot may be writing
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def play(folder: Path, point: str, trouble: Callable[[Path, str], Any], seconds: float) -> Counter[str]:
    """One bot, one trouble; what came of its jobs."""
    fault = Trouble(point, lambda at: trouble(folder, at), seconds)
    chat, engine = Chat(fault.reached), Engine(fault.reached)
    found: Counter[str] = Counter()
    async with fakes.bot(folder, chat, engine) as app:
        if point == "claim":
            engine.at_once = 0
        if point == "queueing":
            await fault.reached(point)
        asked = {f"k{number}": f"a star --steps {STEPS} --seed {number}" for number in range(JOBS)}
        for number, (key, text) in enumerate(asked.items()):
            await chat.says(text, key=key, who=f"person {number % 2}")
        if point == "claim":
            await fault.reached(point)
            engine.at_once = 1
            engine.on_change()
        await asyncio.wait_for(fault.over.wait(), 120)
        for number, (key, text) in enumerate(asked.items()):  # whoever was told to try again does so
            await chat.says(text, key=key, who=f"person {number % 2}")
        async with asyncio.timeout(120):
            while (await app.counts()).get("delivered", 0) < JOBS:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)  # for what should not come
        ends = Counter(states[-1].job for states in chat.messages.values() if states[-1].stage is Stage.FINAL)
        shown = [states[-1].picture for states in chat.messages.values() if states[-1].stage is Stage.FINAL]
        right = {scripted.png(seed, STEPS) for seed in range(JOBS)}
        found["jobs"] = JOBS
        found["lost"] = len(right - {picture.content for picture in shown if picture})
        found["doubled"] = sum(count - 1 for count in ends.values())
        ways = [reply for states in chat.messages.values() for reply in states]
        found["wrong reasons"] = sum(reply.stage is Stage.FAILED for reply in ways) + len(engine.asked) - JOBS
        app._probed = 0.0
        found["restarts needed"] = bool(await app.trouble())
    return found


@asynccontextmanager
async def small_disk(megabytes: int) -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def start_on_a_full_disk(folder: Path) -> tuple[int, str]:
    """The exit code and what it says."""
    config = folder / "config.toml"
    config.write_text(f'[bot]\nfolder = "{folder}/bot"\n[web]\nport = 0\n')

    async def run() -> tuple[int, str]:
        async with full(folder, "start"):
            command = [sys.executable, "-m", "bot", "serve", "--config", str(config)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            return done.returncode, done.stderr.strip()

    return asyncio.run(run())


async def measure(rounds: int, lock_seconds: float) -> Counter[str]:
    troubles = {"full disk": (full, 3.0), "locked database": (locked, lock_seconds)}
    total: Counter[str] = Counter()
    for name, (trouble, seconds) in troubles.items():
        for point in POINTS:
            of_point: Counter[str] = Counter()
            for _ in range(rounds):
                async with small_disk(4) as folder:
                    of_point += await play(folder, point, trouble, seconds)
            print(f"{name}, {point:10} " + ", ".join(f"{key} {of_point[key]}" for key in KEYS), flush=True)
            total += of_point
    return total


KEYS = ("jobs", "lost", "doubled", "wrong reasons", "restarts needed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lock-seconds", type=float, default=12.0)
    args = parser.parse_args()
    total = asyncio.run(measure(args.rounds, args.lock_seconds))
    print("in all: " + ", ".join(f"{key} {total[key]}" for key in KEYS))

    async def start() -> None:
        async with small_disk(2) as folder:
            code, said = await asyncio.to_thread(start_on_a_full_disk, folder)
            print(f"start on a full disk: exit code {code}, {len(said.splitlines())} line: {said}")

    asyncio.run(start())
    sys.exit(any(total[key] for key in KEYS[1:]))


if __name__ == "__main__":
    main()
