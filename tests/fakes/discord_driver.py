"""the story's driver on the wire, and a bot in this process that speaks over it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.adapters.discord import DiscordAdapter
from bot.app import App
from bot.config import BotConfig, Config, DiscordConfig, LimitsConfig, Secret
from bot.messages import Action
from tests.fakes import fakes
from tests.fakes.discord_wire import TOKEN, Wire
from tests.fakes.scenario import Shown


def config_for(wire: Wire, **changes: Any) -> DiscordConfig:
    """Where the wire is."""
    config = DiscordConfig(token=Secret(TOKEN), api_base=wire.api_base, gateway_url=wire.gateway_url)
    return replace(config, **changes)


class WireDriver:
    """ann on the wire, and the bot."""

    def __init__(self, folder: Path, wire: Wire, engine: fakes.Engine | None = None, **config: Any) -> None:
        self.wire, self.folder, self._config = wire, folder, config
        self.limits = LimitsConfig()
        self.engine: Any = engine or fakes.Engine()
        self._life: Any = None

    async def start(self) -> None:
        def adapters(app: App, history: object) -> list[Any]:
            config = config_for(self.wire, **self._config)
            self.adapter = DiscordAdapter(config, app.texts.say, app.notes("discord"), clock=self._clock)
            return [self.adapter]

        bot = BotConfig(folder=self.folder, options=fakes.few_steps(self.engine))
        config = Config(bot=bot, limits=self.limits)
        self._life = App(config, engine=self.engine, adapters=adapters).lifespan()
        self.app = await self._life.__aenter__()
        await self.wire.until(lambda: self.wire.connected and None in self.wire.backend.commands)

    async def stop(self) -> None:
        if isinstance(self.engine, fakes.PacedEngine):
            asyncio.get_running_loop().call_soon(self.engine.free)
        await self._life.__aexit__(None, None, None)
        await self.wire.until(lambda: not self.wire.connected)

    async def restart(self) -> None:
        await self.stop()
        self.engine = type(self.engine)()
        await self.start()

    def _clock(self) -> float:
        return float(self.wire.backend.clock.now().timestamp())

    async def imagine(self, text: str) -> None:
        prompt, *options = re.split(r" --(\w+) ", text)
        values = {name: int(value) for name, value in zip(options[::2], options[1::2], strict=True)}
        self.wire.slash("imagine", prompt=prompt, **values)

    async def press(self, action: Action, job: int) -> None:
        self.wire.press(action, job)

    async def react(self, emoji: str, job: int) -> None:
        self.wire.react(emoji, job)

    async def draw_on(self) -> None:
        await self.engine.draw_on()

    def shown(self) -> list[Shown]:
        return self.wire.states

    async def moved(self) -> None:
        await self.wire.news.wait()
        self.wire.news.clear()

    async def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        await self.wire.until(true, seconds)

    async def settled(self) -> None:
        """All jobs have ended, and all that was to be sent about them is sent: replies, reactions, greetings."""
        async with asyncio.timeout(20):
            while set(await self.app.counts()) & {"queued", "running", "drawn"} or not self._sends_nothing():
                await asyncio.sleep(0.005)

    def _sends_nothing(self) -> bool:
        return not self.adapter._later and all(box.idle for box in self.app._worker._watcher._outboxes.values())


@asynccontextmanager
async def on_the_wire(
    folder: Path, engine: fakes.Engine | None = None, wire: Wire | None = None, **config: Any
) -> AsyncIterator[WireDriver]:
    """A world, the bot in it, and at the end a look at all that was sent."""
    async with (wire or Wire()).serving() as world:
        driver = WireDriver(folder, world, engine, **config)
        await driver.start()
        try:
            yield driver
            assert world.invalid == []
        finally:
            await driver.stop()
