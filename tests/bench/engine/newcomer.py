"""`python -m tests.bench.engine.newcomer`: how long somebody waits for the first step beside a running drawing.

Told in steps that both share, so that a busy machine disturbs both sides of the ratio: from the question to the engine
process until the newcomer's drawing has begun, and until its first step is done, which it shares with the other.
"""

import argparse
import asyncio
import random
import statistics
import time
from contextlib import aclosing

from engine import EngineProcess, Progress, Request, Started


async def newcomer(engine: EngineProcess, models: str, seed: int) -> tuple[float, float]:
    """Seconds until its drawing has begun, and until its first step is done."""
    asked = time.monotonic()
    begun = 0.0
    async with aclosing(engine.events(Request(prompt="a blue square", models=models, seed=seed), key=seed)) as events:
        async for event in events:
            if isinstance(event, Started):
                begun = time.monotonic() - asked
            if isinstance(event, Progress):
                return begun, time.monotonic() - asked
    raise RuntimeError("it was not drawn")


async def measure(models: str, number: int) -> tuple[list[float], list[float]]:
    """Both waits of each newcomer, in steps."""
    engine = EngineProcess(models=models, at_once=2)
    steps: list[tuple[float, int]] = []

    async def draw() -> None:
        request = Request(prompt="a red star", models=models, steps=1000)
        async with aclosing(engine.events(request, key="first")) as events:
            async for event in events:
                if isinstance(event, Progress):
                    steps.append((time.monotonic(), event.step))

    drawing = asyncio.create_task(draw())
    while len(steps) < 5:
        await asyncio.sleep(0.05)
    begun, done = [], []
    for seed in range(number):
        await asyncio.sleep(random.uniform(0.2, 1.0))
        before = len(steps)
        first, step = await newcomer(engine, models, seed)
        while len(steps) < before + 3:
            await asyncio.sleep(0.05)
        (since, low), (until, high) = steps[before - 1], steps[before + 2]
        one = (until - since) / (high - low)
        begun.append(first / one)
        done.append(step / one)
    drawing.cancel()
    await engine.close()
    return begun, done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="toybox")
    parser.add_argument("--number", type=int, default=20)
    args = parser.parse_args()
    begun, done = asyncio.run(measure(args.models, args.number))
    print(
        f"{args.models}, {args.number} newcomers, in steps: begun after {statistics.median(begun):.2f} (at most "
        f"{max(begun):.2f}), first step done after {statistics.median(done):.2f} (at most {max(done):.2f})"
    )


if __name__ == "__main__":
    main()
