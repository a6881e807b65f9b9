"""`python -m tests.bench.bot.steering`: changes, kills and restarts at random instants; the pixels must be those said.

Drawings of several people share a real engine. While they are drawn their owners say things, the engine and the whole
bot are killed, and the bot is restarted. Each finished picture is then drawn again in one go from what its PNG says:
every byte has to be the same, what the PNG says has to be what was answered, and every change has one answer.

The bot runs as `python -m tests.bench.bot.steering serve FOLDER`, against the chat platform of `kill_bot`.
"""

import argparse
import asyncio
import itertools
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import engine
from bot.app import App
from bot.config import BotConfig, Config, EngineConfig, LimitsConfig
from bot.messages import Address, Person, TextMessage
from engine import EngineProcess, Finished
from tests.bench.bot.kill_bot import FileChat, accepted, finals

WORDS = ("a blue circle", "a moon", "+ a moon", "+ a yellow cat", "- star", "- moon")
OPTIONS = "--models toybox --steps 16 --cuts 2"
MOST_KILLS = 3  # in one round
HELD = re.compile(r"#(\d+): from (\d+) % on: “(.+?)”")


class OwnersChat(FileChat):
    """Each line is `person: text`; answers tell which line they answer."""

    def _incoming(self, number: int, text: str) -> TextMessage:
        who, _, said = text.partition(": ")
        person, address = Person(platform="file", id=who), Address(platform="file", chat=who)
        return TextMessage(key=str(number), person=person, address=address, text=said, message=str(number))


async def serve(folder: Path, together: int) -> None:
    """The bot that is killed."""
    limits = LimitsConfig(queued=0, per_day=0)
    config = Config(bot=BotConfig(folder=folder / "bot"), limits=limits, engine=EngineConfig(attempts=100))
    process = EngineProcess(at_once=together, backoff_seconds=0.05)
    await App(config, engine=process, adapters=lambda app, history: [OwnersChat(folder)]).run()


class Round:
    """Some drawings at a time, and what happens to them."""

    def __init__(self, folder: Path, rng: random.Random, numbers: "itertools.count[int]") -> None:
        self._folder, self._rng, self._numbers = folder, rng, numbers
        self.bot = self._start()
        self.counts: Counter[str] = Counter()
        self.changes: list[int] = []  # the lines that said something
        self._lines = 0

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.bench.bot.steering", "serve", str(self._folder)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def say(self, who: str, text: str) -> None:
        with (self._folder / "inbox").open("a") as file:
            file.write(f"{who}: {text}\n")
        self._lines += 1

    def play(self, first: int, together: int) -> None:
        """Draw jobs `first` and on until all are finished, and all changes answered."""
        jobs = range(first, first + together)
        for job in jobs:
            self.say(f"p{job}", f"a red star --seed {job} {OPTIONS}")
        kills, deadline = 0, time.monotonic() + 600
        while not all(job in finals(self._folder) for job in jobs):
            assert time.monotonic() < deadline and self.bot.poll() is None, "the drawings do not end"
            time.sleep(self._rng.uniform(0.05, 1.0))
            for _ in range(self._rng.choice((0, 0, 1, 1, 2))):
                self._steer(self._rng.choice(jobs))
            if kills < MOST_KILLS and self._rng.random() < 0.2:
                kills += self._kill()
        deadline = time.monotonic() + 60
        while len(answers(self._folder)) < len(self.changes) and time.monotonic() < deadline:
            time.sleep(0.1)

    def _steer(self, job: int) -> None:
        """Words that nobody has said before, so that their answer is known by them."""
        words = f"{self._rng.choice(WORDS)}:{next(self._numbers) / 1000}"
        self.say(f"p{job}", f"/steer {job} {words}")
        self.changes.append(self._lines)

    def _kill(self) -> bool:
        """The engine, the bot, or the bot in order; whether there was one to kill."""
        what = self._rng.choice(("engine", "engine", "bot", "restart"))
        if what == "engine":
            children = Path(f"/proc/{self.bot.pid}/task/{self.bot.pid}/children").read_text().split()
            if not children:
                return False
            subprocess.run(["kill", "-9", children[-1]], check=False)
        else:
            self.bot.send_signal(signal.SIGKILL if what == "bot" else signal.SIGTERM)
            self.bot.wait(60)
            self.bot = self._start()
        self.counts[f"{what} killed" if what != "restart" else "restarts"] += 1
        return True

    def end(self) -> None:
        """Stop the bot."""
        self.bot.send_signal(signal.SIGTERM)
        self.bot.wait(60)


def answers(folder: Path) -> Counter[int]:
    """How many answers each line has, but for the word that it is waiting."""
    notes = [call for call in accepted(folder) if call["stage"] == "note" and call["answers"]]
    return Counter(int(call["answers"]) for call in notes if "has not started" not in call["text"])


def told(folder: Path, job: int) -> set[tuple[int, str]]:
    """(percent, words) of what a drawing's owner was told that holds."""
    notes = [call["text"] for call in accepted(folder) if call["stage"] == "note"]
    return {(int(m[2]), m[3]) for text in notes if (m := HELD.match(text)) and int(m[1]) == job}


def check(folder: Path, jobs: range) -> Counter[str]:
    """Draw every picture again from what it says."""
    found = Counter({"drawings": len(jobs), "same bytes": 0, "said as answered": 0, "changes that held": 0})
    for job in jobs:
        png = (folder / "bot" / "pictures" / f"{job}.png").read_bytes()
        request = engine.inspect(png).request
        *_, last = engine.draw(request)
        found["same bytes"] += isinstance(last, Finished) and last.png == png
        said = re.findall(r'([\d.]+)%:"(.+?)"', request.then or "")
        found["said as answered"] += {(round(float(at)), words) for at, words in said} == told(folder, job)
        found["changes that held"] += len(said)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("serve", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=13)
    parser.add_argument("--together", type=int, default=8, help="drawings of one round")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(Path(args.serve[1]), args.together))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("inbox", "outbox"):
            (folder / file).touch()
        played = Round(folder, random.Random(args.seed), itertools.count(1))
        found: Counter[str] = Counter()
        for first in range(1, args.rounds * args.together, args.together):
            played.play(first, args.together)
            found += check(folder, range(first, first + args.together))
            each = answers(folder)
            once = {"changes": len(played.changes), "answered once": sum(each[k] == 1 for k in played.changes)}
            told_so_far = {**found, **once, **played.counts}
            print("steering: " + ", ".join(f"{name} {value}" for name, value in told_so_far.items()), flush=True)
        played.end()


if __name__ == "__main__":
    main()
