"""`python -m tests.bench.bot.discord_kill`: kill -9 of the bot at random points of the story on Discord's wire."""

import argparse
import asyncio
import random
import tempfile
from pathlib import Path

from bot.messages import Action
from tests.bench.bot.discord_bot import Bot
from tests.fakes import scenario
from tests.fakes.discord_wire import Wire

STEPS = 20  # at 20 ms each


class Story:
    """ann, who does the next thing as soon as she can, whatever happens to the bot."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.asked = 0

    def shown(self) -> list[scenario.Shown]:
        return self.wire.states

    async def tell(self) -> None:
        """imagine → final → enlarge → draw again → press an old button → cancel; asks again where nobody heard."""
        await self._until_there(1, lambda: self.wire.slash("imagine", prompt="a star", steps=STEPS), ended=True)
        await self._until_there(2, lambda: self._react("🔥", 1), ended=True)
        await self._until_there(3, lambda: self._react("🎉", 1), ended=True)
        await self._until_there(4, lambda: self.wire.press(Action.RERUN, 1), ended=False)
        while not scenario.ended(self, 4):  # type: ignore[arg-type]
            if self.wire.connected:
                self.wire.press(Action.CANCEL, 4)
            await asyncio.sleep(0.3)

    async def _until_there(self, job: int, ask: object, *, ended: bool) -> None:
        while not scenario.states(self, job):  # type: ignore[arg-type]
            if self.wire.connected:
                self.asked += 1
                ask()  # type: ignore[operator]
            await self._moment(lambda: bool(scenario.states(self, job)))  # type: ignore[arg-type]
        while ended and not scenario.ended(self, job):  # type: ignore[arg-type]
            await asyncio.sleep(0.01)

    def _react(self, emoji: str, job: int) -> None:
        self.wire.react(emoji, job, on=False)
        self.wire.react(emoji, job)

    async def _moment(self, true: object) -> None:
        """A person's patience: five seconds of a bot that is there."""
        waited = 0.0
        while waited < 5.0 and not true():  # type: ignore[operator]
            await asyncio.sleep(0.05)
            waited += 0.05 * self.wire.connected


async def play(folder: Path, after: int) -> dict[str, int]:
    """The story with one kill, after so many calls of the bot; what is wrong with how it ended."""
    wire = await Wire().start()
    bot, story = Bot(folder, wire), Story(wire)
    await bot.start()
    begun = len(wire.sent)
    telling = asyncio.create_task(story.tell())
    killed = False
    async with asyncio.timeout(240):
        while not telling.done():
            if not killed and len(wire.sent) >= begun + after:
                await asyncio.sleep(random.uniform(0, 0.05))
                await bot.kill()
                await bot.start()
                killed = True
            await asyncio.sleep(0.002)
        telling.result()
        await asyncio.sleep(0.5)  # for what should not come
    code = await bot.stop()
    await wire.stop()
    finals = scenario.finals(story)  # type: ignore[arg-type]
    jobs = {shown.job for shown in wire.states if shown.job is not None}
    whole = jobs - {4}  # the one that is cancelled; a press that nobody heard may have drawn it to the end
    return {
        "killed": killed,
        "lost": len(whole - finals.keys()),
        "doubled": sum(n - 1 for n in finals.values()),
        "invalid bodies": len(wire.invalid),
        "bad exits": int(code != 0),
        "calls": len(wire.sent),
    }


async def run(times: int, seed: int) -> dict[str, int]:
    random.seed(seed)
    total: dict[str, int] = {}
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            figures = await play(Path(folder), after=random.randint(0, 36))
        for name, value in figures.items():
            total[name] = total.get(name, 0) + value
        print(f"  {number + 1}: {figures}", flush=True)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    total = asyncio.run(run(args.times, args.seed))
    print(f"kill -9 at {args.times} random points of the story: " + ", ".join(f"{k} {v}" for k, v in total.items()))


if __name__ == "__main__":
    main()
