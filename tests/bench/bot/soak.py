"""`python -m tests.bench.bot.soak`: 3,000 jobs one wave after the other; none lost or doubled, memory and files flat.

The whole bot with the scripted engine in a process of its own, and a fake chat that forgets what it has shown.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bot.config import LimitsConfig
from bot.messages import Reply, Stage
from engine import EngineProcess
from tests.fakes import fakes, scripted

PEOPLE = 30


class Chat(fakes.Chat):
    """Keeps what came of each job, and forgets the rest of what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.finals: dict[str, tuple[int, bool]] = {}  # job, and whether its picture is right, by message

    def _state(self, message: str, reply: Reply) -> None:
        super()._state(message, reply)
        self.messages[message] = self.messages[message][-1:]
        if reply.stage is Stage.FINAL and reply.job is not None and reply.picture:
            right = reply.picture.content == scripted.png(reply.job, scripted.STEPS)
            self.finals[message] = reply.job, right

    def forget(self) -> None:
        """The states of finished messages, whose pictures would be what grows."""
        for message, states in list(self.messages.items()):
            self.messages[message] = [Reply(text="", stage=states[-1].stage)]


def resident() -> float:
    """Megabytes of this process, which is the bot."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def run(folder: Path, jobs: int, wave: int) -> Counter[str]:
    chat = Chat()
    engine = EngineProcess(draw="tests.fakes.scripted:draw", upscale="tests.fakes.scripted:upscale")
    limits = LimitsConfig(queued=0, per_day=0, per_minute=0)
    async with fakes.bot(folder, chat, engine, limits=limits) as app:  # type: ignore[arg-type]
        asked = 0
        while asked < jobs:
            for _ in range(min(wave, jobs - asked)):
                asked += 1
                await chat.says(f"a star --seed {asked}", who=f"person {asked % PEOPLE}", chat=f"chat {asked % PEOPLE}")
            async with asyncio.timeout(300):
                while (await app.counts()).get("delivered", 0) < asked:
                    await asyncio.sleep(0.02)
            chat.forget()
            files = len(os.listdir("/proc/self/fd"))
            print(
                f"  {asked:5} jobs: {resident():.0f} MB, {files} files open, {len(asyncio.all_tasks())} tasks",
                flush=True,
            )
        trouble = await app.trouble()
    ended = Counter(job for job, _ in chat.finals.values())
    return Counter(
        {
            "jobs": jobs,
            "lost": jobs - len(ended),
            "doubled": sum(count - 1 for count in ended.values()),
            "wrong pictures": sum(not right for _, right in chat.finals.values()),
            "troubles": int(bool(trouble)),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--wave", type=int, default=300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run(Path(folder), args.jobs, args.wave))
    print(", ".join(f"{name} {value}" for name, value in found.items()))
    sys.exit(any(value for name, value in found.items() if name != "jobs"))


if __name__ == "__main__":
    main()
