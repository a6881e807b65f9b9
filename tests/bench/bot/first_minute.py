"""`python -m tests.bench.bot.first_minute`: from `git clone` to a picture on the page, as the README says.

Once to fill pip's cache, which is the download, then timed in a new folder. The port is the only thing that is set.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[3]
WISH = "a red fox in the snow"  # the first example of the page
PATIENCE = 900.0  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", action="store_true", help="pip's cache is filled already")
    args = parser.parse_args()
    if not args.warm:
        asyncio.run(first_picture("filling the cache"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = asyncio.run(first_picture("timed"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    load = os.getloadavg()[1]
    print(f"from git clone to a picture on the page: {total:.1f} s (at most 60)")
    print(f"{busy:.1f} s of them on a processor, all threads together; load of the machine {load:.1f}")
    return int(total > 60)


async def first_picture(name: str) -> float:
    """Seconds from the clone to the finished picture; prints each part."""
    with tempfile.TemporaryDirectory() as place:
        folder, began = Path(place) / "imago", time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        cloned = time.monotonic()
        (folder / "config.toml").write_text(f"[web]\nport = {free_port()}\n")
        with make_run(folder) as process:
            url = await asyncio.wait_for(asyncio.to_thread(address, process), PATIENCE)
            answered = time.monotonic()
            async with asyncio.timeout(PATIENCE):
                await draw(url)
        parts = {
            "clone": cloned - began,
            "install and start": answered - cloned,
            "picture": time.monotonic() - answered,
        }
        print(f"{name}: " + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in parts.items()), flush=True)
        return sum(parts.values())


@contextmanager
def make_run(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """`make run`, and an end of all that it has started."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    command = ["make", "run", f"PYTHON={sys.executable}"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def address(process: "subprocess.Popen[str]") -> str:
    """Where the page is, once it says so."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Open "):
            return line.removeprefix("Open ").strip()
    raise SystemExit("make run has ended without a page")


async def draw(url: str) -> None:
    """What the page does: open it, listen, send a sentence, wait for the picture."""
    cookies = aiohttp.CookieJar(unsafe=True)  # also of an address without a name
    async with aiohttp.ClientSession(headers={"Origin": url.rstrip("/")}, cookie_jar=cookies) as session:
        async with session.get(url) as page:
            page.raise_for_status()
        async with session.get(f"{url}events", timeout=aiohttp.ClientTimeout(total=PATIENCE)) as events:
            async with session.post(f"{url}say", data={"key": "first-minute", "text": WISH}) as said:
                said.raise_for_status()
            async for line in events.content:
                if line.startswith(b"data: ") and (message := json.loads(line[6:])) and is_final(message):
                    address = f"{url}pictures/{message['id']}/{message['picture']['name']}"
                    async with session.get(address) as picture:
                        picture.raise_for_status()
                        assert (await picture.read()).startswith(b"\x89PNG")
                    return


def is_final(message: object) -> bool:
    return isinstance(message, dict) and message.get("stage") == "final"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
