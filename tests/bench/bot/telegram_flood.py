"""`python -m tests.bench.bot.telegram_flood`: Telegram's limits on a virtual clock, and a 429 storm.

Replies, adapter and library are the real ones, over HTTP, to the emulator of tests/fakes/botapi.py; only time is fake
It jumps to the next thing that is due as soon as every line of replies is idle or asleep.
"""

import argparse
import asyncio
import heapq
import itertools
import random
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.telegram import TelegramAdapter
from bot.adapters.telegram.pace import Pace
from bot.config import LimitsConfig
from bot.delivery.cards import Cards
from bot.delivery.replies import Replies
from bot.jobs.job import Draw, Job, NewJob
from bot.jobs.queue import Queue
from bot.messages import Address, Person
from bot.storage.pictures import PictureStore
from bot.storage.store import Store
from bot.texts import Texts
from engine import Preview, Request
from tests.fakes import botapi, scripted, telegram_bot

GROUP = -1001
STEPS = 10  # of a drawing, with a preview at each
COUNTED = ("send", "edit", "delete")  # what Telegram's flood control counts


class VirtualTime:
    """A clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = 1e9
        self.sleeping = 0
        self._due: list[tuple[float, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def wake() -> None:
            if not woken.done():
                self.sleeping -= 1
                woken.set_result(None)

        self.sleeping += 1
        self.at(self.now + seconds, wake)
        try:
            await woken
        except asyncio.CancelledError:
            self.sleeping -= 1  # something newer came, and the sleeper looks again
            raise

    def at(self, moment: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do something then."""
        heapq.heappush(self._due, (moment, next(self._numbers), act))

    async def run(self, settled: Callable[[], bool]) -> None:
        """Until nothing is due any more."""
        while True:
            while not settled():
                await asyncio.sleep(0.0005)  # HTTP and SQLite take real time, in which the clock stands still
            if not self._due:
                return
            moment, _, act = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            await act()


class Play:
    """Jobs that are drawn on the virtual clock."""

    def __init__(self, folder: Path, server: botapi.Server, time: VirtualTime, store: Store) -> None:
        self.server, self.time = server, time
        self.pictures = PictureStore(folder / "pictures")
        self.queue = Queue(store, LimitsConfig(queued=0, per_day=0, running=0), clock=time)
        self.adapter = TelegramAdapter(
            telegram_bot.settings(server), Texts().say, moved=telegram_bot.stays, pace=Pace(time)
        )
        self.replies = Replies(
            store=store,
            queue=self.queue,
            pictures=self.pictures,
            cards=Cards(Texts()),
            adapters={"telegram": self.adapter},
            gone=self._gone,
            record=lambda name, value: None,
            clock=time,
            sleep=time.sleep,
        )
        self.previews: dict[int, list[tuple[float, int]]] = {}  # by job: when it was made, percent
        self.drawn: dict[int, float] = {}

    def draw(self, chat: int, begin: float, seconds: float) -> None:
        """One job from asked to drawn."""
        self.time.at(self.time() + begin, lambda: self._begin(chat, seconds))

    async def run(self) -> None:
        lines = self.replies._outboxes
        await self.time.run(lambda: sum(not line.idle for line in lines.values()) == self.time.sleeping)

    async def _begin(self, chat: int, seconds: float) -> None:
        number = len(self.previews) + 1
        person = Person(platform="telegram", id=str(number))
        asked = self.server.says(chat, "/imagine a star", who=number)
        job, _ = await self.queue.put(
            NewJob(
                key=str(number),
                owner=person,
                address=Address(platform="telegram", chat=str(chat)),
                work=Draw(request=Request(prompt="a star", seed=number)),
                answers=f"{chat}:{asked['message_id']}",
            )
        )
        self.previews[job.id] = []
        self.replies.on_queued(job)
        claimed = await self.queue.claim()
        assert claimed is not None and claimed.id == job.id
        self.replies.on_start(job, None)
        for step in range(1, STEPS + 1):
            self.time.at(self.time() + seconds * step / STEPS, lambda step=step: self._preview(job, step))  # type: ignore[misc]
        self.time.at(self.time() + seconds, lambda: self._end(job))

    async def _preview(self, job: Job, step: int) -> None:
        percent = 100 * step // STEPS
        self.previews[job.id].append((self.time(), percent))
        png = scripted.png(job.request.seed, step)
        self.replies.on_preview(job, Preview(percent=percent, step=step, steps=STEPS, png=png), None)

    async def _end(self, job: Job) -> None:
        await self.pictures.save(f"{job.id}.png", scripted.png(job.request.seed, STEPS))
        await self.pictures.save(f"{job.id}.gif", b"GIF89a")
        assert await self.queue.mark_drawn(job.id, seconds=1.0, steps=STEPS, width=8, height=8)
        self.drawn[job.id] = self.time()
        self.replies.on_end(job)

    async def _gone(self, job: int) -> None:
        raise AssertionError(f"job {job} has lost its message")

    # Figures

    def calls_a_minute(self, chat: int) -> int:
        """The most in any 60 seconds."""
        times = [at for at, method, sent in self.server.calls if method.startswith(COUNTED) and sent["chat_id"] == chat]
        return max(sum(at <= other < at + 60 for other in times) for at in times)

    def ends(self) -> dict[str, float]:
        """Finals and GIFs: how many there are, how many twice, how late."""
        finals, gifs, late = Counter[str](), Counter[int](), []
        for state in self.server.states:
            final = "photo" in state.message and "delete" in str(telegram_bot.buttons(state.message))
            if final:
                job = telegram_bot.buttons(state.message)[0].split(":")[1]
                finals[job] += 1
                late.append(state.at - self.drawn[int(job)])
            if state.method == "sendAnimation":
                gifs[state.message["reply_to_message"]["message_id"] + 10**6 * abs(state.message["chat"]["id"])] += 1
        doubled = sum(n - 1 for n in (*finals.values(), *gifs.values()))
        return {"finals": len(finals), "GIFs": len(gifs), "doubled": doubled, "latest final": max(late)}

    def stale(self) -> tuple[int, int]:
        """Previews shown, and those that were not the newest of their job when they were."""
        shown = stale = 0
        for state in self.server.states:
            match = re.search(r" (\d+) %", state.message.get("caption", ""))
            pressed = re.search(r"cancel:(\d+)", str(telegram_bot.buttons(state.message)))
            if match and pressed:
                shown += 1
                made = [percent for at, percent in self.previews[int(pressed[1])] if at < state.at]
                stale += bool(made) and int(match[1]) < made[-1]
        return shown, stale


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Play]:
    """A stage; afterwards every call must have been valid."""
    time = VirtualTime()
    async with botapi.Server(clock=time, per_minute=20).serving() as server:
        store = await Store.open(folder / "imago.sqlite")
        play = Play(folder, server, time, store)
        await play.adapter._bot.initialize()
        try:
            yield play
        finally:
            await play.replies.close(0)
            await play.adapter.close()
            await store.close()
    assert server.invalid == [], server.invalid


async def two_jobs(folder: Path, minutes: float, seconds: float) -> dict[str, float]:
    """Two jobs at once in one group, then the next two, `seconds` each."""
    async with playing(folder) as play:
        play.server.chat(GROUP, "supergroup")
        for begin in range(0, int(60 * minutes), int(seconds)):
            play.draw(GROUP, begin, seconds)
            play.draw(GROUP, begin + 0.5, seconds)
        await play.run()
        shown, stale = play.stale()
        most = play.calls_a_minute(GROUP)
        return {
            "jobs": len(play.drawn),
            "most calls in 60 s": most,
            "refused": play.server.refused,
            **play.ends(),
            "previews shown": shown,
            "stale": stale,
        }


async def storm(folder: Path, jobs: int, chats: int) -> dict[str, float]:
    """Every second call is refused, for up to 30 seconds."""
    dice, refused = random.Random(1), itertools.count(1)

    def refuse(method: str, parameters: botapi.Json) -> botapi.ApiError | None:
        if not method.startswith(COUNTED) or next(refused) % 2:
            return None
        return botapi.ApiError(429, "Too Many Requests: retry later", retry_after=dice.randint(1, 30))

    async with playing(folder) as play:
        for chat in range(1, chats + 1):
            play.server.chat(chat if chat % 2 else -chat, "private" if chat % 2 else "supergroup")
        play.server.refuse = refuse
        for number in range(jobs):
            chat = number % chats + 1
            play.draw(chat if chat % 2 else -chat, 5.0 * number, 20.0)
        await play.run()
        shown, stale = play.stale()
        answered = sum(method.startswith(COUNTED) for _, method, _ in play.server.calls)
        return {
            "jobs": len(play.drawn),
            "calls taken": answered,
            "refused": next(refused) - 1 - answered,
            **play.ends(),
            "previews shown": shown,
            "stale": stale,
        }


def told(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in figures.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=100)
    args = parser.parse_args()
    for seconds in (60.0, 30.0):
        with tempfile.TemporaryDirectory() as folder:
            figures = asyncio.run(two_jobs(Path(folder), args.minutes, seconds))
        print(f"two jobs at once in one group, {seconds:g} s each, for {args.minutes:g} minutes: {told(figures)}")
    with tempfile.TemporaryDirectory() as folder:
        print(f"429 storm: {told(asyncio.run(storm(Path(folder), args.jobs, 20)))}")


if __name__ == "__main__":
    main()
