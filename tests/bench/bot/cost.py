"""`python -m tests.bench.bot.cost`: what the bot costs around the engine, and what it costs to import it."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bot.messages import Stage
from engine import EngineProcess
from tests.fakes import fakes


async def share(folder: Path, pictures: int, draw: str) -> tuple[float, float]:
    """CPU seconds of this process, and seconds of drawing."""
    chat = fakes.Chat()
    async with fakes.bot(folder, chat, EngineProcess(draw=draw)) as app:
        await chat.says("a red star")
        await chat.until_stage(Stage.FINAL, seconds=600)
        cpu = time.process_time()
        for job in range(2, pictures + 2):
            await chat.says("a red star on a blue background", key=f"job {job}")
            await chat.until_stage(Stage.FINAL, job=job, seconds=600)
        cpu = time.process_time() - cpu
        drawing = sum([(await app.job(job)).seconds or 0.0 for job in range(2, pictures + 2)])
    return cpu, drawing


def imported() -> tuple[float, float, bool]:
    """Seconds on the clock, seconds of CPU, whether torch came with it: the best of five."""
    code = (
        "import time, sys; a, b = time.perf_counter(), time.process_time(); import bot.app; "
        "print(time.perf_counter() - a, time.process_time() - b, 'torch' in sys.modules)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(5)]
    wall, cpu, torch = min(run.split() for run in runs)
    return float(wall), float(cpu), torch == "True"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=5)
    parser.add_argument("--draw", default="engine:draw", help="module:function")
    args = parser.parse_args()
    wall, cpu, torch = imported()
    print(f"import bot.app: {wall:.2f} s, {cpu:.2f} s of CPU, torch {'came too' if torch else 'did not come'}")
    with tempfile.TemporaryDirectory() as folder:
        cpu, drawing = asyncio.run(share(Path(folder), args.pictures, args.draw))
    print(
        f"the bot around {args.pictures} pictures: {cpu:.2f} s of CPU in {drawing:.1f} s of drawing, "
        f"{100 * cpu / drawing:.2f} %"
    )


if __name__ == "__main__":
    main()
