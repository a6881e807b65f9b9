"""receives updates by polling or webhook; an update is confirmed once its effect is durable."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.adapters.base import Connection
from bot.adapters.http import listen
from bot.config import TelegramConfig
from bot.errors import Closed
from engine import backoff

ALLOWED = ["message", "channel_post", "callback_query", "message_reaction"]  # reactions are off unless requested
LONG_POLL = 25  # long polling timeout in seconds
LONGEST_PAUSE = 30.0  # seconds between retries while the server fails
MOST_REFUSALS = 5  # of the token in a row, in 15 s: one alone may be a fault of the server
CHECKED = 60.0  # seconds between two looks whether the token still holds, where Telegram calls us
WRONG_TOKEN = "token in [telegram]: Telegram refuses it; copy it again from @BotFather."
LONGEST_BATCH = 0.5  # seconds that the next updates wait for the previous ones
MAX_BODY = 1024 * 1024  # bytes of an update

Take = Callable[[Update], Awaitable[None]]  # raises Closed
log = logging.getLogger(__name__)


def _overlook(update: Update) -> None:
    """Nobody needs to know of an update before it is taken."""


async def poll(
    bot: Bot,
    take: Take,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    connection: Connection | None = None,
    *,
    see: Callable[[Update], None] = _overlook,
) -> None:
    """Poll for updates until cancelled or closed; each poll confirms the previous updates.

    Args:
        see: called with each update before any of its batch is taken.
    """
    offset, by_webhook, failures = None, True, Failures(connection or Connection())
    under_way: dict[int, asyncio.Task[None]] = {}  # what is not durable yet, and what came after it, by update
    try:
        while True:
            try:
                if by_webhook:  # as it may have been set up before: then nobody may poll
                    await bot.delete_webhook()
                    by_webhook = False
                updates = await bot.get_updates(offset=offset, timeout=LONG_POLL, allowed_updates=ALLOWED)
            except Exception as error:  # also what the library fails to read: the bot must go on polling
                log.warning("Telegram tells nothing: %s", trouble(error))
                await sleep(failures.pause_after(error))
                continue
            failures.reset()
            new = [update for update in updates if update.update_id not in under_way]
            for update in new:
                see(update)
            taken = asyncio.create_task(take_all(new, take))
            under_way |= dict.fromkeys((update.update_id for update in new), taken)
            if under_way:  # a picture that takes long to come must not keep the next people waiting
                await asyncio.wait(set(under_way.values()), timeout=LONGEST_BATCH, return_when=asyncio.ALL_COMPLETED)
            offset = _confirm(under_way, offset)
    except Closed:
        return  # not confirmed: what had no effect yet comes again after the restart
    finally:
        for task in set(under_way.values()):
            task.cancel()
        await asyncio.gather(*set(under_way.values()), return_exceptions=True)


class Failures:
    """How often in a row Telegram could not be reached."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._count = self._refusals = 0

    def reset(self) -> None:
        """It was reached."""
        self._count = self._refusals = 0
        self._connection.begin()

    def pause_after(self, error: Exception) -> float:
        """Seconds to wait before the next try. A token that is refused again and again was revoked."""
        self._count += 1
        self._refusals = self._refusals + 1 if isinstance(error, InvalidToken) else 0
        self._connection.fail(f"Telegram tells nothing ({type(error).__name__}).")
        if self._refusals >= MOST_REFUSALS:
            self._connection.end(WRONG_TOKEN)
        return backoff(self._count, longest=LONGEST_PAUSE)


def _confirm(under_way: dict[int, asyncio.Task[None]], offset: int | None) -> int | None:
    """The offset that confirms all updates before the first that is not durable; they are forgotten. Raises Closed."""
    for number in sorted(under_way):
        if not under_way[number].done():
            break
        under_way.pop(number).result()
        offset = number + 1
    return offset


async def take_all(updates: Iterable[Update], take: Take) -> None:
    """Chats in parallel, the updates of each chat in order."""
    chats: dict[int, list[Update]] = {}
    for update in updates:
        chats.setdefault(update.effective_chat.id if update.effective_chat else 0, []).append(update)

    async def take_chat(line: list[Update]) -> None:
        for update in line:
            await take(update)

    outcomes = await asyncio.gather(*map(take_chat, chats.values()), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def trouble(error: Exception) -> str:
    """A description for the log; the library quotes rejected tokens, so its text is not used then."""
    if isinstance(error, InvalidToken):
        return "the server refuses the token"
    if isinstance(error, Conflict):
        return "another bot polls with the same token, or a webhook was set: stop that one"
    return f"{type(error).__name__}: {error}"


class Webhook:
    """An HTTP server that Telegram posts updates to, through a proxy that terminates TLS."""

    def __init__(self, config: TelegramConfig, bot: Bot, take: Take) -> None:
        self._config, self._bot, self._take = config, bot, take
        self._secret = hashlib.sha256(b"imago webhook " + config.token.value.encode()).hexdigest()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises ConfigError when the address is in use."""
        app = web.Application(client_max_size=MAX_BODY)
        app.add_routes([web.post(urlsplit(self._config.webhook).path or "/", self._post)])
        self._runner = await listen(app, "telegram", self._config.host, self._config.port)

    async def register(self) -> None:
        """Tell Telegram where to post. Raises TelegramError."""
        await self._bot.set_webhook(self._config.webhook, allowed_updates=ALLOWED, secret_token=self._secret)

    async def watch(self, failures: "Failures") -> None:
        """Until cancelled: nobody posts to a bot whose token was revoked."""
        while True:
            try:
                await self._bot.get_me()
            except TelegramError as error:
                log.warning("Telegram cannot be reached: %s", trouble(error))
                await asyncio.sleep(failures.pause_after(error))
            else:
                failures.reset()
                await asyncio.sleep(CHECKED)

    async def close(self) -> None:
        """Stop listening; Telegram retries until the next start."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        shown = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(shown.encode(), self._secret.encode()):
            return web.Response(status=403)
        try:
            update = Update.de_json(json.loads(await request.read()), self._bot)
        except (ValueError, TypeError, KeyError, AttributeError):
            return web.Response(status=400)
        try:
            await self._take(update)
        except Closed:
            return web.Response(status=503)  # it comes again
        return web.Response()
