"""`python -m tests.bench.bot.load`: 500 jobs of 25 people at once, while the engine draws on all cores."""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from bot.config import LimitsConfig
from bot.messages import Stage
from engine import EngineProcess
from tests.fakes import fakes


async def lags(every: float, found: list[float]) -> None:
    """How late the event loop is, measured all the time."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(every)
        found.append(time.perf_counter() - began - every)


async def ask(chat: fakes.Chat, who: int, options: str, waits: list[float]) -> None:
    """One message, and how long until it was acknowledged."""
    began = time.perf_counter()
    await chat.says(f"a red star {options}", who=f"person {who}", chat=f"chat {who}")
    waits.append(time.perf_counter() - began)


async def run(folder: Path, jobs: int, people: int, draw: str, options: str) -> dict[str, float]:
    """The figures; times in milliseconds."""
    chat, waits, late = fakes.Chat(), [], []
    limits = LimitsConfig(queued=0, per_day=0, per_minute=0)
    async with fakes.bot(folder, chat, EngineProcess(draw=draw), limits=limits) as app:
        await ask(chat, 0, options, [])  # the engine loads its models and begins
        await chat.until(lambda states: (states[-1].percent or 0) > 0, seconds=300)
        watch = asyncio.create_task(lags(0.005, late))
        await asyncio.gather(*(ask(chat, job % people, options, waits) for job in range(jobs)))
        await chat.until(lambda states: states[-1].job == jobs + 1, seconds=300)  # the last one shows its place
        watch.cancel()
        order: list[str] = []
        while len(order) < people + 1:
            finals = [message for message, states in chat.messages.items() if states[-1].stage is Stage.FINAL]
            order += [message for message in finals if message not in order]
            await asyncio.sleep(0.05)
        owners = [(await app.job(chat.messages[message][-1].job or 0)).owner for message in order[1 : people + 1]]
    return {
        "acknowledged p50": 1000 * statistics.median(waits),
        "acknowledged p99": 1000 * statistics.quantiles(waits, n=100)[98],
        "loop lag p99": 1000 * statistics.quantiles(late, n=100)[98],
        "people in the first round": len(set(owners)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--people", type=int, default=25)
    parser.add_argument("--draw", default="engine:draw", help="module:function")
    parser.add_argument("--options", default="--steps 4", help="of the drawings")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), args.jobs, args.people, args.draw, args.options))
    print(f"{args.jobs} jobs of {args.people} people: " + ", ".join(f"{k} {v:.1f}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
