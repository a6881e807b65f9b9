"""the gateway connection to Discord: login, command sync, and events passed to the listener."""

import asyncio
import logging
import re
import time
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.adapters.discord.api import never_wait, tell_faults_at_once
from bot.adapters.discord.controls import Control, Remix, change_of, remix_of
from bot.adapters.discord.slash import CommandListener, Commands, Say, Translations
from bot.config import DiscordConfig, is_loopback
from bot.errors import ConfigError, NotDelivered

log = logging.getLogger(__name__)
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    add_reactions=True,
    read_message_history=True,
)
IDENTIFY_SECONDS = 5.0  # Discord takes one identify of each rate limit key in this time
UNREACHED_SECONDS = 5.0  # until Discord is asked again how many shards it wants
CONNECTING = 20.0  # seconds that a start waits for the gateway; discord.py goes on trying by itself
REFUSALS = {4004, 4010, 4011, 4012, 4013, 4014}  # the gateway closes with these when it will not have the bot
WRONG_TOKEN = "token in [discord] is not one that Discord knows: copy it anew from the developer portal."


class EventListener(CommandListener, Protocol):
    """Receives all gateway events."""

    async def handle_reaction(self, event: discord.RawReactionActionEvent) -> None: ...
    async def handle_remix(self, interaction: discord.Interaction[Any], remix: Remix) -> None: ...
    async def handle_change(self, interaction: discord.Interaction[Any], job: int, words: str) -> None: ...
    async def handle_message(self, message: discord.Message, text: str, *, addressed: bool) -> None: ...
    def handle_connection(self) -> None: ...
    def handle_disconnection(self) -> None: ...
    def handle_end(self, why: str, *, for_good: bool) -> None: ...


class IdentifyPace:
    """How fast shards may identify."""

    def __init__(self) -> None:
        self.concurrency = 1  # rate limit keys, as Discord says; a shard's key is its number modulo them
        self._next: dict[int, float] = {}  # when each key may be used again

    def pause(self, shard: int, now: float) -> float:
        """Seconds until a shard may identify, which it then does."""
        key = shard % self.concurrency
        at = max(now, self._next.get(key, now))
        self._next[key] = at + IDENTIFY_SECONDS
        return at - now


class Client(discord.AutoShardedClient):
    """discord.py's client with the intents the bot needs, none of them privileged.

    Discord says how many shards it wants: one for up to 2,500 servers, and as many identifies a day as it allows.
    """

    def __init__(self, listener: EventListener, say: Say, proxy: str | None = None) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, guild_reactions=True, dm_messages=True, dm_reactions=True
        )
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody here wants to speak
        super().__init__(
            intents=intents,
            max_messages=None,
            proxy=proxy,
            http_trace=tell_faults_at_once(),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        never_wait(self.http)
        self.listener = listener
        self._say = say
        self.tree = app_commands.CommandTree(self)
        Commands(listener, say).add_to(self.tree)
        self.connected = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None
        self._begun = False
        self._pace = IdentifyPace()
        self._away: set[int] = set()  # shards that have lost their connection

    async def login(self, token: str) -> None:
        self._begun = True
        await super().login(token)

    async def launch_shards(self) -> None:
        """Ask for the number of shards, wait until that many identifies are left today, and connect them."""
        while True:
            try:
                self.shard_count, _, limit = await self.http.get_bot_gateway()
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("Discord does not say how many shards it wants (%s): asked again", type(error).__name__)
                await asyncio.sleep(UNREACHED_SECONDS)
                continue
            self._pace.concurrency = max(1, limit["max_concurrency"])
            if limit["remaining"] >= self.shard_count:
                break
            seconds = limit["reset_after"] / 1000
            log.error("Discord takes %d more identifies; it is waited %.0f s", limit["remaining"], seconds)
            await asyncio.sleep(seconds)
        await super().launch_shards()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await asyncio.sleep(self._pace.pause(shard_id or 0, time.monotonic()))

    async def setup_hook(self) -> None:
        """Before connecting: register persistent buttons, sync the commands."""
        self.add_dynamic_items(Control)
        await self.tree.set_translator(Translations(self._say))
        self._telling = asyncio.create_task(self._tell_commands())

    async def _tell_commands(self) -> None:
        while True:
            try:
                await self.tree.sync()
                return
            except discord.RateLimited as limit:
                log.warning("Discord takes the commands in %.0f s", limit.retry_after)
                await asyncio.sleep(limit.retry_after)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                log.error("Discord does not take the commands: %s", error)
                return

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        if self._begun:  # else there is nothing that discord.py could close
            await super().close()

    async def on_connect(self) -> None:
        if not self.connected.is_set():
            log.info("At Discord as %s; to invite the bot: %s", self.user, invitation(self.application_id))
        self.connected.set()
        self._tell_connection()

    async def on_disconnect(self) -> None:
        self.listener.handle_disconnection()

    async def on_shard_connect(self, shard_id: int) -> None:
        self._away.discard(shard_id)
        self._tell_connection()

    on_shard_resumed = on_shard_connect

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._away.add(shard_id)

    def _tell_connection(self) -> None:
        """Discord is there again once all shards are."""
        if not self._away:
            self.listener.handle_connection()

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        await self.listener.handle_reaction(event)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if (remix := remix_of(interaction)) is not None:  # commands and buttons are dispatched elsewhere
            await self.listener.handle_remix(interaction, remix)
        elif (change := change_of(interaction)) is not None:
            await self.listener.handle_change(interaction, *change)

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot or self.user is None:
            return
        mention = re.compile(rf"<@!?{self.user.id}>")
        addressed = message.guild is None or mention.search(message.content) is not None
        if addressed or (message.reference is not None and self.user in message.mentions):
            text = mention.sub(" ", message.content).strip()
            await self.listener.handle_message(message, text, addressed=addressed)


def proxy_for(url: str) -> str | None:
    """The proxy of the environment for an address, which discord.py does not look for. Raises ConfigError for SOCKS."""
    parts, proxies = urlsplit(url), getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    if not found or is_loopback(host) or proxy_bypass(host):
        return None
    if not found.lower().startswith(("http://", "https://")):
        raise ConfigError(
            "[discord]: Discord cannot be reached through the proxy in the environment: set HTTPS_PROXY to an address "
            f"that begins with http://, or NO_PROXY to {host}."
        )
    return found


def invitation(application: int | None) -> str:
    """The URL that adds the bot to a server, with the permissions it needs and no others."""
    rights = f"permissions={PERMISSIONS.value}&scope=bot+applications.commands"
    return f"https://discord.com/oauth2/authorize?client_id={application or 'APPLICATION_ID'}&{rights}"


async def connect(client: Client, config: DiscordConfig) -> None:
    """Log in and start listening; raises ConfigError for a wrong token, NotDelivered when Discord is unreachable."""
    Route.BASE = config.api_base.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(config.gateway_url)
    token = config.token.value.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(WRONG_TOKEN)
    try:
        await client.login(token)
    except discord.LoginFailure:
        await client.close()
        raise ConfigError(WRONG_TOKEN) from None
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        await client.close()
        raise NotDelivered(f"Discord cannot be reached at {config.api_base} ({type(error).__name__}).") from None
    listening = asyncio.create_task(client.connect())
    connected = asyncio.create_task(client.connected.wait())
    await asyncio.wait([listening, connected], timeout=CONNECTING, return_when=asyncio.FIRST_COMPLETED)
    if not client.connected.is_set():
        log.warning("Discord's gateway cannot be reached yet: it is tried again.")
    connected.cancel()
    if listening.done() and (fault := listening.exception()):
        await client.close()
        raise ConfigError(_why(fault)) from None
    listening.add_done_callback(lambda task: _report_end(client.listener, task))


def _report_end(listener: EventListener, listening: asyncio.Task[None]) -> None:
    if not listening.cancelled() and (fault := listening.exception()):
        listener.handle_end(_why(fault), for_good=_is_for_good(fault))


def _is_for_good(fault: BaseException) -> bool:
    """Whether another connection would end in the same way."""
    closed = isinstance(fault, discord.ConnectionClosed) and fault.code in REFUSALS
    return closed or isinstance(fault, discord.PrivilegedIntentsRequired | discord.LoginFailure)


def _why(fault: BaseException) -> str:
    if isinstance(fault, discord.ConnectionClosed) and fault.code == 4004:
        return WRONG_TOKEN
    return f"[discord]: the gateway refuses the bot ({type(fault).__name__} {getattr(fault, 'code', '')})."
