"""tests/fakes/scenario.py on the fake chat: the story holds where no platform is in the way, and it is strict."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.messages import Action, Reply
from tests.fakes import fakes, scenario
from tests.fakes.scenario import Shown


class FakeDriver:
    """One person in the fake chat, which outlives the bot."""

    def __init__(self, folder: Path, *, gif_apart: bool) -> None:
        self.chat = fakes.Chat(gif_apart=gif_apart)
        self.bot = scenario.Bot(folder, lambda: self.chat)

    async def imagine(self, text: str) -> None:
        await self.chat.says(text)

    async def press(self, action: Action, job: int) -> None:
        await self.chat.presses(action, job)

    async def react(self, emoji: str, job: int) -> None:
        await self.chat.reacts(emoji, self.chat.message_of(job))

    async def draw_on(self) -> None:
        await self.bot.engine.draw_on()

    async def restart(self) -> None:
        await self.bot.restart()

    def shown(self) -> list[Shown]:
        return [as_shown(message, reply) for message, states in self.chat.messages.items() for reply in states]

    async def moved(self) -> None:
        self.chat.moved.clear()
        await self.chat.moved.wait()


def as_shown(message: str, reply: Reply) -> Shown:
    return Shown(
        message=message,
        text=reply.text,
        job=reply.job if reply.buttons else None,
        picture=reply.picture.content if reply.picture else None,
        gif=reply.gif.content if reply.gif else None,
        actions=frozenset(button.action for button in reply.buttons),
    )


@pytest.mark.parametrize("gif_apart", [False, True])
async def test_the_story_holds_on_the_fake_chat(tmp_path: Path, gif_apart: bool) -> None:
    """What the platforms are measured by is what the core does by itself."""
    driver = FakeDriver(tmp_path, gif_apart=gif_apart)
    await driver.bot.start()
    await scenario.play(driver)
    await driver.bot.stop()


class Told:
    """A driver that has only memories."""

    def __init__(self, states: Sequence[Shown]) -> None:
        self._states = list(states)

    def shown(self) -> list[Shown]:
        return self._states


def test_a_second_final_would_be_noticed() -> None:
    """The count is by message: the same final shown twice in one message is one, in two messages it is two."""
    after = frozenset({Action.RERUN})
    final = Shown(message="1", text="“a”", picture=b"x", actions=after, job=1)
    again = Shown(message="2", text="“a”", picture=b"x", actions=after, job=1)
    stopped = Shown(message="3", text="#2 “a”: cancelled; …", picture=b"x", actions=after, job=2)
    assert scenario.finals(Told([final, final, stopped])) == {1: 1}  # type: ignore[arg-type]
    assert scenario.finals(Told([final, again])) == {1: 2}  # type: ignore[arg-type]
