"""`python -m tests.bench.bot.telegram_kill`: kill -9 the bot at random while it talks to the emulated Telegram.

The bot runs as `python -m tests.bench.bot.telegram_kill serve URL FOLDER`; the emulator lives on in this process, and
tells every update again that was not confirmed.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bot.adapters.telegram import TelegramAdapter
from bot.adapters.telegram.pace import Pace
from bot.app import App
from bot.config import BotConfig, Config, LimitsConfig, Secret, TelegramConfig
from engine import EngineProcess
from tests.fakes import botapi, scripted, telegram_bot

LATENCY = 0.01  # seconds between the server's doing and its answer
STEPS = 20
CHATS = (-1001, 1, 2)


async def serve(url: str, folder: Path) -> None:
    """The bot that is killed."""
    telegram = TelegramConfig(token=Secret(botapi.TOKEN), base_url=url)
    config = Config(
        bot=BotConfig(folder=folder), limits=LimitsConfig(queued=0, per_day=0, per_minute=0), telegram=telegram
    )
    engine = EngineProcess(draw="tests.fakes.scripted:draw_slowly", upscale="tests.fakes.scripted:upscale")

    def adapters(app: App, history: object) -> list[TelegramAdapter]:
        return [TelegramAdapter(telegram, app.texts.say, moved=app.moved, pace=Pace(spacing=0))]

    await App(config, engine=engine, adapters=adapters).run()  # type: ignore[arg-type]


class Watch:
    """What the people in the chats see."""

    def __init__(self, server: botapi.Server) -> None:
        self.server = server

    def finals(self) -> Counter[int]:
        """Finished pictures, by job."""
        found = telegram_bot.finals(self.server)
        return Counter(int(telegram_bot.buttons(message)[0].split(":")[1]) for message in found)

    def answers(self, *, gifs: bool) -> Counter[tuple[int, int]]:
        """GIFs by their picture, or the messages of jobs by what they answer."""
        return Counter(
            (chat.id, message["reply_to_message"]["message_id"])
            for chat in self.server.chats.values()
            for message in chat.messages.values()
            if message.get("from") == botapi.ME and ("animation" in message) == gifs and "reply_to_message" in message
        )

    def wrong(self, jobs: int) -> int:
        """Pictures that are not what the scripted engine draws for any of the seeds."""
        expected = {scripted.png(seed, STEPS) for seed in range(1, jobs + 1)}
        shown = {self.server.files[message["photo"][-1]["file_id"]] for message in telegram_bot.finals(self.server)}
        return len(expected ^ shown)


async def play(folder: Path, kills: int, longest: float) -> dict[str, int]:
    """Kill and restart; then let it finish and count."""
    async with botapi.Server(latency=LATENCY).serving() as server:
        server.chat(CHATS[0], "supergroup")
        command = [sys.executable, "-m", "tests.bench.bot.telegram_kill", "serve", server.url, str(folder)]
        watch, jobs = Watch(server), 0
        for _ in range(kills):
            for _ in range(random.randint(1, 2)):
                jobs += 1
                server.says(random.choice(CHATS), f"/imagine a star --seed {jobs} --steps {STEPS}", who=jobs % 5 + 1)
            bot = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
            heard = len(server.states)
            if random.random() < 0.9:  # mostly wait until it works again, else it would only ever die while starting
                await server.until(lambda heard=heard: len(server.states) > heard, seconds=60)
            await asyncio.sleep(random.uniform(0, longest))
            bot.kill()
            await bot.wait()
        bot = await asyncio.create_subprocess_exec(*command)
        await server.until(lambda: jobs == len(watch.finals()) == len(watch.answers(gifs=True)), seconds=60 + 20 * jobs)
        await asyncio.sleep(0.5)  # for what should not come
        bot.send_signal(signal.SIGTERM)
        code = await bot.wait()
    finals, gifs, replies = watch.finals(), watch.answers(gifs=True), watch.answers(gifs=False)
    return {
        "jobs": jobs,
        "finals": len(finals),
        "doubled finals": finals.total() - len(finals),
        "wrong pictures": watch.wrong(jobs),
        "invalid calls": len(server.invalid),
        "exit code": code,
        "first replies that came twice": replies.total() - len(replies),
        "GIFs that came twice": gifs.total() - len(gifs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("serve", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=50)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve[1], Path(args.serve[2])))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(play(Path(folder), args.kills, longest=1.5))
    told = ", ".join(f"{name} {value}" for name, value in figures.items())
    print(f"kill -9 of the bot on Telegram, {args.kills} times: {told}")


if __name__ == "__main__":
    main()
