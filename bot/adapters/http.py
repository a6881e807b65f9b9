"""opens a listening HTTP port with few and short connections, or says in one sentence why it cannot."""

import asyncio
import logging
import os
import resource

from aiohttp import StreamReader, web
from aiohttp.typedefs import Handler, Middleware

from bot.errors import ConfigError

MOST_CONNECTIONS = 1000  # at the same time
KEPT_BACK = 300  # descriptors for the store, the pictures and the chats
IDLE_SECONDS = 20.0  # that a connection may be open without a whole request: for the first, and for the next
WRITE_SECONDS = 60.0  # that an answer may wait for somebody who does not read it
log = logging.getLogger(__name__)


async def listen(
    app: web.Application,
    section: str,
    host: str,
    port: int,
    *,
    cancel_handlers: bool = False,
    connections: "Connections | None" = None,
) -> web.AppRunner:
    """Serve `app` at host:port until the runner is cleaned up.

    Args:
        app: the application.
        section: of the config with host and port, for the error message.
        host: name or address of this machine.
        port: 0 for any free one.
        cancel_handlers: whether a request is cancelled when its client disconnects.
        connections: counts and times them; the usual limits when not given.

    Raises:
        ConfigError: the address is in use, or not one of this machine.
    """
    connections = connections or Connections(section)
    app.middlewares.insert(0, connections.middleware)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=cancel_handlers, shutdown_timeout=2)
    await runner.setup()
    try:
        await _Site(runner, host, port, connections).start()
    except OSError as error:
        await runner.cleanup()
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror  # asyncio's is long
        sentence = f"[{section}] cannot listen on {host}:{port} ({reason}): change host or port."
        raise ConfigError(sentence) from error
    return runner


class Connections:
    """Those of one address: no more than there are descriptors for, and none that is open for nothing."""

    def __init__(
        self,
        section: str,
        *,
        most: int | None = None,
        idle_seconds: float = IDLE_SECONDS,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._section, self.idle_seconds, self.write_seconds = section, idle_seconds, write_seconds
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = most or max(50, min(MOST_CONNECTIONS, soft - KEPT_BACK))
        self._open: dict[asyncio.BaseTransport, _Connection] = {}
        self._waiting: dict[_Connection, None] = {}  # for the whole of a request, the longest first
        self._full = False

    def let_in(self, connection: "_Connection", transport: asyncio.BaseTransport) -> bool:
        """Whether there is room for one more, at the cost of one that has sent no whole request; said once."""
        if len(self._open) >= self._most:
            if not self._full:
                log.warning("[%s] has %d connections open: more are turned away", self._section, self._most)
            self._full = True
            if not self._make_room():
                return False
        self._open[transport] = connection
        return True

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for a whole request; False where all have theirs."""
        while self._waiting:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            if longest.waits:
                longest.give_up()
                return True
        return False

    def wait(self, connection: "_Connection") -> None:
        """It waits for a request, as the last one."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """It is closed."""
        if (connection := self._open.pop(transport, None)) is not None:
            self._waiting.pop(connection, None)
        if len(self._open) < self._most * 0.9:
            self._full = False

    @property
    def middleware(self) -> Middleware:
        """Tells which connections have a request that is being answered."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = self._open.get(request.transport) if request.transport else None
            if connection is None:
                return await handler(request)
            connection.wait_for_body(request.content)
            try:
                return await handler(request)
            finally:
                connection.wait_for_request()

        return answer


class _Site(web.TCPSite):
    """Puts a _Connection between each socket and aiohttp."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, connections: Connections) -> None:
        super().__init__(runner, host, port)
        self._connections = connections

    async def start(self) -> None:
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(server(), self._connections), self._host, self._port, backlog=self._backlog
        )


class _Connection(asyncio.Protocol):
    """Everything goes on to aiohttp's own protocol; only the clock is ours."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner, self._connections = inner, connections
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._body: StreamReader | None = None  # of the request that is being answered

    @property
    def waits(self) -> bool:
        """Whether the whole of a request has yet to come."""
        return self._body is None or not self._body.is_eof()

    def give_up(self) -> None:
        """Close it for somebody else."""
        if self._transport is not None:
            self._connections.leave(self._transport)
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if not self._connections.let_in(self, transport):
            transport.abort()
            return
        self._transport = transport
        self.wait_for_request()
        self._inner.connection_made(transport)

    def wait_for_request(self) -> None:
        """A whole request must come in time."""
        self._stop_clock()
        self._body = None
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._connections.wait(self)
            self._timer = loop.call_later(self._connections.idle_seconds, self._transport.abort)

    def wait_for_body(self, body: StreamReader) -> None:
        """A request is being answered; how long the rest of it may take is for its handler to say."""
        self._stop_clock()
        self._body = body

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is None:
            return
        self._stop_clock()
        if self._writing is not None:
            self._writing.cancel()
        self._connections.leave(self._transport)
        self._transport = None
        self._inner.connection_lost(error)  # last: aiohttp lets go of the transport there

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport is not None else None

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._writing = asyncio.get_running_loop().call_later(
                self._connections.write_seconds, self._transport.abort
            )
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        self._inner.resume_writing()
