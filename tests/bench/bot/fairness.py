"""`python -m tests.bench.bot.fairness`: new names against one person, and one browser with many names."""

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import aiohttp

from bot.app import App, build_adapters
from bot.config import BotConfig, Config, LimitsConfig, WebConfig
from bot.jobs.job import Draw, Job, NewJob
from bot.jobs.queue import Queue
from bot.messages import Address, Person
from bot.storage.store import Store
from engine import Request
from tests.fakes import fakes


def asked(owner: str, key: str) -> NewJob:
    """A normal drawing of somebody."""
    work, address = Draw(request=Request(prompt="a red star")), Address(platform="fake", chat="c")
    return NewJob(key=key, owner=Person(platform="fake", id=owner), address=address, work=work)


async def drawn_before(queue: Queue, job: Job) -> Counter[str]:
    """How many of each person are drawn before this one."""
    before = Counter[str]()
    while (claimed := await queue.claim()) and claimed.id != job.id:
        await queue.mark_failed(claimed.id, "failed-engine")
        before[claimed.owner] += 1
    await queue.mark_failed(job.id, "failed-engine")
    return before


async def new_names(folder: Path, names: int, rounds: int) -> list[Counter[str]]:
    """Somebody who was served once asks again and again; before each time so many new names have asked thrice."""
    store = await Store.open(folder / "queue.sqlite")
    queue = Queue(store, LimitsConfig(queued=0, per_day=0, per_minute=0))
    await queue.put(asked("ann", "first"))
    claimed = await queue.claim()
    assert claimed
    await queue.mark_failed(claimed.id, "failed-engine")
    before = []
    for number in range(rounds):
        people = [f"new {number} {name}" for name in range(names)]
        await asyncio.gather(*(queue.put(asked(who, f"{who} {k}")) for who in people for k in range(3)))
        job, _ = await queue.put(asked("ann", f"again {number}"))
        before.append(await drawn_before(queue, job))
    await store.close()
    return before


async def one_browser(folder: Path, names: int, queued: int) -> tuple[int, int]:
    """Jobs that one browser gets into the queue with so many names, each asking three times; and how many it asked."""
    engine = fakes.Engine()
    engine.gate.clear()
    limits, web = LimitsConfig(queued=queued, per_minute=0), WebConfig(port=0)
    config = Config(bot=BotConfig(folder=folder / "page"), limits=limits, web=web)
    opened: list[str] = []
    app = App(config, engine=engine, adapters=build_adapters, opened=opened.append)
    async with app.lifespan(), aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        url = opened[0].rstrip("/")
        await (await browser.get(url)).read()
        for name in range(names):
            for turn in range(3):
                form = {"key": f"key-{name:03}-{turn}", "text": "a red star"}
                who, headers = {"who": str(name), "name": str(name)}, {"Origin": url}
                await (await browser.post(f"{url}/say", params=who, data=form, headers=headers)).read()
        counts = await app.counts()
        engine.gate.set()
        app.stopping.set()
    return counts.get("queued", 0) + counts.get("running", 0), names * 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = asyncio.run(new_names(Path(folder), args.names, args.rounds))
        jobs, tried = asyncio.run(one_browser(Path(folder), 30, 3))
    for counts in before:
        most = max(counts.values(), default=0)
        print(f"{args.names} new names: {counts.total()} pictures before the person's next, {most} of one name at most")
    print(f"one browser, 30 names, queued = 3: {jobs} jobs of {tried} messages")


if __name__ == "__main__":
    main()
