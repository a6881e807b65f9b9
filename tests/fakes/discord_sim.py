"""the bot on SimCord: real discord.py against a Discord in memory, with its clock, its rights and its restarts."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from bot.adapters.discord import DiscordAdapter
from bot.adapters.discord.client import Client
from bot.app import App
from bot.config import BotConfig, Config, DiscordConfig, LimitsConfig, ModerationConfig, Secret
from bot.messages import Action
from tests.fakes import fakes
from tests.fakes.scenario import Shown

CUSTOM_ID = re.compile(r"imago:(\w+):(\d+)(?::\d)?")
TOKEN = "simcord.fake.token"


class Sim:
    """One server with a channel and ann in it, and the bot; the world outlives the bot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine: fakes.Engine = fakes.PacedEngine()
        self.config = DiscordConfig(token=Secret(TOKEN))
        self.limits = LimitsConfig()
        self.env: Any = None
        self.adapter: DiscordAdapter
        self.states: list[Shown] = []
        self.news = asyncio.Event()
        self._lives: list[Any] = []
        self.rules = ModerationConfig()

    @property
    def now(self) -> float:
        """Unix time in this world."""
        return float(self.env.now().timestamp())

    async def connect(self, client: Client, config: DiscordConfig) -> None:
        """In place of logging in at Discord."""
        if self.env is None:
            self.env = simcord.Env(client, settle_timeout=10.0, shard_count=1)
            await self.env.start()
            self.env.backend.subscribers.append(self._note)
        else:
            await self.env.restart_bot(client)

    async def start(self) -> "Sim":
        def adapters(app: App, history: object) -> list[Any]:
            self.adapter = DiscordAdapter(
                self.config,
                app.texts.say,
                app.notes("discord"),
                connect=self.connect,
                clock=self._clock,
                offers=app.offers(),
            )
            return [self.adapter]

        bot = BotConfig(folder=self.folder, options=fakes.few_steps(self.engine))
        config = Config(bot=bot, discord=self.config, limits=self.limits, moderation=self.rules)
        life = App(config, engine=self.engine, adapters=adapters).lifespan()
        self._lives.append(life)
        self.app = await life.__aenter__()
        return self

    async def stop(self) -> None:
        if isinstance(self.engine, fakes.PacedEngine):
            asyncio.get_running_loop().call_soon(self.engine.free)
        await self._lives.pop().__aexit__(None, None, None)

    async def restart(self) -> None:
        await self.stop()
        self.engine = fakes.PacedEngine()
        await self.start()

    def furnish(self) -> "Sim":
        self.guild = self.env.create_guild()
        self.channel: ChannelHandle = self.guild.create_text_channel("art")
        self.ann: MemberActor = self.guild.add_member(self.env.create_user("ann"))
        return self

    # The driver of tests/fakes/scenario.py

    async def imagine(self, text: str) -> None:
        prompt, *options = re.split(r" --(\w+) ", text)
        values = {name: int(value) for name, value in zip(options[::2], options[1::2], strict=True)}
        await self.ann.slash(self.channel, "imagine", prompt=prompt, **values)

    async def press(self, action: Action, job: int) -> Any:
        return await self.ann.click(self.message(job), custom_id=f"imago:{action}:{job}")

    async def react(self, emoji: str, job: int) -> None:
        await self.ann.react(self.message(job), emoji)

    async def draw_on(self) -> None:
        assert isinstance(self.engine, fakes.PacedEngine)
        await self.engine.draw_on()

    def shown(self) -> list[Shown]:
        return self.states

    async def moved(self) -> None:
        await self.news.wait()
        self.news.clear()

    # What tests look at

    def message(self, job: int) -> discord.Message:
        """The message of a job, as ann sees it."""
        return next(
            m
            for m in self.channel.history(viewer=self.ann)
            if any(CUSTOM_ID.fullmatch(i)[2] == str(job) for i in ids(m.components))  # type: ignore[index]
        )

    def texts(self, channel: ChannelHandle | None = None) -> list[str]:
        """Everything that stands in a channel, for all to see."""
        stored = self.env.backend.messages[(channel or self.channel).id].values()
        return [m.content for m in sorted(stored, key=lambda m: m.id) if not m.is_ephemeral]

    async def until(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.005)

    def _clock(self) -> float:
        return self.now if self.env is not None else 1767225600.0  # where its clock begins

    def _note(self, event: str, payload: Any) -> None:
        if event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or not payload["author"].get("bot"):
            return
        stored = self.env.backend.messages[int(payload["channel_id"])][int(payload["id"])]
        if not stored.is_ephemeral:
            self.states.append(as_shown(self.env.backend, stored))
            self.news.set()


def ids(rows: Any) -> list[str]:
    """The custom_ids among components, as discord.py or as JSON."""
    found = []
    for row in rows:
        part = row if isinstance(row, dict) else row.to_dict()
        found += [child["custom_id"] for child in part.get("components", ()) if "custom_id" in child]
    return found


def as_shown(backend: Any, message: Any) -> Shown:
    """A stored message, with the bytes of what is attached to it."""
    custom = [CUSTOM_ID.fullmatch(i) for i in ids(message.components)]
    buttons = [match for match in custom if match]
    files = {a["filename"]: backend.cdn.get(a["url"]) for a in message.attachments}
    return Shown(
        message=str(message.id),
        text=message.content,
        picture=next((content for name, content in files.items() if not name.endswith(".gif")), None),
        gif=next((content for name, content in files.items() if name.endswith(".gif")), None),
        actions=frozenset(Action(match[1]) for match in buttons),
        job=int(buttons[0][2]) if buttons else None,
    )


@asynccontextmanager
async def sim(folder: Path, engine: fakes.Engine | None = None, **config: Any) -> AsyncIterator[Sim]:
    """A furnished world with the bot in it."""
    world = Sim(folder)
    world.engine = engine or fakes.Engine()
    world.config = replace(world.config, **config)
    await world.start()
    world.furnish()
    try:
        yield world
        assert not world.env.errors
    finally:
        await world.stop()
        await world.env.shutdown()
