"""send, edit and delete on Discord: by the interaction's token or, after it expires, in the channel."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import discord
from cachetools import LRUCache, TTLCache
from discord.http import MultipartParameters

from bot.adapters.base import AdapterNotes, Connection, Receive
from bot.adapters.discord.api import Archived, DiscordApi, NotAllowed, TokenGone, TooLarge, until_taken
from bot.adapters.discord.client import Client, connect, proxy_for
from bot.adapters.discord.controls import body, job_of
from bot.adapters.discord.inbound import Inbound
from bot.adapters.discord.interactions import InteractionRef, Mode, steady_clock
from bot.adapters.discord.servers import UNKNOWN, Server
from bot.adapters.discord.slash import Say
from bot.adapters.files import NOTHING, SMALLER, Fitted, fit
from bot.config import DiscordConfig
from bot.errors import AddressGone, ConfigError, MessageGone, NotDelivered, Refused
from bot.messages import Action, Address, Reply, Stage
from engine import backoff

log = logging.getLogger(__name__)
ENDS = (Stage.FINAL, Stage.STOPPED, Stage.FAILED)
SMALLEST_LIMIT = 64 * 1024  # bytes; below this a channel takes no pictures
DOUBTFUL = 600.0  # seconds after the start in which a job may have been answered before the restart
LOOKED_THROUGH = 100  # messages of a channel
REMEMBERED = 10_000  # interactions and jobs kept in memory
WORDY_SECONDS = 600.0  # until files are tried again in a channel that did not allow them
CLOSING = 3.0  # seconds
LONGEST_PAUSE = 60.0  # seconds between tries while Discord cannot be reached

Connect = Callable[[Client, DiscordConfig], Awaitable[None]]
Call = Callable[[MultipartParameters], Coroutine[Any, Any, str]]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A channel with its upload limit and server settings."""

    channel: int
    guild: int  # 0 for none
    limit: int  # bytes a file
    server: Server


class DiscordAdapter(Inbound):
    """Sends to Discord; Inbound receives."""

    platform = "discord"
    gif_apart = False

    def __init__(
        self,
        config: DiscordConfig,
        say: Say,
        notes: AdapterNotes,
        *,
        connect: Connect = connect,
        clock: Callable[[], float] = steady_clock,
        offers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Opens nothing yet. `connect` logs a client in and starts it; `offers`: suggestions by option."""
        super().__init__(config, say, notes, clock, offers)
        self.connection = Connection()
        self._connect = connect
        self._tried: LRUCache[str, None] = LRUCache(REMEMBERED)  # nonces of sends whose outcome is unknown
        self._explained: LRUCache[str, None] = LRUCache(REMEMBERED)  # who has been told what happened
        self._wordy: TTLCache[int, None] = TTLCache(REMEMBERED, WORDY_SECONDS)  # channels that take no files
        self._later: set[asyncio.Task[None]] = set()
        self._started = 0.0
        self._open_now = self._has_client = False

    async def start(self, receive: Receive) -> None:
        """Log in and listen; a Discord that cannot be reached is tried again in the background. Raises ConfigError."""
        self._receive = receive
        await self._servers.load()
        logging.getLogger("discord.http").setLevel(logging.ERROR)  # its warnings show URLs that contain tokens
        self._started = self._clock()
        try:
            await self._open()
        except NotDelivered as error:
            log.warning("%s It is tried again.", error)
            self.connection.fail(str(error))
            self._run_in_background(self._open_later())

    async def _open(self) -> None:
        """One try to connect, with a client of its own. Raises ConfigError, NotDelivered."""
        self.client = Client(self, self._say, proxy_for(self._config.api_base))
        self._api, self._has_client = DiscordApi(self.client), True
        await self._connect(self.client, self._config)
        self._open_now = True

    async def _open_later(self) -> None:
        failures = 1
        while not self._open_now:
            await asyncio.sleep(backoff(failures, longest=LONGEST_PAUSE))
            failures += 1
            try:
                await self._open()
            except NotDelivered as error:
                log.warning("%s It is tried again.", error)
            except ConfigError as error:
                log.error("%s", error)
                return self.connection.end(str(error))

    def handle_connection(self) -> None:
        """The gateway is there, for the first time or again."""
        self.connection.begin()

    def handle_disconnection(self) -> None:
        """discord.py makes another connection by itself."""
        self.connection.fail("Discord's gateway is not connected.")

    def handle_end(self, why: str, *, for_good: bool) -> None:
        """discord.py has given up."""
        log.error("Discord has closed the connection: %s", why)
        if for_good:
            return self.connection.end(why)
        self._open_now = False
        self.connection.fail(why)
        self._run_in_background(self._open_again())

    async def _open_again(self) -> None:
        await self.client.close()
        await self._open_later()

    async def close(self) -> None:
        """Stop listening."""
        for task in self._later:
            task.cancel()
        if self._later:
            await asyncio.wait(self._later)
        if not self._has_client:
            return
        try:
            await asyncio.wait_for(self.client.close(), CLOSING)
        except TimeoutError:
            log.warning("the connection to Discord did not close in time")

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        """Send a message, or find the one already sent."""
        self._check_open()
        destination = self._destination(address)
        try:
            if (ref := InteractionRef.parse(answers)) is not None:
                return await self._answer(ref, destination, reply)
            if reply.private and not answers.startswith("m"):
                return await self._send_direct(reply)
            return await self._post(destination, reply, nonce, answers.removeprefix("m"))
        except AddressGone:
            self._explain(destination, reply)
            raise

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        """Replace what a message shows."""
        self._check_open()
        destination, ref = self._destination(address), InteractionRef.parse(message) or self._refs.get(message)
        try:
            if ref is not None and ref.usable(self._clock()):
                try:
                    shown = self._add_show_hint(ref, reply)
                    await self._deliver(destination, shown, lambda p: self._api.edit_answer(ref, p))
                    return self._follow_up(destination, ref.message, ref, reply)
                except TokenGone:
                    self._refs.pop(message, None)
            if ref is not None and ref.bound:
                return  # the message already says that /show has the picture
            await self._edit_in_channel(destination, message, reply)
            self._follow_up(destination, message, None, reply)
        except AddressGone:
            self._explain(destination, reply)
            raise

    async def delete(self, address: Address, message: str) -> None:
        """Delete a message; a missing one is no error."""
        self._check_open()
        ref = InteractionRef.parse(message) or self._refs.pop(message, None)
        try:
            if ref is not None and ref.usable(self._clock()):
                try:
                    return await self._api.delete_answer(ref)
                except TokenGone:
                    pass
            if ref is None or not ref.bound:
                await self._api.delete(int(address.chat), ref.message if ref else message)
        except MessageGone:
            pass

    def _check_open(self) -> None:
        if not self._open_now:
            raise NotDelivered("Discord could not be reached yet")

    async def _answer(self, ref: InteractionRef, destination: Destination, reply: Reply) -> str:
        """Answer an interaction by its token or, once that has expired, in the channel; the message is the same."""
        if ref.usable(self._clock()):
            try:
                if ref.mode is Mode.UPDATE or (reply.private and ref.mode is Mode.PUBLIC):
                    return await self._answer_apart(ref, destination, reply)
                shown = self._add_show_hint(ref, reply)
                message = await self._deliver(destination, shown, lambda p: self._api.edit_answer(ref, p))
                return str(ref) if ref.bound else message
            except TokenGone:
                pass
        if reply.private:
            return await self._send_direct(reply)
        if ref.bound:
            return str(ref)
        await self._edit_in_channel(destination, ref.message, reply)
        return ref.message

    async def _answer_apart(self, ref: InteractionRef, destination: Destination, reply: Reply) -> str:
        """Answer privately where a public answer was deferred, and delete the deferred message."""
        if ref.mode is Mode.PUBLIC:  # the first follow-up would fill the deferred message, so fill that first
            await self._api.edit_answer(ref, body(Reply(text="…"), NOTHING))
        message = await self._deliver(destination, reply, lambda p: self._api.follow(ref, p), ephemeral=reply.private)
        if ref.mode is Mode.PUBLIC:
            self._run_in_background(until_taken(lambda: self._api.delete_answer(ref)))
        return message

    async def _post(self, destination: Destination, reply: Reply, nonce: str, answers: str) -> str:
        doubtful = nonce in self._tried or self._clock() < self._started + DOUBTFUL
        if doubtful and reply.job is not None and (found := await self._find(destination.channel, reply.job)):
            await self._edit_in_channel(destination, found, reply)
            return found
        self._tried[nonce] = None
        message = await self._deliver(
            destination, reply, lambda p: self._api.post(destination.channel, p), nonce=nonce, answers=answers
        )
        self._tried.pop(nonce, None)
        return message

    async def _find(self, channel: int, job: int) -> str | None:
        """Find a job's message that was sent before a crash but not recorded."""
        try:
            newest = await self._api.newest(channel, LOOKED_THROUGH)
        except AddressGone:
            return None  # not allowed to read there: rely on the nonce
        me = str(self.client.application_id), str(self.client.user.id if self.client.user else 0)
        mine = (m for m in newest if m["author"]["id"] in me and job_of(m.get("components", ()), whole=True) == job)
        return next((str(message["id"]) for message in mine), None)

    async def _edit_in_channel(self, destination: Destination, message: str, reply: Reply) -> None:
        def change(params: MultipartParameters) -> Coroutine[Any, Any, str]:
            return self._api.edit(destination.channel, message, params)

        try:
            await self._deliver(destination, reply, change)
        except Archived as archived:
            if reply.stage not in ENDS:
                raise NotDelivered("the thread is in the archive") from archived  # a preview does not unarchive it
            await self._api.wake(destination.channel)
            await self._deliver(destination, reply, change)

    async def _send_direct(self, reply: Reply) -> str:
        """Send a direct message, for private replies without an interaction."""
        fitted = await asyncio.to_thread(fit, reply.picture, reply.gif, discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES)
        return await self._api.send_direct(_user(reply), body(reply, fitted))

    async def _deliver(self, destination: Destination, reply: Reply, call: Call, **options: Any) -> str:
        """Call with files that fit; with smaller ones where Discord takes less than it claims, at last in words."""
        if reply.stage is Stage.DRAWING and not destination.server.previews:
            reply = replace(reply, picture=None)
        if destination.channel in self._wordy:
            reply = self._in_words(reply, "discord-no-files")
        limit, refused = destination.limit, False
        while True:
            fitted = await self._fit_files(reply, limit)
            shown = replace(reply, text=self._add_left_out_note(reply, fitted))
            sizes = [len(file.content) for file in (fitted.picture, fitted.gif) if file]
            try:
                return await call(body(shown, fitted, spoiler=destination.server.spoiler or reply.hidden, **options))
            except (TooLarge, Refused, NotAllowed) as refusal:
                if not sizes and isinstance(refusal, TooLarge):
                    raise Refused(str(refusal)) from refusal
                if not sizes:
                    raise
                if isinstance(refusal, NotAllowed):
                    self._wordy[destination.channel] = None
                    reply = self._in_words(reply, "discord-no-files")
                elif isinstance(refusal, TooLarge) and (half := min([limit, *sizes]) // 2) >= SMALLEST_LIMIT:
                    limit = self._limits[destination.channel] = half
                elif refused or reply.stage is Stage.DRAWING:
                    reply = self._in_words(reply, "discord-refused")
                else:  # once in another form: the picture alone, smaller
                    reply, limit, refused = replace(reply, gif=None), max(sizes) // SMALLER, True

    def _in_words(self, reply: Reply, why: str) -> Reply:
        """Without the files; a preview that is refused goes without a reason, as the next one may be taken."""
        file = reply.picture or reply.gif
        if file is None:
            return reply
        said = reply.stage is not Stage.DRAWING or why == "discord-no-files"
        note = self._say(reply.language, why, job=file.job) if said else ""
        return replace(reply, text=f"{reply.text}\n{note}".strip(), picture=None, gif=None)

    async def _fit_files(self, reply: Reply, limit: int) -> Fitted:
        if sum(len(file.content) for file in (reply.picture, reply.gif) if file) <= limit:
            return fit(reply.picture, reply.gif, limit)  # the usual case is fast and needs no thread
        return await asyncio.to_thread(fit, reply.picture, reply.gif, limit)

    def _add_left_out_note(self, reply: Reply, fitted: Fitted) -> str:
        if not fitted.left_out:
            return reply.text
        return f"{reply.text}\n{self._say(reply.language, 'discord-left-out')}".strip()

    def _add_show_hint(self, ref: InteractionRef, reply: Reply) -> Reply:
        """Mention /show in time, where the token is the only way to the message."""
        if not ref.bound or reply.job is None or reply.stage not in (Stage.WAITING, Stage.DRAWING):
            return reply
        hint = self._say(reply.language, "discord-bound", job=str(reply.job))
        return replace(reply, text=f"{reply.text}\n{hint}")

    def _follow_up(self, destination: Destination, message: str, ref: InteractionRef | None, reply: Reply) -> None:
        """Once per finished picture: reactions to click on, a ping if it took long, examples after a server's first."""
        if reply.stage is not Stage.FINAL or f"after {message}" in self._explained:
            return
        self._explained[f"after {message}"] = None
        self._run_in_background(self._seed_and_ping(destination, message, ref, reply))

    async def _seed_and_ping(
        self, destination: Destination, message: str, ref: InteractionRef | None, reply: Reply
    ) -> None:
        took = self._clock() - self._ahead - discord.utils.snowflake_time(int(message)).timestamp()
        if took >= self._config.ping_seconds and reply.reader:
            text = self._say(reply.language, "discord-ready", person=f"<@{_user(reply)}>")
            shown: dict[str, Any] = {"mentions": _user(reply), "raw": True}
            if ref is not None and ref.bound:
                ping = body(Reply(text=text), NOTHING, **shown)
                await until_taken(lambda: self._api.follow(ref, ping))
            else:  # the same nonce for the same picture, so that nobody is pinged twice
                ping = body(Reply(text=text), NOTHING, nonce=f"ping{message}", answers=message, **shown)
                await until_taken(lambda: self._api.post(destination.channel, ping))
        if ref is None or not ref.bound:
            emoji = {Action.UPSCALE: "⬆️", Action.RERUN: "🔁"}
            for button in reply.buttons:
                if button.action in emoji:
                    await until_taken(partial(self._api.react, destination.channel, message, emoji[button.action]))
        if destination.guild and not self._servers.of(destination.guild).greeted and ref is not None:
            await self._greet(destination, ref, reply)

    async def _greet(self, destination: Destination, ref: InteractionRef, reply: Reply) -> None:
        """After the first picture in a server, show the person who asked for it what else there is."""
        await self._servers.change(destination.guild, greeted=True)
        said = body(Reply(text=self._say(reply.language, "discord-first-use")), NOTHING, ephemeral=True)
        await until_taken(lambda: self._api.follow(ref, said))

    def _explain(self, destination: Destination, reply: Reply) -> None:
        """Tell the owner once, in private, that the bot can no longer write in the channel."""
        key = f"{destination.channel} {reply.reader}"
        if reply.job is None or not reply.reader or key in self._explained:
            return
        self._explained[key] = None
        text = self._say(reply.language, "discord-shut-out", channel=f"<#{destination.channel}>", job=str(reply.job))
        said = body(Reply(text=text), NOTHING, raw=True)
        self._run_in_background(until_taken(lambda: self._api.send_direct(_user(reply), said)))

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a background task."""
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _destination(self, address: Address) -> Destination:
        channel = int(address.chat)
        found = self.client.get_channel(channel)
        guild = getattr(found, "guild", None)
        usual = guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
        known = guild.id if guild else 0
        asked_in = int(address.server) if address.server and address.server != address.chat else known
        unknown = found is None and not address.server
        server = UNKNOWN if unknown else self._servers.of(asked_in)  # the library forgets a thread in the archive
        limit = self._limits.get(channel) or usual
        return Destination(channel=channel, guild=known, limit=limit, server=server)


def _user(reply: Reply) -> str:
    return reply.reader.rpartition(":")[2]
