"""tests of bot.adapters.http."""

import asyncio
import contextlib
import socket

import pytest
from aiohttp import ClientSession, web

from bot.adapters.http import Connections, listen
from bot.errors import ConfigError


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


def app() -> web.Application:
    made = web.Application()
    made.add_routes([web.get("/", hello)])
    return made


async def test_calls_are_answered_until_it_is_closed() -> None:
    """Port 0 is any that is free; the runner knows which."""
    runner = await listen(app(), "web", "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    async with ClientSession() as session, session.get(f"http://{host}:{port}/") as answer:
        assert await answer.text() == "hello"
    await runner.cleanup()


async def test_a_taken_port_is_one_sentence_that_names_the_section() -> None:
    """The second bot on a machine is told where to look."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = rf"^\[telegram\] cannot listen on 127.0.0.1:{port} \(Address already in use\): change host or port"
        with pytest.raises(ConfigError, match=said):
            await listen(app(), "telegram", "127.0.0.1", port)


async def opened(port: int, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    return reader, writer


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_connection_without_a_whole_request_is_closed(said: bytes) -> None:
    """1,100 half-sent requests shut the page; idle ones stayed for an hour."""
    connections = Connections("web", idle_seconds=0.2)
    runner = await listen(app(), "web", "127.0.0.1", 0, connections=connections)
    reader, writer = await opened(runner.addresses[0][1], said)
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(20):
            answer = await reader.read()
            assert (b"hello" in answer) == said.endswith(b"\r\n\r\n")
    writer.close()
    await runner.cleanup()


async def test_more_connections_than_there_is_room_for_are_turned_away_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Descriptors are kept back for the store and the pictures: a drawing failed because there were none."""
    made, free = app(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await free.wait()
        return web.Response()

    made.add_routes([web.get("/slow", slow)])
    runner = await listen(made, "web", "127.0.0.1", 0, connections=(connections := Connections("web", most=3)))
    port = runner.addresses[0][1]
    kept = [await opened(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
    async with asyncio.timeout(20):
        while any(each.waits for each in connections._open.values()) or len(connections._open) < 3:
            await asyncio.sleep(0.01)
    for _ in range(5):
        reader, writer = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    free.set()
    for _, writer in kept:
        writer.close()
        await writer.wait_closed()
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200
    await runner.cleanup()
    assert len([record for record in caplog.records if "turned away" in record.getMessage()]) == 1


@pytest.mark.parametrize(
    "said", [b"", b"POST /say HTTP/1.1\r\nContent-Le", b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na"]
)
async def test_whoever_has_sent_no_whole_request_makes_room_for_somebody_who_does(said: bytes) -> None:
    """A thousand idle connections kept everybody else out for as long as their owner went on opening them."""
    made = app()

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    made.add_routes([web.post("/echo", echo)])
    runner = await listen(made, "web", "127.0.0.1", 0, connections=Connections("web", most=3))
    port = runner.addresses[0][1]
    kept = [await opened(port, said) for _ in range(6)]
    async with ClientSession() as session, asyncio.timeout(20):
        for _ in range(3):
            async with session.get(f"http://127.0.0.1:{port}/", headers={"Connection": "close"}) as answer:
                assert await answer.text() == "hello"
    for _, writer in kept:
        writer.close()
    await runner.cleanup()


async def test_who_does_not_read_an_answer_loses_it() -> None:
    """150 streams that nobody read held a gigabyte of what was to be sent."""
    ended = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(1 << 16))
        finally:
            ended.set()

    made = app()
    made.add_routes([web.get("/endless", endless)])
    connections = Connections("web", write_seconds=0.2)
    runner = await listen(made, "web", "127.0.0.1", 0, cancel_handlers=True, connections=connections)
    _, writer = await opened(runner.addresses[0][1], b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(20):
        await ended.wait()
    writer.close()
    await runner.cleanup()
