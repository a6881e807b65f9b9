"""`python -m tests.bench.bot.kill_bot`: kill -9 the whole bot at random instants; every job must end in one picture.

The bot runs as `python -m tests.bench.bot.kill_bot serve FOLDER` against a chat platform that is two files: `inbox`
holds what people typed, delivered again until confirmed; `outbox` logs every call that the platform has accepted.
"""

import argparse
import asyncio
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bot.adapters.base import Connection, Receive
from bot.app import App
from bot.config import BotConfig, Config, LimitsConfig
from bot.messages import Address, Person, Reply, TextMessage
from engine import EngineProcess
from tests.fakes import scripted

LATENCY = 0.01  # seconds between the platform's acceptance of a call and its answer


class FileChat:
    """The adapter of the platform in files."""

    platform = "file"
    gif_apart = True

    def __init__(self, folder: Path) -> None:
        self.connection = Connection()
        self._folder = folder
        self._log = open(folder / "outbox", "a")
        calls = accepted(folder)
        self._nonces: dict[str, str] = {call["nonce"]: call["message"] for call in calls if call["nonce"]}

    async def start(self, receive: Receive) -> None:
        self._polling = asyncio.create_task(self._poll(receive))

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        if nonce not in self._nonces:
            self._nonces[nonce] = f"m{len(self._nonces)}"
            self._accept(reply, self._nonces[nonce], nonce, answers)
        await asyncio.sleep(LATENCY)
        return self._nonces[nonce]

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        self._accept(reply, message)
        await asyncio.sleep(LATENCY)

    async def delete(self, address: Address, message: str) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        self._polling.cancel()

    def _accept(self, reply: Reply, message: str, nonce: str = "", answers: str = "") -> None:
        picture = hashlib.sha256(reply.picture.content).hexdigest() if reply.picture else ""
        call = {
            "nonce": nonce,
            "message": message,
            "job": reply.job,
            "stage": reply.stage,
            "picture": picture,
            "gif": reply.gif is not None,
            "text": reply.text,
            "answers": answers,
        }
        self._log.write(json.dumps(call) + "\n")
        self._log.flush()

    async def _poll(self, receive: Receive) -> None:
        offset = self._folder / "offset"
        while True:
            done = int(offset.read_text()) if offset.exists() else 0
            for number, text in enumerate((self._folder / "inbox").read_text().splitlines()[done:], start=done + 1):
                await receive(self._incoming(number, text))
                part = self._folder / "offset.part"
                part.write_text(str(number))
                part.replace(offset)
            await asyncio.sleep(0.01)

    def _incoming(self, number: int, text: str) -> TextMessage:
        """What line `number` of the inbox asks for."""
        person = Person(platform="file", id=str(number % 5))
        address = Address(platform="file", chat=str(number % 3))
        return TextMessage(key=str(number), person=person, address=address, text=text)


def accepted(folder: Path) -> list[dict[str, str]]:
    """Every call that the platform has accepted, oldest first."""
    return [json.loads(line) for line in (folder / "outbox").read_text().splitlines()]


async def serve(folder: Path) -> None:
    """The bot that is killed."""
    config = Config(bot=BotConfig(folder=folder / "bot"), limits=LimitsConfig(queued=0, per_day=0, per_minute=0))
    engine = EngineProcess(draw="tests.fakes.scripted:draw_slowly", upscale="tests.fakes.scripted:upscale")
    await App(config, engine=engine, adapters=lambda app, history: [FileChat(folder)]).run()


def finals(folder: Path) -> Counter[int]:
    """How many messages ended as the picture, by job."""
    last = {call["message"]: call for call in accepted(folder) if not call["gif"]}
    return Counter(int(call["job"]) for call in last.values() if call["stage"] == "final")


def gifs(folder: Path) -> Counter[int]:
    """How many GIF messages there are, by job."""
    return Counter(int(call["job"]) for call in accepted(folder) if call["gif"] and call["nonce"])


def play(folder: Path, kills: int, longest: float, number: int = signal.SIGKILL) -> dict[str, int]:
    """Kill and restart; then let it finish and count."""
    inbox, jobs = folder / "inbox", 0
    inbox.touch()
    (folder / "outbox").touch()
    command = [sys.executable, "-m", "tests.bench.bot.kill_bot", "serve", str(folder)]
    for _ in range(kills):
        with inbox.open("a") as file:
            for _ in range(random.randint(1, 2)):
                jobs += 1
                file.write(f"a star --seed {jobs} --steps 20\n")
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as bot:
            heard = len((folder / "outbox").read_bytes())
            while random.random() < 0.9 and len((folder / "outbox").read_bytes()) == heard:
                time.sleep(0.01)  # mostly wait until it works again, else it would only ever die while starting
            time.sleep(random.uniform(0, longest))
            bot.send_signal(number)
    with subprocess.Popen(command) as bot:
        deadline = time.monotonic() + 60 + 20 * jobs
        while (len(finals(folder)) < jobs or len(gifs(folder)) < jobs) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # for what should not come
        bot.send_signal(signal.SIGTERM)
        code = bot.wait(30)
    expected = {hashlib.sha256(scripted.png(seed, 20)).hexdigest() for seed in range(1, jobs + 1)}
    shown = {call["picture"] for call in accepted(folder) if call["stage"] == "final" and call["picture"]}
    return {
        "jobs": jobs,
        "lost": 2 * jobs - len(finals(folder)) - len(gifs(folder)),
        "doubled": sum(n - 1 for n in (*finals(folder).values(), *gifs(folder).values())),
        "wrong pictures": len(expected ^ shown),
        "exit code": code,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("serve", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--signal", default="SIGKILL", help="or SIGTERM, which it obeys in order")
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(Path(args.serve[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = play(Path(folder), args.kills, longest=1.5, number=signal.Signals[args.signal])
    told = ", ".join(f"{name} {value}" for name, value in figures.items())
    print(f"{args.signal} to the whole bot, {args.kills} times: {told}")


if __name__ == "__main__":
    main()
