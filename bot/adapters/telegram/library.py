"""python-telegram-bot configured: never logs the token, long timeouts for uploads."""

import logging
import os
import ssl
from functools import cache
from typing import Any

import httpx
from telegram import Bot
from telegram.error import BadRequest
from telegram.request import HTTPXRequest

from bot.errors import ConfigError

TOLD_APART = {400, 401, 403, 404, 408, 409, 429}  # status codes that the library has an error for, or that pass
BAD_PROXY = (
    "[telegram]: the proxy in the environment cannot be used: set HTTPS_PROXY to an address such as "
    "http://proxy.example:3128 or socks5://proxy.example:1080."
)


def make_bot(token: str, base_url: str) -> Bot:
    """Connects nothing yet. Raises ConfigError for a proxy that is none."""
    for name in ("httpx", "httpcore", "telegram"):  # their log lines contain the token, which is part of every URL
        logging.getLogger(name).setLevel(logging.WARNING)
    os.environ.setdefault("PTB_TIMEDELTA", "1")  # otherwise the library warns of an upcoming change at each 429
    try:
        calls, updates = _connections(64, seconds=60.0), _connections(1, seconds=10.0)
    except Exception:  # of several libraries, and all of one cause; its text may show the proxy's password
        raise ConfigError(BAD_PROXY) from None
    return Bot(
        token,
        base_url=f"{base_url.rstrip('/')}/bot",
        base_file_url=f"{base_url.rstrip('/')}/file/bot",
        request=calls,
        get_updates_request=updates,
    )


class Request(HTTPXRequest):
    """Tells what will never be accepted from what may be, which the library calls a fault of the network alike."""

    async def do_request(self, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        """Status and body. Raises BadRequest for a status that only says that the caller is wrong, such as 413."""
        code, payload = await super().do_request(*arguments, **named)
        if 400 <= code < 500 and code not in TOLD_APART:
            raise BadRequest(f"refused with {code}")
        return code, payload


def _connections(most: int, *, seconds: float) -> HTTPXRequest:
    """`seconds`: timeout of a call."""
    return Request(
        connection_pool_size=most,
        read_timeout=seconds,
        write_timeout=30.0,
        media_write_timeout=300.0,
        connect_timeout=10.0,
        pool_timeout=30.0,
        httpx_kwargs={"verify": _trusted()},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Whom a connection believes: to read the list of authorities takes 30 ms each time."""
    return httpx.create_ssl_context()
