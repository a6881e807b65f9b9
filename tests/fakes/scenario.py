"""one story on every chat platform: draw, watch, enlarge, draw again, restart in the middle, an old button, cancel."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.adapters.base import Adapter
from bot.messages import Action
from tests.fakes import fakes

PROMPT = "a red star --seed 7 --steps 10"
PREVIEWS = 9  # one each 10 %; a tenth, at 100 %, may be shown or be overtaken by the final


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a message of the bot showed from one moment on, as the platform took it."""

    message: str  # its id
    text: str
    picture: bytes | None = None  # as it was uploaded
    gif: bytes | None = None  # in the same message or one of its own
    actions: frozenset[Action] = frozenset()  # of the buttons under it
    job: int | None = None  # as its buttons say; None for a message without any


class Driver(Protocol):
    """People on a platform that keeps all it was sent, and the bot behind it. All waits end with a TimeoutError."""

    async def imagine(self, text: str) -> None:
        """Somebody asks for a picture."""
        ...

    async def press(self, action: Action, job: int) -> None:
        """The same person presses a button, as the newest state of the job's message carries it."""
        ...

    async def react(self, emoji: str, job: int) -> None:
        """The same person adds an emoji to the job's message."""
        ...

    async def draw_on(self) -> None:
        """Let the engine make one more preview; waits until it is about to. (`Bot.engine.draw_on`)"""
        ...

    async def restart(self) -> None:
        """Stop the bot and start a new one on the same folder. (`Bot.restart`)"""
        ...

    def shown(self) -> list[Shown]:
        """Every state of every message of the bot, oldest first; notes and answers too."""
        ...

    async def moved(self) -> None:
        """Return when `shown` has grown since the last call, or a moment has passed."""
        ...


async def play(driver: Driver) -> None:
    """The whole story; AssertionError where a platform tells it otherwise."""
    await draw_and_watch(driver)
    await enlarge(driver)
    await draw_again_over_a_restart(driver)
    await press_an_old_button_and_cancel(driver)
    assert finals(driver) == {1: 1, 2: 1, 3: 1}, "exactly one final each"


async def draw_and_watch(driver: Driver) -> None:
    """imagine → 9 previews → final → GIF, all in one message."""
    await driver.imagine(PROMPT)
    for number in range(1, PREVIEWS + 1):
        await driver.draw_on()
        await until(driver, lambda number=number: len(previews(driver, 1)) >= number)  # type: ignore[misc]
    await finish(driver, 1)
    assert len(previews(driver, 1)) >= PREVIEWS
    assert len({shown.message for shown in states(driver, 1)}) == 1, "one message from queued to final"
    await until(driver, lambda: any(shown.gif for shown in driver.shown()))
    assert sum(bool(shown.gif) for shown in driver.shown()) == 1


async def enlarge(driver: Driver) -> None:
    """react 🔥: a picture of its own, made of the first."""
    await driver.react("🔥", 1)
    await finish(driver, 2)


async def draw_again_over_a_restart(driver: Driver) -> None:
    """react 🎉, and a restart in the middle: the drawing goes on and ends once, in the message where it began."""
    await driver.react("🎉", 1)
    for _ in range(PREVIEWS // 2):
        await driver.draw_on()
    await until(driver, lambda: bool(previews(driver, 3)))
    await driver.restart()
    await finish(driver, 3)
    assert len({shown.message for shown in states(driver, 3)}) == 1


async def press_an_old_button_and_cancel(driver: Driver) -> None:
    """Rerun under a picture from before the restart, then Cancel: what there was of it stays."""
    await driver.press(Action.RERUN, 1)
    await driver.draw_on()
    await driver.draw_on()
    await until(driver, lambda: bool(previews(driver, 4)))
    await driver.press(Action.CANCEL, 4)
    await until(driver, lambda: ended(driver, 4))
    assert states(driver, 4)[-1].picture is not None, "the partial picture"
    assert 4 not in finals(driver)


async def finish(driver: Driver, job: int) -> None:
    """Let the engine go on until a job's final is shown."""

    async def draw() -> None:
        while not ended(driver, job):
            await driver.draw_on()

    drawing = asyncio.create_task(draw())
    try:
        await until(driver, lambda: ended(driver, job))
    finally:
        drawing.cancel()
        await asyncio.wait([drawing])


def states(driver: Driver, job: int) -> list[Shown]:
    """What the job's message has shown, oldest first."""
    return [shown for shown in driver.shown() if shown.job == job]


def previews(driver: Driver, job: int) -> list[bytes]:
    """The pictures of a job that could still be cancelled, each once."""
    shown = [state.picture for state in states(driver, job) if Action.CANCEL in state.actions and state.picture]
    return list(dict.fromkeys(shown))


def ended(driver: Driver, job: int) -> bool:
    """There is nothing to cancel any more."""
    shown = states(driver, job)
    return bool(shown) and Action.CANCEL not in shown[-1].actions and bool(shown[-1].actions)


def finals(driver: Driver) -> dict[int, int]:
    """In how many messages each job has ended with a whole picture."""
    newest = {shown.message: shown for shown in driver.shown() if shown.job is not None}
    counts: dict[int, int] = {}
    for shown in newest.values():
        if shown.picture and Action.CANCEL not in shown.actions and "cancelled" not in shown.text:
            counts[shown.job or 0] = counts.get(shown.job or 0, 0) + 1
    return counts


async def until(driver: Driver, true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something to be shown."""
    async with asyncio.timeout(seconds):
        while not true():
            await driver.moved()


class Bot:
    """A whole bot with an engine that waits for `draw_on`; it can be restarted."""

    def __init__(self, folder: Path, adapter: Callable[[], Adapter]) -> None:
        """`adapter` makes a new one for each life."""
        self._folder, self._adapter = folder, adapter
        self._life = AsyncExitStack()
        self.engine = fakes.PacedEngine()

    async def start(self) -> None:
        self.engine = fakes.PacedEngine()
        await self._life.enter_async_context(fakes.bot(self._folder, self._adapter(), self.engine))

    async def stop(self) -> None:
        # Once the worker waits for the next checkpoint, and not before: else the drawing would just be finished.
        asyncio.get_running_loop().call_soon(self.engine.free)
        await self._life.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()
