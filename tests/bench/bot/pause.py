"""`python -m tests.bench.bot.pause`: a chat that answers `retry after 30 s` gets the newest preview and the final."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from bot.errors import RetryAfter
from bot.messages import Address, Reply, Stage
from engine import EngineProcess
from tests.fakes import fakes, scripted


class SlowChat(fakes.Chat):
    """Takes one call in `seconds`, and refuses all others with the time that is left."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.free_at, self.refused = seconds, 0.0, 0
        self.taken: list[tuple[float, Reply]] = []

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        self._take(reply)
        return await super().send(address, reply, nonce=nonce, answers=answers)

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        self._take(reply)
        await super().edit(address, message, reply)

    def _take(self, reply: Reply) -> None:
        now = time.monotonic()
        if now < self.free_at:
            self.refused += 1
            raise RetryAfter(self.free_at - now)
        self.free_at = now + self.seconds
        self.taken.append((now, reply))


async def run(folder: Path, seconds: float, steps: int) -> str:
    chat = SlowChat(seconds)
    drawn: list[float] = []
    async with fakes.bot(folder, chat, EngineProcess(draw="tests.fakes.scripted:draw_for_a_while")) as app:
        await chat.says(f"a red star --seed 7 --steps {steps}")
        watch = asyncio.create_task(when_drawn(app, drawn))
        await chat.until_stage(Stage.FINAL, seconds=10 * seconds + 60)
        await watch
    *before, (at, final) = chat.taken
    newest = [reply.percent for _, reply in before if reply.picture]
    assert newest == sorted(newest) and final.picture and final.picture.content == scripted.png(7, steps)
    allowed = max(before[-1][0] + seconds, drawn[0])
    percents = ", ".join(f"{p} %" for p in newest)
    return (
        f"{len(chat.taken)} messages or edits taken (previews: {percents or 'none'}), {chat.refused} refused; "
        f"the final came {1000 * (at - allowed):.0f} ms after it was allowed"
    )


async def when_drawn(app: fakes.App, drawn: list[float]) -> None:
    """Note when the picture was stored."""
    while not {"drawn", "delivered"} & (await app.counts()).keys():
        await asyncio.sleep(0.01)
    drawn.append(time.monotonic())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="that the chat asks to wait")
    parser.add_argument("--steps", type=int, default=100, help="of the drawing, 0.8 s each")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"retry after {args.seconds:g} s: {asyncio.run(run(Path(folder), args.seconds, args.steps))}")


if __name__ == "__main__":
    main()
