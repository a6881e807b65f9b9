"""python-telegram-bot configured: never logs the token, long timeouts for uploads."""

import logging
import os

from telegram import Bot
from telegram.request import HTTPXRequest


def make_bot(token: str, base_url: str) -> Bot:
    """Connects nothing yet."""
    for name in ("httpx", "httpcore", "telegram"):  # their log lines contain the token, which is part of every URL
        logging.getLogger(name).setLevel(logging.WARNING)
    os.environ.setdefault("PTB_TIMEDELTA", "1")  # otherwise the library warns of an upcoming change at each 429
    return Bot(
        token,
        base_url=f"{base_url.rstrip('/')}/bot",
        base_file_url=f"{base_url.rstrip('/')}/file/bot",
        request=_connections(64, seconds=60.0),
        get_updates_request=_connections(1, seconds=10.0),
    )


def _connections(most: int, *, seconds: float) -> HTTPXRequest:
    """`seconds`: timeout of a call."""
    return HTTPXRequest(
        connection_pool_size=most,
        read_timeout=seconds,
        write_timeout=30.0,
        media_write_timeout=300.0,
        connect_timeout=10.0,
        pool_timeout=30.0,
    )
