"""`python -m tests.bench.bot.cluster kill|speed|stream`: a bot on a Ray cluster of processes of this machine.

kill: machines, engines and once the head die while 60 pictures are drawn. speed: three engines against one. stream:
fifty engines at a time, and what the bot's process needs for them.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from bot.config import EngineConfig, LimitsConfig
from bot.messages import Stage
from engine import Checkpoint, EngineDied, EngineProcess, Event, Finished, RayEngines, Request
from tests.bench.bot.load import lags
from tests.fakes import fakes
from tests.fakes.cluster import Machines, machines

NO_LIMITS = LimitsConfig(queued=0, per_day=0, per_minute=0)
SCRIPTED = "tests.fakes.scripted:"
ENDS = (Stage.FINAL, Stage.FAILED)


class Endangered(RayEngines):
    """Whose machine dies once while a checkpoint is on its way."""

    danger: Any = None  # called with nothing; kills

    async def events(self, *given: Any, **more: Any) -> AsyncGenerator[Event, None]:
        async with aclosing(super().events(*given, **more)) as events:
            async for event in events:
                if isinstance(event, Checkpoint) and event.percent >= 30 and self.danger is not None:
                    danger, self.danger = self.danger, None
                    await danger()
                    raise EngineDied("its checkpoint did not arrive", lost=True)
                yield event


def ended(chat: fakes.Chat) -> int:
    """Jobs whose message says how they ended."""
    return sum(states[-1].stage in ENDS for states in chat.messages.values())


async def ask(chat: fakes.Chat, job: int, options: str) -> None:
    """One person asks for the picture with a seed of its own."""
    await chat.says(f"a red star --seed {job} {options}", who=f"person {job}", key=f"job {job}", chat=f"chat {job}")


async def until_ended(chat: fakes.Chat, jobs: int) -> None:
    while ended(chat) < jobs:
        await asyncio.sleep(0.05)


async def until_engines(engine: RayEngines, number: int) -> None:
    while len(engine.engines) < number:
        await asyncio.sleep(0.05)


async def harm(cluster: Machines, engine: Endangered, chat: fakes.Chat, jobs: int, kills: int) -> list[str]:
    """Kill something whenever some more pictures have ended; the head once, half-way; what was killed."""
    killed: list[str] = []

    async def kill_machine() -> None:
        killed.append("machine")
        await cluster.kill(random.randrange(3))
        await cluster.add()

    async def kill_engine() -> None:
        os.kill(random.choice(engine.engines).process, signal.SIGKILL)
        killed.append("engine")

    engine.danger = kill_machine
    while len(killed) - killed.count("head") < kills:
        await asyncio.sleep(random.uniform(0.2, 1.0))
        if ended(chat) >= jobs or not engine.engines or ended(chat) * kills < len(killed) * jobs * 0.8:
            await asyncio.sleep(0.05)
            continue
        await (kill_engine if len(killed) % 2 else kill_machine)()
        if "head" not in killed and ended(chat) * 2 >= jobs:
            await kill_head(cluster, chat)
            killed.append("head")
    return killed


async def kill_head(cluster: Machines, chat: fakes.Chat) -> None:
    """The cluster is gone; the bot says so; the cluster is back."""
    await cluster.kill_all()
    told = "no engine can be reached"
    await chat.until(lambda states: told in states[-1].text, seconds=60)
    await cluster.start(3)


async def references(jobs: int, draw: str, options: dict[str, Any]) -> list[bytes]:
    """Each picture as a bot without Ray has it."""
    engine, found = EngineProcess(draw=draw), []
    for job in range(1, jobs + 1):
        async with aclosing(engine.events(Request(prompt="a red star", seed=job, **options))) as events:
            found += [event.png async for event in events if isinstance(event, Finished)]
    await engine.close()
    return found


async def kill(folder: Path, jobs: int, kills: int, draw: str, steps: int, models: str) -> tuple[str, bool]:
    """How many of the pictures there are, once, with the right bytes; and whether that is all of them."""
    request = {"steps": steps, "models": models}
    expected = await references(jobs, draw.replace("draw_slowly", "draw"), request)  # the same picture, sooner
    chat, began = fakes.Chat(), time.monotonic()
    settings = EngineConfig(models=models)
    async with machines(3) as cluster:
        engine = Endangered(cluster.address, cpu_engines=1, draw=draw, beat_seconds=6.0, at_once=1)
        async with fakes.bot(folder, chat, engine, limits=NO_LIMITS, engine_settings=settings):
            harming = asyncio.create_task(harm(cluster, engine, chat, jobs, kills))
            await asyncio.gather(*(ask(chat, job, f"--steps {steps}") for job in range(1, jobs + 1)))
            done = asyncio.create_task(until_ended(chat, jobs))
            await asyncio.wait({harming, done}, return_when=asyncio.FIRST_EXCEPTION)
            killed = harming.result()
    finals = [[s for s in states if s.stage is Stage.FINAL] for states in chat.messages.values()]
    shown = {states[0].job or 0: states[0].picture for states in finals if len(states) == 1}
    same = sum(bool(p) and p.content == expected[job - 1] for job, p in shown.items() if p)
    doubled = sum(len(states) > 1 for states in finals)
    what = ", ".join(f"{killed.count(kind)} × {kind}" for kind in sorted(set(killed)))
    figures = (
        f"{jobs} jobs, killed {what}: {sum(map(bool, finals))} finals, {doubled} doubled, "
        f"{same} with the bytes that they have without Ray; {time.monotonic() - began:.0f} s"
    )
    return figures, (len(shown), doubled, same) == (jobs, 0, jobs)


async def speed(folder: Path, jobs: int, steps: int) -> str:
    """Three engines against one."""
    took = {}
    for number in (1, 3):
        chat = fakes.Chat()
        async with machines(number) as cluster:
            engine = RayEngines(cluster.address, cpu_engines=1, draw=SCRIPTED + "draw_at_100_ms", at_once=1)
            async with fakes.bot(folder / str(number), chat, engine, limits=NO_LIMITS):
                await until_engines(engine, number)
                for job in range(1, number + 1):  # each has begun its process
                    await ask(chat, job, "--steps 1")
                await until_ended(chat, number)
                began = time.monotonic()
                first = number + 1
                await asyncio.gather(*(ask(chat, job, f"--steps {steps}") for job in range(first, first + jobs)))
                await until_ended(chat, number + jobs)
                took[number] = time.monotonic() - began
    return (
        f"{jobs} pictures of {steps} steps at 100 ms: 1 engine {took[1]:.1f} s, 3 engines {took[3]:.1f} s, "
        f"{took[1] / took[3]:.2f} ×"
    )


async def stream(folder: Path, engines: int, jobs: int) -> str:
    """The bot's process while so many engines stream."""
    chat, late, memory = fakes.Chat(), [], {}
    async with machines(0) as cluster:
        await cluster.add(engines)
        engine = RayEngines(cluster.address, cpu_engines=engines, engine="tests.fakes.cluster:Streaming")
        async with fakes.bot(folder, chat, engine, limits=NO_LIMITS):
            await until_engines(engine, engines)
            began = time.monotonic()
            watch = asyncio.create_task(lags(0.005, late))
            asked = 0
            while (done := ended(chat)) < jobs:
                for job in range(asked + 1, min(jobs, done + 2 * engines) + 1):
                    await ask(chat, job, "--steps 20")
                    asked = job
                chat_forgets(chat)
                for at in (jobs // 5, jobs // 2, jobs * 19 // 20):
                    if done >= at and at not in memory:
                        memory[at] = resident()
                await asyncio.sleep(0.25)
            took = time.monotonic() - began
            watch.cancel()
    told = ", ".join(f"{megabytes:.0f} MB after {at} jobs" for at, megabytes in memory.items())
    p99 = 1000 * statistics.quantiles(late, n=100)[98]
    return (
        f"{engines} engines, {jobs} jobs in {took:.0f} s: loop lag p99 {p99:.1f} ms, max {1000 * max(late):.0f}; {told}"
    )


def chat_forgets(chat: fakes.Chat) -> None:
    """A chat platform keeps pictures, not the bot: all but the last state of each message go."""
    for states in chat.messages.values():
        states[:] = [fakes.without_files(states[-1])]


def resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def main() -> int:
    """1 where a picture was lost, doubled or different after the kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("kill", "speed", "stream"))
    parser.add_argument("--jobs", type=int, help="default: 60, 24 and 1000")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--engines", type=int, default=50)
    parser.add_argument("--draw", default=SCRIPTED + "draw_slowly", help="of kill; module:name")
    parser.add_argument("--models", default="toybox", help="of kill")
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.what == "kill":
            work = kill(Path(folder), args.jobs or 60, args.kills, args.draw, args.steps, args.models)
            figures, good = asyncio.run(work)
            print(figures)
            return int(not good)
        if args.what == "speed":
            print(asyncio.run(speed(Path(folder), args.jobs or 24, args.steps)))
        else:
            print(asyncio.run(stream(Path(folder), args.engines, args.jobs or 1000)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
