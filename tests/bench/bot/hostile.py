"""`python -m tests.bench.bot.hostile`: thousands of hostile messages and form posts; nothing of ours may break."""

import argparse
import asyncio
import logging
import random
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from bot.adapters.base import Adapter, History
from bot.adapters.web.adapter import WebAdapter
from bot.app import App
from bot.config import BotConfig, Config, LimitsConfig, WebConfig
from bot.jobs.job import Status
from bot.messages import REACTIONS, Action, Stage
from tests.fakes import fakes

PIECES = [
    "a star",
    "звезда",
    "<script>alert(1)</script>",
    "&lt;",
    "'; DROP TABLE jobs; --",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "\u200f",
    "\ufeff",
    "🎉",
    "e\u0301" * 50,
    "--seed",
    "--seed 7",
    "--steps 1e9",
    "--steps=-1",
    "--eta nan",
    "—seed 3",
    "|",
    ":",
    ":1e999",
    ": -0",
    "/imagine",
    "/cancel",
    "/delete 1",
    "/show 99999999999999999999",
    "/upscale 1",
    "/remix 1",
    "/rerun 1",
    "/settings 1",
    "/cancel 1",
    "/queue",
    "/help",
    "/x",
    "{ $job }",
    "%s%n",
    "../../etc/passwd",
    "\r\n\r\n",
    "A" * 5000,
    "\ud800",
    "@everyone",
    "```",
    "#1",
    "1",
]


def text(rng: random.Random) -> str:
    """Some pieces; now and then a megabyte."""
    if rng.random() < 0.001:
        return rng.choice(["x", "ы", "--seed ", ": "]) * 1_000_000
    glue = rng.choice(["", " "])
    return glue.join(rng.choice(PIECES) for _ in range(rng.randint(0, 6)))


async def type_and_press(chat: fakes.Chat, rng: random.Random, number: int) -> None:
    """One hostile message, press or reaction of mallory, in her own chat, aimed at ann's picture 1."""
    what = rng.random()
    if what < 0.7:
        await chat.says(text(rng), who="mallory", chat="hers", key=f"h{number}", language=rng.choice(["en", "ru", ""]))
    elif what < 0.85:
        job = rng.choice([1, 1, 0, -1, 2**40, 2**80])
        await chat.presses(rng.choice(list(Action)), job, who="mallory", chat="hers", key=f"h{number}")
    else:
        emoji = rng.choice([*REACTIONS, "🍕", "", "\ufe0f", "a"])
        await chat.reacts(emoji, rng.choice(["m1", "m999", "", "'"]), who="mallory", chat="hers")


async def post(session: aiohttp.ClientSession, url: str, rng: random.Random, number: int) -> int:
    """One hostile form post; its status."""
    path = rng.choice(["say", "press", "react", "door", "say?name=%ff", "pictures/1/1.png", "events/x"])
    form = {
        "key": f"hostile-{number:08}",
        "text": text(rng),
        "message": rng.choice(["1", "0", "x", "9" * 30]),
        "action": rng.choice([*Action, "x"]),
        "emoji": rng.choice([*REACTIONS, "x"]),
    }
    body: bytes = urlencode(form, errors="surrogatepass").encode()
    body = rng.choice([body, body, body, body[: len(body) // 2], b"\xff\xfe" + body, rng.randbytes(200), b""])
    headers = {"Content-Type": rng.choice([*["application/x-www-form-urlencoded"] * 6, "text/plain", "x", "a/b; c=d"])}
    if rng.random() < 0.9:
        headers["Origin"] = url.rstrip("/")
    try:
        async with session.post(url + path, data=body, headers=headers) as response:
            answer = await response.text()
            assert "Traceback" not in answer
            return response.status
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return 413  # the server hung up on a megabyte


class Faults(logging.Handler):
    """Counts what was logged as an error: each would be a fault of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def run(folder: Path, messages: int, posts: int, seed: int) -> dict[str, object]:
    rng, chat, sites = random.Random(seed), fakes.Chat(), []

    def adapters(app: App, history: History) -> list[Adapter]:
        page = {"metrics": app.metrics_page, "trouble": app.trouble}
        sites.append(WebAdapter(WebConfig(port=0), history, app.texts.say, **page))
        return [chat, *sites]

    faults = Faults()
    logging.getLogger().addHandler(faults)
    statuses: Counter[int] = Counter()
    config = Config(bot=BotConfig(folder=folder), limits=LimitsConfig(queued=20, per_day=300, per_minute=0))
    async with App(config, engine=fakes.Engine(), adapters=adapters).lifespan() as app:
        await chat.says("a red star --seed 7", who="ann")
        await chat.until_stage(Stage.FINAL)
        while (before := await app.job(1)).status is not Status.DELIVERED:
            await asyncio.sleep(0.01)
        for number in range(messages):
            await type_and_press(chat, rng, number)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(sites[0].url) as page:
                assert page.status == 200
            for number in range(posts):
                statuses[await post(session, sites[0].url, rng, number)] += 1
        while {"queued", "running", "drawn"} & (counts := await app.counts()).keys():
            await asyncio.sleep(0.05)
        untouched = await app.job(1) == before and chat.messages["m1"][-1].picture is not None
    logging.getLogger().removeHandler(faults)
    return {
        "faults logged": faults.lines,
        "answers of the page": dict(sorted(statuses.items())),
        "5xx": sum(n for status, n in statuses.items() if status >= 500),
        "jobs": counts,
        "the other person's picture untouched": untouched,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=7000)
    parser.add_argument("--posts", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), args.messages, args.posts, args.seed))
    print(f"{args.messages} hostile messages and {args.posts} posts, seed {args.seed}:")
    for name, value in figures.items():
        print(f"  {name}: {value}")


if __name__ == "__main__":
    main()
