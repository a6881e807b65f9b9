"""`python -m tests.bench.bot.discord_first`: first responses while the engine draws and every core is busy."""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bot.discord_bot import Bot
from tests.fakes.discord_wire import Wire


async def run(folder: Path, commands: int, pause: float, draw: str) -> dict[str, float]:
    """The figures, in milliseconds; the engine draws all the time."""
    wire = await Wire(checks=False).start()  # that would be the server's time, not the bot's
    bot = Bot(folder, wire, draw)
    await bot.start()
    wire.slash("imagine", prompt="a red star")
    await wire.until(lambda: any("step 1" in shown.text for shown in wire.states), seconds=300)
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    asked, began, before = [], time.monotonic(), bot.engine_seconds()
    for number in range(commands):
        asked.append(wire.slash("imagine", prompt="a blue cat", seed=number))
        await asyncio.sleep(pause)
    try:
        await wire.until(lambda: all(number in wire.responses for number in asked), seconds=10)
    except TimeoutError:
        pass  # Discord takes no response after 3 s
    cores = (bot.engine_seconds() - before) / (time.monotonic() - began)
    for burner in burners:
        burner.kill()
        burner.wait()
    await bot.stop()
    await wire.stop()
    waits = [1000 * wire.responses.get(number, 10.0) for number in asked]
    return {
        "commands": len(waits),
        "p50": statistics.median(waits),
        "p99": statistics.quantiles(waits, n=100)[98],
        "longest": max(waits),
        "over 3 s": sum(wait > 3000 for wait in waits),
        "cores the engine took": cores,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two commands; 0 is all at once")
    parser.add_argument("--draw", default="engine:draw", help="module:function")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), args.commands, args.pause, args.draw))
    told = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
    print(f"first response, ms, a command each {args.pause} s: {told}")


if __name__ == "__main__":
    main()
