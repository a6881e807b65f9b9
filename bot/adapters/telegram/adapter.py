"""the Telegram adapter: sends through python-telegram-bot, receives updates."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from cachetools import LRUCache
from telegram import BotCommand, MenuButtonCommands, Update
from telegram.error import ChatMigrated, InvalidToken, TelegramError

from bot.adapters.base import Connection, Receive
from bot.adapters.telegram import errors
from bot.adapters.telegram.albums import Albums
from bot.adapters.telegram.api import TelegramApi
from bot.adapters.telegram.incoming import (
    PLATFORM,
    incoming_of,
    message_id_of,
    move_of,
    numbers,
    wants_power,
    with_power,
)
from bot.adapters.telegram.library import make_bot
from bot.adapters.telegram.pace import Pace, Urgency
from bot.adapters.telegram.shown import Say
from bot.adapters.telegram.updates import WRONG_TOKEN, Failures, Webhook, poll, trouble
from bot.config import TelegramConfig
from bot.errors import Closed, ConfigError, MessageGone, NotDelivered, RetryAfter, UserError
from bot.messages import Address, Fetch, Incoming, Reply, Stage
from engine import MAX_PICTURE_BYTES

OFFICIAL = TelegramConfig().base_url
UPLOAD, OWN_SERVER_UPLOAD = 50_000_000, 2_000_000_000  # bytes of a file; a self-hosted Bot API server takes more
LONGEST_TURN = 1.0  # seconds until the rate limiter is asked again: a final must not wait for a preview's turn
REMEMBERED = 1000  # messages whose current state is known, so that the same is not sent twice
MENU = {
    "imagine": "telegram-imagine",
    "queue": "telegram-queue",
    "steer": "telegram-steer",
    "cancel": "telegram-cancel",
    "show": "telegram-show",
    "settings": "telegram-settings",
    "words": "telegram-words",
    "help": "telegram-help",
}

log = logging.getLogger(__name__)


class TelegramAdapter:
    """One bot account."""

    platform = PLATFORM
    gif_apart = True

    def __init__(
        self,
        config: TelegramConfig,
        say: Say,
        *,
        moved: Callable[[Address, Address], Awaitable[None]],
        pace: Pace | None = None,
        albums: Albums | None = None,
    ) -> None:
        """Connects nothing yet.

        Args:
            say: `Texts.say`.
            moved: called when a chat gets a new id.
        """
        self.connection = Connection()
        self._config, self._say, self._moved, self._pace = config, say, moved, pace or Pace()
        self._albums = albums or Albums()
        self._bot = make_bot(config.token.value, config.base_url)
        upload = UPLOAD if config.base_url == OFFICIAL else OWN_SERVER_UPLOAD
        self._api = TelegramApi(self._bot, say, upload)
        self._webhook = Webhook(config, self._bot, self._take) if config.webhook else None
        self._listening: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._new_ids: dict[int, int] = {}  # of chats that have moved
        self._last: LRUCache[str, bytes] = LRUCache(REMEMBERED)  # hash of what a message shows
        self._told: LRUCache[str, None] = LRUCache(REMEMBERED)  # who knows that their chat takes nothing
        self._receive: Receive

    async def start(self, receive: Receive) -> None:
        """Start listening; an unreachable server is retried in the background. Raises ConfigError."""
        self._receive = receive
        try:
            await self._bot.initialize()
        except InvalidToken:
            await self._bot.shutdown()
            raise ConfigError(WRONG_TOKEN) from None
        except TelegramError as error:
            log.warning("Telegram cannot be reached yet: %s", trouble(error))
        if self._webhook:
            await self._webhook.start()
        self._listening = asyncio.create_task(self._listen())

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        """Send a message. Telegram has no nonces: a send whose response is lost may be doubled."""
        chat = self._new_ids.get(int(address.chat), int(address.chat))
        self._wait_turn(chat, Urgency.STATUS if reply.job is None else Urgency.FINAL)
        try:
            message = await self._api.send(chat, address.thread, reply, answers)
        except ChatMigrated as move:
            await self._move(chat, move.new_chat_id)
            raise RetryAfter(0.0) from None
        except TelegramError as error:
            self._explain(error, reply)
            raise errors.map_error(error) from None
        shown = message_id_of(message.chat_id, message.message_id)
        self._remember(shown, reply)
        return shown

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        """Replace everything a message shows."""
        if self._last.get(message) == _digest(reply):
            return
        chat, number = numbers(message)
        self._wait_turn(chat, _urgency(reply))
        try:
            await self._api.edit(chat, number, reply)
        except ChatMigrated as move:  # a migrated group loses its messages: the core sends a new one
            await self._move(chat, move.new_chat_id)
            raise NotDelivered("the chat has moved") from None
        except TelegramError as error:
            if not errors.says(error, errors.UNCHANGED):
                self._explain(error, reply)
                raise errors.map_error(error) from None
        self._remember(message, reply)

    async def delete(self, address: Address, message: str) -> None:
        """Delete a message; one that is gone, or was left in a migrated chat, is no error."""
        chat, number = numbers(message)
        self._wait_turn(chat, Urgency.FINAL)
        self._last.pop(message, None)
        try:
            await self._bot.delete_message(chat, number)
        except ChatMigrated as move:
            await self._move(chat, move.new_chat_id)
        except TelegramError as error:
            ours = errors.map_error(error)
            if not isinstance(ours, MessageGone):
                raise ours from None
            log.info("message %s is not there to be deleted: %s", message, ours)

    async def close(self) -> None:
        """Stop listening; unconfirmed updates will come again."""
        if self._webhook:
            await self._webhook.close()
        tasks = [task for task in (self._listening, *self._answering) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._bot.shutdown()

    def _wait_turn(self, chat: int, urgency: Urgency) -> None:
        """Raises RetryAfter without a call; the newest state will be sent then."""
        wait = self._pace.take(chat, urgency)
        if wait > 0:
            raise RetryAfter(min(wait, LONGEST_TURN))

    def _remember(self, message: str, reply: Reply) -> None:
        self._last[message] = _digest(reply)

    async def _move(self, old: int, new: int) -> None:
        self._new_ids[old] = new
        await self._moved(Address(platform=PLATFORM, chat=str(old)), Address(platform=PLATFORM, chat=str(new)))

    # Receiving

    async def _listen(self) -> None:
        """Once the server answers: set the command menu, then receive updates."""
        failures = Failures(self.connection)
        while True:
            try:
                await self._bot.initialize()
                if self._webhook:
                    await self._webhook.register()
                break
            except TelegramError as error:
                log.warning("Telegram cannot be reached yet: %s", trouble(error))
                await asyncio.sleep(failures.pause_after(error))
        log.info("The bot is @%s on Telegram", self._bot.username)
        await self._tell_commands()
        if self._webhook:
            await self._webhook.watch(failures)
        else:
            await poll(self._bot, self._take, connection=self.connection, see=self._albums.see)

    async def _tell_commands(self) -> None:
        """Set the command menu and the button that opens it; failure is only logged."""
        try:
            for language in ("en", "ru"):
                menu = [BotCommand(name, self._say(language, text)) for name, text in MENU.items()]
                await self._bot.set_my_commands(menu, language_code="" if language == "en" else language)
            await self._bot.set_chat_menu_button(menu_button=MenuButtonCommands())
        except TelegramError as error:
            log.warning("Telegram did not take the menu of commands: %s", trouble(error))

    async def _take(self, update: Update) -> None:
        """Pass an update on; it may be confirmed when this returns. Raises Closed."""
        try:
            if move := move_of(update):
                await self._move(*move)
            album = await self._albums.of(update)
            for incoming in incoming_of(update, self._bot.bot, self._fetch, album):
                if self._may_use(incoming):
                    await self._receive(await self._with_role(incoming))
        except Closed:
            raise
        except Exception:  # a faulty update must not be redelivered for ever
            log.exception("update %d could not be taken", update.update_id)
        if update.callback_query is not None:
            self._answer_press(update.callback_query.id)

    def _fetch(self, file: str, size: int) -> Fetch:
        """A deferred download of an attachment; Telegram's own server gives at most 20 MB."""

        async def fetch() -> bytes:
            if size > MAX_PICTURE_BYTES:
                raise UserError("picture-bytes")
            try:
                found = await self._bot.get_file(file)
                if (found.file_size or 0) > MAX_PICTURE_BYTES:
                    raise UserError("picture-bytes")
                return bytes(await found.download_as_bytearray())
            except TelegramError as error:
                log.info("a picture could not be fetched: %s", trouble(error))
                raise UserError("picture-lost") from None

        return fetch

    def _may_use(self, incoming: Incoming) -> bool:
        config, person = self._config, incoming.person.id
        listed = int(incoming.address.chat) in config.chats or int(person) in config.people
        return listed or not (config.chats or config.people)

    async def _with_role(self, incoming: Incoming) -> Incoming:
        """Look up whether the person is an administrator, only where it matters."""
        chat, person = int(incoming.address.chat), int(incoming.person.id)
        if chat == person or person < 0 or not wants_power(incoming):
            return incoming
        try:
            member = await self._bot.get_chat_member(chat, person)
        except TelegramError:
            return incoming
        return with_power(incoming) if member.status in ("creator", "administrator") else incoming

    def _explain(self, error: TelegramError, reply: Reply) -> None:
        """Somebody whose chat takes nothing from the bot hears it once in private, if they have ever written there."""
        person = reply.reader.rpartition(":")[2]
        if not errors.says(error, *errors.FORBIDDEN) or reply.job is None or not person or reply.reader in self._told:
            return
        self._told[reply.reader] = None
        text = self._say(reply.language, "telegram-shut-out", job=str(reply.job))
        self._in_background(self._bot.send_message(int(person), text))

    def _answer_press(self, query: str) -> None:
        """Acknowledge a button press, so that its spinner stops."""
        self._in_background(self._bot.answer_callback_query(query))

    def _in_background(self, call: Coroutine[Any, Any, object]) -> None:
        """A call whose failure is only logged."""

        async def answer() -> None:
            try:
                await call
            except TelegramError as error:
                log.info("an answer was not taken: %s", trouble(error))

        task = asyncio.create_task(answer())
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)


def _urgency(reply: Reply) -> Urgency:
    """The urgency of an edit; new messages of a job (the first one, the GIF) count as final."""
    if reply.stage in (Stage.FINAL, Stage.STOPPED, Stage.FAILED):
        return Urgency.FINAL
    return Urgency.PREVIEW if reply.stage is Stage.DRAWING else Urgency.STATUS


def _digest(reply: Reply) -> bytes:
    digest = hashlib.sha256(repr((reply.text, reply.buttons, reply.hidden)).encode("utf-8", "surrogatepass"))
    for file in (reply.picture, reply.gif):
        digest.update(file.content if file else b"-")
    return digest.digest()
