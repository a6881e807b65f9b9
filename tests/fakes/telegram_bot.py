"""the whole bot on the emulated Telegram, and the shared scenario's driver for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.adapters.telegram import TelegramAdapter
from bot.adapters.telegram.albums import Albums
from bot.adapters.telegram.pace import Pace
from bot.app import App
from bot.config import BotConfig, Config, LimitsConfig, ModerationConfig, Secret, TelegramConfig
from bot.messages import Action, Address
from bot.texts import Texts
from tests.fakes import botapi, botapi_chats, fakes, scenario
from tests.fakes.botapi import Json
from tests.fakes.scenario import Shown


def settings(server: botapi.Server, **more: Any) -> TelegramConfig:
    """[telegram], for the emulated server."""
    return TelegramConfig(token=Secret(botapi.TOKEN), base_url=server.url, **more)


@asynccontextmanager
async def bot(
    folder: Path,
    server: botapi.Server,
    engine: Any = None,
    *,
    limits: LimitsConfig | None = None,
    moderation: ModerationConfig | None = None,
    **more: Any,
) -> AsyncIterator[App]:
    """A bot without flood control of its own and the scripted engine; `more` goes into [telegram]."""
    telegram, engine = settings(server, **more), engine or fakes.Engine()
    config = Config(
        bot=BotConfig(folder=folder, options=fakes.few_steps(engine)),
        telegram=telegram,
        limits=limits or LimitsConfig(),
        moderation=moderation or ModerationConfig(),
    )

    def adapters(app: App, history: object) -> list[TelegramAdapter]:
        albums = Albums(sleep=lambda seconds: asyncio.sleep(0))
        return [TelegramAdapter(telegram, app.texts.say, moved=app.moved, pace=Pace(spacing=0), albums=albums)]

    async with App(config, engine=engine, adapters=adapters, grace=fakes.SHORT).lifespan() as app:
        yield app


async def stays(old: Address, new: Address) -> None:
    """For tests in which no chat moves."""
    raise AssertionError(old, new)


def buttons(message: Json) -> list[str]:
    """The callback data under a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["callback_data"] for row in rows for button in row if "callback_data" in button]


def finals(server: botapi.Server) -> list[Json]:
    """The messages that have ended as a picture, as they are now."""
    now = [message for chat in server.chats.values() for message in chat.messages.values()]
    return [message for message in now if "photo" in message and any(b.startswith("delete") for b in buttons(message))]


def texts(server: botapi.Server) -> list[str]:
    """The words of all messages of the bot, as they are now."""
    now = [message for chat in server.chats.values() for message in chat.messages.values()]
    return [m.get("text", m.get("caption", "")) for m in now if m.get("from") == botapi.ME]


class Driver:
    """One person in a group where the bot is an administrator, so that reactions are told."""

    CHAT = -1001

    def __init__(self, folder: Path, server: botapi.Server) -> None:
        self.server = server
        server.chat(self.CHAT, "supergroup", admins={botapi.ME["id"]})
        config, say = settings(server), Texts().say
        self.bot = scenario.Bot(folder, lambda: TelegramAdapter(config, say, moved=stays, pace=Pace(spacing=0)))

    async def imagine(self, text: str) -> None:
        self.server.says(self.CHAT, f"/imagine {text}")

    async def press(self, action: Action, job: int) -> None:
        self.server.presses(self.CHAT, self._message_of(job), f"{action}:{job}")

    async def react(self, emoji: str, job: int) -> None:
        self.server.reacts(self.CHAT, self._message_of(job), emoji)

    async def draw_on(self) -> None:
        await self.bot.engine.draw_on()

    async def restart(self) -> None:
        await self.bot.restart()

    def shown(self) -> list[Shown]:
        return [_shown(state) for state in self.server.states]

    async def moved(self) -> None:
        self.server.moved.clear()
        try:
            await asyncio.wait_for(self.server.moved.wait(), 1)
        except TimeoutError:
            pass

    def _message_of(self, job: int) -> int:
        return int(next(s.message for s in self.shown() if s.job == job))


def _shown(state: botapi_chats.State) -> Shown:
    message, pressed = state.message, [data.split(":") for data in buttons(state.message)]
    gif = "animation" in message
    return Shown(
        message=str(message["message_id"]),
        text=message.get("text", message.get("caption", "")),
        picture=None if gif else state.content,
        gif=state.content if gif else None,
        actions=frozenset(Action(action) for action, _ in pressed),
        job=int(pressed[0][1]) if pressed else None,
    )
