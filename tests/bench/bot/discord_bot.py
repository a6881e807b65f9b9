"""the bot that the measurements of Discord run in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from bot.adapters.base import Adapter, History
from bot.adapters.discord import DiscordAdapter
from bot.app import App
from bot.config import BotConfig, Config, DiscordConfig, LimitsConfig, Secret
from engine import EngineProcess
from tests.fakes.discord_wire import PREFIX, TOKEN, Wire


async def serve(folder: Path, port: int, draw: str) -> None:
    """Serve the wire at a port until told to stop."""
    config = Config(bot=BotConfig(folder=folder), limits=LimitsConfig(queued=0, per_day=0, per_minute=0))
    wire = DiscordConfig(
        token=Secret(TOKEN), api_base=f"http://127.0.0.1:{port}{PREFIX}", gateway_url=f"ws://127.0.0.1:{port}/gateway"
    )
    engine = EngineProcess(draw=draw, upscale="tests.fakes.scripted:upscale")

    def adapters(app: App, history: History) -> list[Adapter]:
        return [DiscordAdapter(wire, app.texts.say, app.notes("discord"))]

    await App(config, engine=engine, adapters=adapters).run()


class Bot:
    """The process, as the measurements hold it."""

    def __init__(self, folder: Path, wire: Wire, draw: str = "tests.fakes.scripted:draw_slowly") -> None:
        self._folder, self._wire, self._draw = folder, wire, draw
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it listens."""
        module, where = "tests.bench.bot.discord_bot", [str(self._folder), str(self._wire.port), self._draw]
        command = [sys.executable, "-m", module, *where]
        self._process = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        await self._wire.until(lambda: self._wire.connected and None in self._wire.backend.commands, seconds=120)

    def engine_seconds(self) -> float:
        """Processor time of the engine process so far."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        fields = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split() for child in children]
        return sum(int(stat[11]) + int(stat[12]) for stat in fields) / os.sysconf("SC_CLK_TCK")

    async def kill(self) -> None:
        """-9, and wait until it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """In order; the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = await asyncio.to_thread(self._process.wait, 60)
        await self._wire.until(lambda: not self._wire.connected)
        return code


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
