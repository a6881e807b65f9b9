"""`python -m tests.bench.bot.siege`: one person's /help and picture while strangers try to stop the bot."""

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
from aiohttp import web
from PIL import Image

from bot.storage.store import Store
from tests.bench.bot import pictures
from tests.fakes import botapi
from tests.fakes.discord_wire import TOKEN, Wire

HELP, PICTURE = "Tell me what to draw", "a red star --steps 20"
ROWS, STREAMS, HALF, IDLE, UPLOADS = 60_000, 150, 1100, 2000, 60
CONFIG = """
[bot]
folder = "{folder}"
[engine]
models = "toybox"
[web]
port = {port}
[discord]
api_base = "{api}"
gateway_url = "{gateway}"
[telegram]
base_url = "{telegram}"
"""


def peak_of(pid: int) -> float:
    """MB that a process has held at most."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def secret_of(number: int) -> str:
    """The cookie of a stranger's browser."""
    return f"{number:032}"


def person_of(number: int) -> str:
    """The id that the page gives this stranger, to lay out a history beforehand."""
    return hmac.new(secret_of(number).encode(), b"", hashlib.sha256).hexdigest()[:32]


def scan_bomb(scans: int = 5000) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = pictures.saved(pictures.picture(), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def large_picture() -> bytes:
    """A valid PNG of 17 MB."""
    noise = np.random.default_rng(1).integers(0, 256, (2380, 2380, 3), dtype=np.uint8)
    return pictures.saved(Image.fromarray(noise), "PNG", compress_level=0)


@dataclass
class Site:
    """The bot in a process of its own, and the platforms that it speaks to."""

    folder: Path
    wire: Wire
    telegram: botapi.Server
    files: str  # address of what is attached on Discord
    port: int
    process: subprocess.Popen[bytes]
    stack: contextlib.AsyncExitStack
    browsers: dict[int, aiohttp.ClientSession] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def lines(self) -> int:
        return self.log.read_bytes().count(b"\n")

    def memory(self) -> float:
        """MB that the bot's process has held at most since `forget_peak`; the engine's is not counted."""
        return peak_of(self.process.pid)

    def engine_memory(self) -> float:
        """MB that the engine's process has held at most since then."""
        return max(map(peak_of, self.engines()), default=0.0)

    def engines(self) -> list[int]:
        """Process numbers; decoders of pictures, which live for a moment, are none."""
        task = Path(f"/proc/{self.process.pid}/task")
        children = [int(child) for thread in task.iterdir() for child in (thread / "children").read_text().split()]
        return [pid for pid in children if b"engine.process.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def forget_peak(self) -> None:
        for pid in (self.process.pid, *self.engines()):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    async def browser(self, number: int) -> aiohttp.ClientSession:
        """A stranger's browser."""
        if number not in self.browsers:
            cookies = {"imago_browser": secret_of(number)}
            connector = aiohttp.TCPConnector(limit=0)
            session = aiohttp.ClientSession(cookies=cookies, headers={"Origin": self.url}, connector=connector)
            self.browsers[number] = await self.stack.enter_async_context(session)
        return self.browsers[number]

    async def post(self, number: int, form: object, path: str = "/say") -> int:
        """The status that a stranger's post gets."""
        session = await self.browser(number)
        async with session.post(self.url + path, params={"who": "", "name": ""}, data=form) as answer:
            await answer.read()
            return answer.status


@asynccontextmanager
async def besieged(folder: Path) -> AsyncIterator[Site]:
    """Start everything; the history of two strangers is long."""
    async with contextlib.AsyncExitStack() as stack:
        wire, telegram = await Wire().start(), botapi.Server()
        stack.push_async_callback(wire.stop)
        await stack.enter_async_context(telegram.serving())
        wire.backend.subscribers.append(lambda event, payload: None)
        bomb = scan_bomb()

        async def give(request: web.Request) -> web.Response:
            return web.Response(body=bomb, content_type="image/jpeg")

        served = web.Application()
        served.add_routes([web.get("/bomb.jpg", give)])
        runner = web.AppRunner(served, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stack.push_async_callback(runner.cleanup)
        telegram.files["bomb"] = bomb
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        await lay_out(folder / "bot")
        values = {"folder": folder / "bot", "port": port, "api": wire.api_base, "gateway": wire.gateway_url}
        (folder / "config.toml").write_text(CONFIG.format(**values, telegram=telegram.url))
        tokens = {"IMAGO_DISCORD_TOKEN": TOKEN, "IMAGO_TELEGRAM_TOKEN": botapi.TOKEN}
        with open(folder / "log", "wb") as log:
            command = [sys.executable, "-m", "bot", "serve", "--config", str(folder / "config.toml")]
            process = subprocess.Popen(command, stderr=log, env=os.environ | tokens)
        stack.callback(end, process)
        files = "http://127.0.0.1:{1}/bomb.jpg".format(*runner.addresses[0][:2])
        site = Site(folder, wire, telegram, files, port, process, stack)
        await wire.until(lambda: wire.connected and None in wire.backend.commands, seconds=120)
        yield site


def end(process: subprocess.Popen[bytes]) -> None:
    """In order, or by force."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def lay_out(folder: Path) -> None:
    """60,000 rows of stranger 0, and a long transcript of each of the strangers who open streams."""
    store = await Store.open(folder / "imago.sqlite")
    body = {"text": "an answer", "stage": "note", "picture": None, "gif": None, "buttons": [], "job": None}
    body |= {"reactions": [], "answers": "", "hidden": False, "typed": "", "offers": [], "percent": None, "prompt": ""}
    button = {"action": "rerun", "label": "Rerun", "job": 7, "picture": None}
    rows = [(person_of(0), str(number), json.dumps(body | {"buttons": [button]})) for number in range(ROWS)]
    long = json.dumps(body | {"text": "x" * 40_000})
    rows += [(person_of(who), str(number), long) for who in range(100, 114) for number in range(30)]
    async with store.transaction() as transaction:
        for chat, nonce, said in rows:
            await transaction.rows("add_history", chat=chat, nonce=nonce, author="bot", body=said, now=time.time())
    await store.close()


class Victim:
    """Somebody on the page, who only wants a picture."""

    def __init__(self, site: Site) -> None:
        self.site, self.asked = site, 0
        self.heard: list[dict[str, object]] = []
        self.news = asyncio.Event()

    async def listen(self) -> None:
        """Keep the conversation open, as a browser does."""
        session = await self.site.browser(1)
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                stream = session.get(f"{self.site.url}/events", params={"who": "", "name": ""}, timeout=NO_TIMEOUT)
                async with stream as events:
                    async for line in events.content:
                        if line.startswith(b"data: {"):
                            self.heard.append(json.loads(line[6:]))
                            self.news.set()
            await asyncio.sleep(0.2)

    async def ask(self, text: str, answered: Callable[[dict[str, object]], bool], seconds: float) -> float:
        """Seconds from a message until the page shows the answer."""
        self.asked += 1
        seen, began = len(self.heard), time.monotonic()
        async with asyncio.timeout(seconds):
            while True:  # as the page does when it cannot get through
                with contextlib.suppress(aiohttp.ClientError):
                    if await self.site.post(1, {"key": f"victim-{self.asked:06}", "text": text}) == 202:
                        break
                await asyncio.sleep(0.1)
            while not any(not said["mine"] and answered(said) for said in self.heard[seen:]):
                self.news.clear()
                await self.news.wait()
        return time.monotonic() - began


NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


async def help_on_page(site: Site, victim: Victim) -> float:
    return await victim.ask("/help", lambda said: HELP in str(said["text"]), 60)


async def help_on_discord(site: Site, victim: Victim) -> float:
    def answers() -> int:
        return sum(HELP in text for text in site.wire.whispers())

    before, began = answers(), time.monotonic()
    site.wire.slash("help", who=site.wire.ann)
    await site.wire.until(lambda: answers() > before, seconds=60)
    return time.monotonic() - began


async def help_on_telegram(site: Site, victim: Victim) -> float:
    before, began = len(site.telegram.calls), time.monotonic()
    site.telegram.says(555, "/help", who=555)

    def answered() -> bool:
        return any(HELP in str(parameters) for _, _, parameters in site.telegram.calls[before:])

    await site.telegram.until(answered, seconds=60)
    return time.monotonic() - began


# The attacks: each goes on until it is cancelled.


async def nothing(site: Site) -> None:
    """For comparison."""
    await asyncio.sleep(3600)


def upload(content: bytes, key: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("text", "a star")
    form.add_field("key", key)
    form.add_field("picture", content, filename="a.jpg", content_type="image/jpeg")
    return form


async def bomb_by_page(site: Site) -> None:
    """Ten browsers send it again and again."""
    bomb = scan_bomb()

    async def send(who: int) -> None:
        for number in range(1000):
            await site.post(who, upload(bomb, f"bomb-{number:06}"))
            await asyncio.sleep(0.3)

    await asyncio.gather(*(send(who) for who in range(10, 20)))


async def bomb_by_discord(site: Site) -> None:
    """Members of the same server attach it to /imagine."""
    wire, strangers = site.wire, [site.wire.join(f"stranger {number}") for number in range(5)]
    command = wire.backend.commands[None][("imagine", 1)]
    names = {option["name"]: option for option in command["options"]}
    attached = next(name for name, option in names.items() if option["type"] == 11)
    about = {"id": "5", "filename": "a.jpg", "size": 200_000, "url": site.files, "proxy_url": site.files}
    options = [{"name": "prompt", "type": 3, "value": "a star"}, {"name": attached, "type": 11, "value": "5"}]
    data = {"id": command["id"], "name": "imagine", "type": 1, "options": options}
    data |= {"resolved": {"attachments": {"5": about | {"content_type": "image/jpeg"}}}}
    while True:
        for stranger in strangers:
            wire._interact(2, data, stranger, 0)
            await asyncio.sleep(0.2)


async def bomb_by_telegram(site: Site) -> None:
    """People send it as photos, many in one batch of updates."""
    photo = {"photo": [{"file_id": "bomb", "file_unique_id": "bomb", "width": 9, "height": 9}], "caption": "a star"}
    while True:
        for stranger in range(600, 605):
            site.telegram.says(stranger, **photo, who=stranger)
        await asyncio.sleep(1)


async def hold(site: Site, count: int, said: bytes) -> None:
    """Keep so many connections open, and open those again that are closed."""

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
                writer.write(said)
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(*(one() for _ in range(count)))


async def half_requests(site: Site) -> None:
    await hold(site, HALF, b"POST /say HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")


async def idle_connections(site: Site) -> None:
    await hold(site, IDLE, b"")


async def long_history(site: Site) -> None:
    """Its owner opens the conversation and presses an old button, again and again."""
    session = await site.browser(0)
    for number in range(100_000):
        async with session.get(f"{site.url}/events", params={"who": "", "name": ""}) as events:
            await events.content.readline()
        await site.post(0, {"key": f"press-{number:06}", "message": "5", "action": "rerun"}, "/press")
        await asyncio.sleep(0.2)


async def unread_streams(site: Site) -> None:
    """150 open pages with long transcripts, none of which reads."""

    async def one(who: int) -> None:
        cookie = f"Cookie: imago_browser={secret_of(who)}"
        head = f"GET /events?who=&name= HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n{cookie}\r\n\r\n"
        while True:
            with contextlib.suppress(OSError), socket.socket() as unread:
                unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                unread.setblocking(False)
                await asyncio.get_running_loop().sock_connect(unread, ("127.0.0.1", site.port))
                await asyncio.get_running_loop().sock_sendall(unread, head.encode())
                await asyncio.sleep(70)

    await asyncio.gather(*(one(100 + number // 11) for number in range(STREAMS)))


async def large_uploads(site: Site) -> None:
    """60 browsers send 17 MB each."""
    content = large_picture()
    await asyncio.gather(*(site.post(200 + number, upload(content, "large-0001")) for number in range(UPLOADS)))
    await asyncio.sleep(3600)


ATTACKS: dict[str, tuple[Callable[[Site], Awaitable[None]], Callable[[Site, Victim], Awaitable[float]]]] = {
    "nothing": (nothing, help_on_page),
    "nothing, on Discord": (nothing, help_on_discord),
    "nothing, on Telegram": (nothing, help_on_telegram),
    "scan bomb by page": (bomb_by_page, help_on_page),
    "scan bomb by Discord": (bomb_by_discord, help_on_discord),
    "scan bomb by Telegram": (bomb_by_telegram, help_on_telegram),
    "1,100 half requests": (half_requests, help_on_page),
    "2,000 idle connections": (idle_connections, help_on_page),
    "60,000 rows of history": (long_history, help_on_page),
    "150 unread streams": (unread_streams, help_on_page),
    "60 large uploads": (large_uploads, help_on_page),
}


async def withstand(site: Site, victim: Victim, name: str, pause: float, seconds: float) -> str:
    """One attack: the slowest /help, the picture, memory and lines of log."""
    attack, ask = ATTACKS[name]
    site.forget_peak()
    lines, began, waits = site.lines(), time.monotonic(), []
    attacking = asyncio.ensure_future(attack(site))
    try:
        await asyncio.sleep(pause)  # until it has begun
        asked = time.monotonic()
        drawing = asyncio.create_task(victim.ask(PICTURE, lambda said: said["stage"] == "final", 300))
        while not drawing.done() or time.monotonic() < began + seconds:
            waits.append(await ask(site, victim))
            if attacking.done():
                attacking.result()
            await asyncio.sleep(2)
        drawn = f"in {await drawing:.1f} s"
    except TimeoutError:
        drawn = f"NOT in {time.monotonic() - asked:.0f} s"
    finally:
        attacking.cancel()
        await asyncio.wait([attacking])
    minutes = (time.monotonic() - began) / 60
    said = (site.lines() - lines) / minutes
    slowest = f"{max(waits, default=float('inf')):.2f} s"
    memory = f"bot {site.memory():.0f} MB, engine {site.engine_memory():.0f} MB"
    figures = f"picture {drawn}, {memory}, {said:.0f} lines of log a minute"
    return f"{name:24} /help {slowest:>7} at most of {len(waits)}, {figures}"


async def run(folder: Path, names: list[str], pause: float, seconds: float) -> None:
    async with besieged(folder) as site:
        victim = Victim(site)
        listening = asyncio.create_task(victim.listen())
        await victim.ask(PICTURE, lambda said: said["stage"] == "final", 300)  # the engine loads its models
        for name in names:
            print(await withstand(site, victim, name, pause, seconds), flush=True)
        listening.cancel()
        await asyncio.wait([listening])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(ATTACKS), help="default: all")
    parser.add_argument("--pause", type=float, default=3.0, help="seconds of attack before the first question")
    parser.add_argument("--seconds", type=float, default=20.0, help="of attack, at least")
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), args.only or list(ATTACKS), args.pause, args.seconds))


if __name__ == "__main__":
    main()
