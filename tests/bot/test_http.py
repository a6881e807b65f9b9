"""tests of bot.adapters.http."""

import asyncio
import socket

import pytest
from aiohttp import ClientSession, web

from bot.adapters.http import listen
from bot.errors import ConfigError


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


def app() -> web.Application:
    made = web.Application()
    made.add_routes([web.get("/", hello)])
    return made


def test_calls_are_answered_until_it_is_closed() -> None:
    """Port 0 is any that is free; the runner knows which."""

    async def scenario() -> str:
        runner = await listen(app(), "web", "127.0.0.1", 0)
        host, port = runner.addresses[0][:2]
        async with ClientSession() as session, session.get(f"http://{host}:{port}/") as answer:
            text = await answer.text()
        await runner.cleanup()
        return text

    assert asyncio.run(scenario()) == "hello"


def test_a_taken_port_is_one_sentence_that_names_the_section() -> None:
    """The second bot on a machine is told where to look."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = rf"^\[telegram\] cannot listen on 127.0.0.1:{port} .*: change host or port"
        with pytest.raises(ConfigError, match=said):
            asyncio.run(listen(app(), "telegram", "127.0.0.1", port))
