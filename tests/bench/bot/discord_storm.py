"""`python -m tests.bench.bot.discord_storm`: 100 jobs on Discord, every second call refused with a 429."""

import argparse
import asyncio
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bot.adapters.discord import DiscordAdapter
from bot.app import App
from bot.config import BotConfig, Config, LimitsConfig
from tests.fakes import fakes, scenario
from tests.fakes.discord_driver import config_for
from tests.fakes.discord_wire import Wire


class Storm:
    """Refuses every second call of each route and channel, for up to `longest` seconds; and counts who came early."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.calls: Counter[str] = Counter()
        self.until: dict[str, float] = {}
        self.refused = 0
        self.early = 0  # calls that came before the time that they were told

    def __call__(self, method: str, path: str) -> float | None:
        if path.startswith(("/interactions", "/users", "/oauth2", "/applications")):
            return None
        key = f"{method} {path}"
        self.calls[key] += 1
        now = time.monotonic()
        if now < self.until.get(key, 0.0) - 0.005:
            self.early += 1
            self.refused += 1
            return self.until[key] - now
        if self.calls[key] % 2:
            self.refused += 1
            seconds = random.uniform(0.05, self.longest)
            self.until[key] = now + seconds
            return seconds
        return None


def stale(wire: Wire) -> int:
    """Edits that were taken after one that showed more of the same job: by percent, the end last."""
    newest: dict[str, int] = {}
    count = 0
    for shown in wire.states:
        if shown.job is None:
            continue
        step = step_of(shown)
        count += step < newest.get(shown.message, -1)
        newest[shown.message] = max(step, newest.get(shown.message, -1))
    return count


def step_of(shown: scenario.Shown) -> int:
    """How far a message says it is."""
    if match := re.search(r"step (\d+) of", shown.text):
        return int(match[1])
    return 1000 if "seed" in shown.text else 0


async def run(folder: Path, jobs: int, channels: int, longest: float) -> dict[str, Any]:
    wire = await Wire().start()
    storm = Storm(longest)
    places = [wire.backend.create_channel(wire.guild.id, f"art-{n}").id for n in range(channels)]

    def adapters(app: App, history: object) -> list[Any]:
        return [DiscordAdapter(config_for(wire), app.texts.say, app.notes("discord"))]

    limits = LimitsConfig(queued=0, per_day=0, per_minute=0)
    config = Config(bot=BotConfig(folder=folder), limits=limits)
    began = time.monotonic()
    async with App(config, engine=fakes.Engine(), adapters=adapters).lifespan():
        await wire.until(lambda: wire.connected and None in wire.backend.commands)
        wire.limit = storm
        for job in range(jobs):
            wire.slash("imagine", channel=places[job % channels], prompt="a star", seed=job)
        driver: Any = type("States", (), {"shown": lambda self: wire.states})()
        async with asyncio.timeout(560):
            while len(scenario.finals(driver)) < jobs:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)  # for what should not come
    finals = scenario.finals(driver)
    newest = {shown.message: shown for shown in wire.states if shown.job is not None}
    figures = {
        "finals": len(finals),
        "doubled": sum(n - 1 for n in finals.values()),
        "GIFs": sum(shown.gif is not None for shown in newest.values()),
        "stale": stale(wire),
        "refused": storm.refused,
        "of calls": sum(storm.calls.values()),
        "too early": storm.early,
        "invalid bodies": len(wire.invalid),
        "seconds": round(time.monotonic() - began, 1),
    }
    await wire.stop()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--channels", type=int, default=25)
    parser.add_argument("--longest", type=float, default=30.0, help="retry_after, seconds")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), args.jobs, args.channels, args.longest))
    print(f"{args.jobs} jobs under a storm of 429: " + ", ".join(f"{k} {v}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
