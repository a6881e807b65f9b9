"""inbound Discord events as Incoming: commands, button presses, reactions, mentions, direct messages."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import discord
from cachetools import LRUCache

from bot.adapters.base import AdapterNotes, Receive
from bot.adapters.discord.api import FAULTS, DiscordApi
from bot.adapters.discord.attachments import fetches_of, pictures_with_reply
from bot.adapters.discord.client import Client
from bot.adapters.discord.controls import Remix, RemixForm, SteerForm
from bot.adapters.discord.interactions import InteractionRef, Mode, steady_clock
from bot.adapters.discord.mentions import names_in, names_of, with_names
from bot.adapters.discord.servers import Server, Servers
from bot.adapters.discord.slash import NO_OPTIONS, Attached, Say
from bot.config import DiscordConfig
from bot.errors import Closed, NotStored, UserError
from bot.messages import REACTIONS, Action, Address, Incoming, Person, Press, Reaction, TextMessage, Value, plain_emoji

log = logging.getLogger(__name__)
Interaction = discord.Interaction[Any]
MANY = 10_000  # interactions and languages kept in memory
MODES = {
    Action.SETTINGS: Mode.PRIVATE,
    Action.FILE: Mode.PRIVATE,
    Action.CANCEL: Mode.UPDATE,
    Action.DELETE: Mode.UPDATE,
}


class Inbound:
    """Receives from Discord. An interaction is deferred before any other work."""

    client: Client
    _api: DiscordApi
    _receive: Receive

    def __init__(
        self,
        config: DiscordConfig,
        say: Say,
        notes: AdapterNotes,
        clock: Callable[[], float] = steady_clock,
        offers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._offers = offers or {}
        self._config, self._say, self._clock = config, say, clock
        self._servers = Servers(notes)
        self._refs: LRUCache[str, InteractionRef] = LRUCache(MANY)  # by response message id, while the token is valid
        self._languages: LRUCache[int, str] = LRUCache(MANY)  # by user id, as of their last interaction
        self._limits: LRUCache[int, int] = LRUCache(MANY)  # bytes a file, by channel
        self._ahead = 0.0  # seconds by which our clock is ahead of Discord's
        self._deferring = 0  # interactions being deferred
        self._all_deferred = asyncio.Event()  # set when there are none left

    # Called by the client

    async def handle_command(
        self,
        interaction: Interaction,
        text: str,
        mode: Mode,
        remix_of: int | None = None,
        *,
        options: Mapping[str, Value] = NO_OPTIONS,
        attached: Attached = (),
    ) -> None:
        """A slash command or message command: the words as typed, the options by name."""
        await self._ask(
            interaction,
            mode,
            lambda message: TextMessage(
                key=str(interaction.id),
                awaited=True,
                person=self._person(interaction),
                address=_address(interaction),
                text=with_names(text, names_of(interaction.guild, text)),
                message=message,
                remix_of=remix_of,
                pictures=fetches_of(attached),
                options=options,
                defaults=self._servers.defaults_of(interaction.guild_id),
            ),
        )

    def suggestions(self, name: str) -> Sequence[str]:
        """Autocomplete suggestions for an option."""
        return self._offers.get(name, ())

    async def handle_press(
        self,
        interaction: Interaction,
        action: Action,
        job: int,
        picture: int | None = None,
        *,
        strength: float | None = None,
    ) -> None:
        """A button, or the command that does the same; Remix and Steer open a form first."""
        if action in (Action.REMIX, Action.STEER) and self._refusal(interaction) is None:
            return await self._open_form(interaction, action, job)
        await self._ask(
            interaction,
            MODES.get(action, Mode.PUBLIC),
            lambda message: Press(
                key=str(interaction.id),
                awaited=True,
                person=self._person(interaction),
                address=_address(interaction),
                action=action,
                job=job,
                message=message,
                picture=picture,
                strength=strength,
            ),
        )

    async def handle_remix(self, interaction: Interaction, remix: Remix) -> None:
        """A form that was filled in."""
        await self.handle_command(interaction, remix.words, Mode.PUBLIC, remix_of=remix.job, attached=remix.attached)

    async def handle_change(self, interaction: Interaction, job: int, words: str) -> None:
        """What is said to a drawing in progress."""
        await self.handle_command(interaction, f"/{Action.STEER} {job} {words}", Mode.PRIVATE)

    async def handle_reaction(self, event: discord.RawReactionActionEvent) -> None:
        """A reaction to one of the bot's messages."""
        me, emoji = self.client.user, event.emoji.name or ""
        known = plain_emoji(emoji) in REACTIONS and not event.emoji.is_custom_emoji()
        theirs = me is None or event.user_id == me.id or (event.member is not None and event.member.bot)
        if not known or theirs or event.message_author_id not in (None, me.id if me else None):
            return
        if not self._serves_guild(event.guild_id) or not self._serves_channel(event.guild_id, event.channel_id):
            return
        await self._hand_on(
            Reaction(
                key=f"{event.message_id}:{event.user_id}:{emoji}",
                person=self._reactor(event),
                address=_address_of(event.channel_id, event.guild_id),
                message=str(event.message_id),
                emoji=emoji,
            )
        )

    async def handle_message(self, message: discord.Message, text: str, *, addressed: bool) -> None:
        """A direct message, one that mentions the bot, or one that merely replies to it."""
        guild = message.guild.id if message.guild else None
        if not self._serves_guild(guild) or not self._serves_channel(guild, message.channel.id):
            return
        person = self._with_server_limits(
            guild,
            Person(
                platform="discord",
                id=str(message.author.id),
                name=message.author.display_name,
                language=self._language(message.author.id, message.guild),
                moderator=_moderates(message),
            ),
        )
        address = _address_of(message.channel.id, guild)
        await self._hand_on(
            TextMessage(
                key=str(message.id),
                person=person,
                address=address,
                text=with_names(text, names_in(message)) or "/help",
                message=f"m{message.id}",
                replies_to=str(message.reference.message_id) if message.reference else "",
                addressed=addressed,
                pictures=fetches_of(pictures_with_reply(message, self.client.user)),
                defaults=self._servers.defaults_of(guild),
            )
        )

    async def refuse(self, interaction: Interaction, text: str, **values: str | int | float) -> None:
        """Respond with one sentence that only the user sees."""
        sentence = self._say(str(interaction.locale), text, **values)
        try:
            await interaction.response.send_message(sentence, ephemeral=True)
        except FAULTS as error:
            log.info("an interaction could not be answered: %s", type(error).__name__)

    async def handle_configuration(
        self, interaction: Interaction, channel: int | None, values: dict[str, int | bool | str]
    ) -> None:
        """A server manager changes the settings, or views them."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            return await self.refuse(interaction, "discord-not-manager")
        if not self._serves_guild(interaction.guild_id):
            return await self.refuse(interaction, "discord-not-here")
        try:
            server = await self._servers.change(interaction.guild_id, channel, **values)
        except UserError as error:
            return await self.refuse(interaction, error.text, **error.values)
        except NotStored:
            return await self.refuse(interaction, "not-stored")
        await self.refuse(interaction, "discord-server-settings", **_values_of(server))

    # Internal

    async def _ask(self, interaction: Interaction, mode: Mode, incoming: Callable[[str], Incoming]) -> None:
        """Defer, then pass on. The InteractionRef travels along, so that the answer can be sent to it."""
        if (refusal := self._refusal(interaction)) is not None:
            return await self.refuse(interaction, refusal[0], **refusal[1])
        private, received = mode is Mode.PRIVATE, self._clock()
        self._ahead = received - interaction.created_at.timestamp()
        self._deferring += 1
        try:
            deferred = await interaction.response.defer(thinking=mode is not Mode.UPDATE, ephemeral=private)
        except FAULTS as error:  # expired, or handled by another process: nobody would see an answer
            log.warning("an interaction could not be deferred: %s", type(error).__name__)
            return
        finally:
            self._deferring -= 1
            if not self._deferring:
                self._all_deferred.set()
                self._all_deferred = asyncio.Event()
        await self._let_others_defer()
        message = str(deferred.message_id or 0) if deferred and mode is not Mode.UPDATE else "0"
        ref = InteractionRef(
            token=interaction.token,
            message=message,
            since=received,
            mode=mode,
            bound=_is_bound(interaction),
        )
        if mode is Mode.PUBLIC:
            self._keep(ref)
        self._limits[interaction.channel_id or 0] = interaction.filesize_limit
        try:
            await self._receive(incoming(str(ref)))
        except Closed:
            await self._say_closed(interaction, ref)

    async def _let_others_defer(self) -> None:
        """In a burst of commands, let all of them be deferred before any work starts; for a second at most."""
        if self._deferring:
            try:
                await asyncio.wait_for(self._all_deferred.wait(), 1.0)
            except TimeoutError:
                pass

    async def _open_form(self, interaction: Interaction, action: Action, job: int) -> None:
        """Open the form of Steer, or that of Remix with the old prompt, taken from the picture's alt text."""
        attached = interaction.message.attachments if interaction.message else []
        prompt = next((a.description for a in attached if a.description), "")
        try:
            say = partial(self._say, str(interaction.locale))
            form = SteerForm(job, say) if action is Action.STEER else RemixForm(job, prompt or "", say)
            await interaction.response.send_modal(form)
        except FAULTS as error:
            log.warning("an interaction could not be answered: %s", type(error).__name__)

    async def _say_closed(self, interaction: Interaction, ref: InteractionRef) -> None:
        sentence = self._say(str(interaction.locale), "discord-closed")
        try:
            if ref.mode is Mode.PRIVATE:
                await interaction.edit_original_response(content=sentence)
                return
            if ref.mode is Mode.PUBLIC:
                await interaction.edit_original_response(content="…")
            await interaction.followup.send(sentence, ephemeral=True)
            if ref.mode is Mode.PUBLIC:
                await interaction.delete_original_response()
        except FAULTS as error:
            log.info("an interaction could not be answered: %s", type(error).__name__)

    async def _hand_on(self, incoming: Incoming) -> None:
        try:
            await self._receive(incoming)
        except Closed:
            log.info("%s came while the bot shuts down", incoming.key)

    def _refusal(self, interaction: Interaction) -> tuple[str, dict[str, str]] | None:
        """Why this channel is not served: sentence id and values; None if it is."""
        guild = interaction.guild_id
        if not self._serves_guild(guild):
            return "discord-not-here", {}
        parent = getattr(interaction.channel, "parent_id", None)
        server = self._servers.of(guild)
        if not server.allows(interaction.channel_id, parent):
            return "discord-other-channel", {"channels": " ".join(f"<#{c}>" for c in server.channels)}
        return None

    def _serves_guild(self, guild: int | None) -> bool:
        return guild is None or not self._config.guilds or guild in self._config.guilds

    def _serves_channel(self, guild: int | None, channel: int) -> bool:
        parent = getattr(self.client.get_channel(channel), "parent_id", None)
        return self._servers.of(guild).allows(channel, parent)

    def _person(self, interaction: Interaction) -> Person:
        language = self._languages[interaction.user.id] = str(interaction.locale)
        return self._with_server_limits(
            interaction.guild_id,
            Person(
                platform="discord",
                id=str(interaction.user.id),
                name=interaction.user.display_name,
                language=language,
                moderator=interaction.guild_id is not None and interaction.permissions.manage_messages,
            ),
        )

    def _reactor(self, event: discord.RawReactionActionEvent) -> Person:
        guild = self.client.get_guild(event.guild_id) if event.guild_id else None
        channel = self.client.get_channel(event.channel_id)
        moderator = (
            event.member is not None
            and isinstance(channel, discord.abc.GuildChannel | discord.Thread)
            and channel.permissions_for(event.member).manage_messages
        )
        return self._with_server_limits(
            event.guild_id,
            Person(
                platform="discord",
                id=str(event.user_id),
                moderator=moderator,
                language=self._language(event.user_id, guild),
            ),
        )

    def _with_server_limits(self, guild: int | None, person: Person) -> Person:
        """The person with the limits of the server."""
        server = self._servers.of(guild)
        return replace(
            person,
            queued=server.most_queued,
            most_steps=server.most_steps,
            server=str(guild or ""),
            server_today=server.most_per_day,
        )

    def _language(self, user: int, guild: discord.Guild | None) -> str:
        """Reactions and messages carry no locale: use that of the last interaction, or of the server."""
        return self._languages.get(user) or (str(guild.preferred_locale) if guild else "")

    def _keep(self, ref: InteractionRef) -> None:
        self._refs[ref.message] = ref


def _address(interaction: Interaction) -> Address:
    return _address_of(interaction.channel_id, interaction.guild_id)


def _address_of(channel: int | None, guild: int | None) -> Address:
    """A channel with its server, whose settings hold however little of it is known later."""
    return Address(platform="discord", chat=str(channel), server=str(guild or channel))


def _moderates(message: discord.Message) -> bool:
    """Whether the author may manage messages in that channel."""
    author, channel = message.author, message.channel
    known = isinstance(author, discord.Member) and isinstance(channel, discord.abc.GuildChannel | discord.Thread)
    return known and channel.permissions_for(author).manage_messages  # type: ignore[arg-type]


def _is_bound(interaction: Interaction) -> bool:
    """True for a user install, or where the bot cannot see the channel: only the token lets it write there."""
    if interaction.context.dm_channel:
        return False
    if interaction.is_user_integration() and not interaction.is_guild_integration():
        return True
    return interaction.guild_id is not None and not interaction.app_permissions.view_channel


def _values_of(server: Server) -> dict[str, str | int]:
    """A server's settings as values for a sentence."""
    return {
        "channels": " ".join(f"<#{channel}>" for channel in server.channels) or "all",
        "steps": server.steps,
        "most": server.most_steps,
        "queued": server.most_queued,
        "today": server.most_per_day,
        "previews": str(server.previews).lower(),
        "spoiler": str(server.spoiler).lower(),
        "options": server.options or "none",
    }
