"""`python -m tests.bench.bot.refused`: a final that a platform refuses, and the next job behind it in the same chat.

Telegram and Discord answer every call that carries the picture of job 1 with 400, 403 or 413, or three times with 500
or a connection that breaks; the page's store of conversations raises what those would be, as often. Then somebody asks
for job 2.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bot.adapters.base import Adapter, History
from bot.adapters.discord.controls import job_of
from bot.adapters.web.adapter import WebAdapter
from bot.app import App
from bot.config import BotConfig, Config, WebConfig
from bot.errors import NotStored
from tests.fakes import botapi, fakes, telegram_bot
from tests.fakes.botapi import ApiError
from tests.fakes.discord_driver import on_the_wire
from tests.fakes.discord_wire import Wire

FAULTS = ("400", "403", "413", "500", "broken pipe")
PASSING = ("500", "broken pipe")  # they are over after three tries
NEXT = 5.0  # seconds in which the next job must be shown


@dataclass
class Fault:
    """What happens to the final of job 1."""

    name: str
    times: int = 0  # 0: as often as it is tried, unless it is one that passes
    left: int = field(init=False)
    met: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.left = 3 if self.name in PASSING or self.times else 1000

    def strikes(self) -> bool:
        """Whether this call is refused."""
        self.left -= 1
        if self.left >= 0:
            self.met.set()
        return self.left >= 0


class Telegram(botapi.Server):
    """Cuts the connection where `refuse` raises BrokenPipeError."""

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return await super()._answer(request)
        except BrokenPipeError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()


class Discord(Wire):
    """Refuses what carries the picture of job 1 with its controls."""

    fault: Fault

    async def _call(self, request: web.Request) -> web.Response:
        try:
            return await super()._call(request)
        except BrokenPipeError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    def _answer(self, request: web.Request, path: str, body: Any, files: list[Any]) -> web.Response:
        final = files and "rerun" in json.dumps(body) and job_of(body.get("components", ())) == 1
        if final and self.fault.strikes():
            if self.fault.name == "broken pipe":
                raise BrokenPipeError
            status = int(self.fault.name)
            code = {400: 50035, 403: 50001, 413: 40005}.get(status, 0)
            return web.json_response({"message": "refused", "code": code}, status=status)
        return super()._answer(request, path, body, files)


class Page:
    """A History that refuses the final of job 1."""

    def __init__(self, inner: History, fault: Fault) -> None:
        self._inner, self._fault = inner, fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def change(self, entry: int, body: str) -> bool:
        shown = json.loads(body)
        if shown.get("job") == 1 and shown.get("stage") == "final" and shown.get("picture") and self._fault.strikes():
            raise {
                "400": ValueError("refused"),
                "403": PermissionError("refused"),
                "413": OverflowError("too large"),
                "500": NotStored("refused"),
                "broken pipe": BrokenPipeError(),
            }[self._fault.name]
        return await self._inner.change(entry, body)


Ended = Callable[[int], str]  # how a job has ended: "picture", "words", or empty
Asks = Callable[[], Any]


@asynccontextmanager
async def telegram(folder: Path, fault: Fault) -> AsyncIterator[tuple[Asks, Ended]]:
    async with Telegram().serving() as server, telegram_bot.bot(folder, server):

        def refuse(method: str, parameters: Any) -> ApiError | None:
            final = method == "editMessageMedia" and "rerun:1" in json.dumps(parameters.get("reply_markup"))
            if not final or not fault.strikes():
                return None
            if fault.name == "broken pipe":
                raise BrokenPipeError
            words = {"400": "Bad Request: refused", "403": "Forbidden: refused", "413": "Request Entity Too Large"}
            return ApiError(int(fault.name), words.get(fault.name, "Internal Server Error"))

        server.refuse = refuse

        def ended(job: int) -> str:
            for message in server.chats[5].messages.values():
                if f"rerun:{job}" in telegram_bot.buttons(message):
                    return "picture" if "photo" in message else "words"
            return ""

        yield (lambda: server.says(5, "a star")), ended


@asynccontextmanager
async def discord(folder: Path, fault: Fault) -> AsyncIterator[tuple[Asks, Ended]]:
    wire = Discord()
    wire.fault = fault
    async with on_the_wire(folder, wire=wire):

        def ended(job: int) -> str:
            states = [shown for shown in wire.states if shown.job == job]
            if not states or "rerun" not in states[-1].actions:
                return ""
            return "picture" if states[-1].picture else "words"

        yield (lambda: wire.slash("imagine", prompt="a star")), ended


@asynccontextmanager
async def page(folder: Path, fault: Fault) -> AsyncIterator[tuple[Asks, Ended]]:
    bodies: list[dict[str, Any]] = []
    sites: list[WebAdapter] = []

    def adapters(app: App, history: History) -> list[Adapter]:
        more = {"metrics": app.metrics_page, "trouble": app.trouble}
        sites.append(WebAdapter(WebConfig(port=0), Page(history, fault), app.texts.say, **more))
        return list(sites)

    config = Config(bot=BotConfig(folder=folder))
    async with App(config, engine=fakes.Engine(), adapters=adapters).lifespan() as app:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers={"Origin": sites[0].url.rstrip("/")}) as session:
            await (await session.get(sites[0].url)).read()
            number = 0

            async def asks() -> None:
                nonlocal number
                number += 1
                form = {"key": f"key-{number:06}", "text": "a star"}
                async with session.post(sites[0].url + "say", data=form) as response:
                    assert response.status == 202, await response.text()

            async def look() -> None:
                while True:
                    rows = await app._store._reader.execute_fetchall("SELECT * FROM history")
                    bodies[:] = [json.loads(row["body"]) for row in rows]
                    await asyncio.sleep(0.05)

            looking = asyncio.create_task(look())

            def ended(job: int) -> str:
                for body in bodies:
                    if body.get("job") == job and body.get("stage") == "final":
                        return "picture" if body["picture"] else "words"
                return ""

            try:
                yield asks, ended
            finally:
                looking.cancel()


PLATFORMS = {"Telegram": telegram, "Discord": discord, "page": page}


async def play(platform: str, name: str) -> tuple[str, float]:
    """How the first job ended, and the seconds until the next one was shown."""
    fault = Fault(name, 3 if platform == "page" else 0)
    with tempfile.TemporaryDirectory() as folder:
        async with PLATFORMS[platform](Path(folder), fault) as (asks, ended):
            if found := asks():
                await found if asyncio.iscoroutine(found) else None
            await asyncio.wait_for(fault.met.wait(), 30)
            began = time.monotonic()
            if found := asks():
                await found if asyncio.iscoroutine(found) else None
            async with asyncio.timeout(60):
                while not ended(2):
                    await asyncio.sleep(0.02)
                took = time.monotonic() - began
                while not ended(1):
                    await asyncio.sleep(0.02)
            return ended(1), took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("platforms", nargs="*", default=list(PLATFORMS))
    parser.add_argument("--faults", nargs="+", default=FAULTS)
    args = parser.parse_args()
    late = 0
    for platform in args.platforms:
        for name in args.faults:
            end, took = asyncio.run(play(platform, name))
            late += took > NEXT
            print(f"{platform:8} {name:11} the first ends in {end:7} the next is shown after {took:.2f} s", flush=True)
    sys.exit(late > 0)


if __name__ == "__main__":
    main()
