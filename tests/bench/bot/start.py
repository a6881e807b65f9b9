"""`python -m tests.bench.bot.start`: from `imago serve` to an open page, with Ray installed and without, in turns."""

import argparse
import asyncio
import importlib.util
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bot.first_minute import address, draw, free_port

MISSING = 'raise ModuleNotFoundError("No module named \'ray\'", name="ray")\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", action="store_true", help="stop at the open page, before the first picture")
    args = parser.parse_args()
    assert importlib.util.find_spec("ray"), "Ray has to be installed for this comparison"
    taken: dict[str, list[float]] = {"with Ray": [], "without": []}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ray.py").write_text(MISSING)
        for _ in range(args.rounds):
            for name, hidden in (("with Ray", ""), ("without", folder)):
                taken[name].append(start(hidden, picture=not args.page))
                print(f"{name}: {taken[name][-1]:.2f} s", flush=True)
    installed, without = (statistics.median(seconds) for seconds in taken.values())
    what = "open page" if args.page else "first picture"
    medians = f"{installed:.2f} s with Ray installed, {without:.2f} s without"
    print(f"start to the {what}, median of {args.rounds}: {medians}")


def start(modules: str, *, picture: bool) -> float:
    """Seconds from the start of a bot in an empty folder; modules that lie in `modules` go before what is installed."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.toml").write_text(f"[web]\nport = {free_port()}\n")
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{modules}:{Path(__file__).parents[3]}"},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            url = address(process)
            if picture:
                asyncio.run(draw(url))
            return time.monotonic() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


if __name__ == "__main__":
    main()
