"""slash commands and message commands, with their names and descriptions in English and Russian."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import discord
from discord import app_commands
from discord.app_commands import Range, TranslationContextTypes, locale_str

from bot.adapters.discord.attachments import pictures_of
from bot.adapters.discord.controls import job_of
from bot.adapters.discord.interactions import Mode
from bot.language.options import STYLE
from bot.messages import Action, Value
from engine import BOUNDS, CHOICES, MAX_PROMPT, MAX_SEED

Say = Callable[..., str]
Interaction = discord.Interaction[Any]
JobNumber = Range[int, 1, 2**53 - 1]
Steps = Range[int, int(BOUNDS["steps"][0]), int(BOUNDS["steps"][1])]
MostSteps = Range[int, 0, int(BOUNDS["steps"][1])]
Eta = Range[float, float(BOUNDS["eta"][0]), float(BOUNDS["eta"][1])]
Share = Range[float, float(BOUNDS["init"][0]), float(BOUNDS["init"][1])]
Every = Range[int, int(BOUNDS["guide_every"][0]), int(BOUNDS["guide_every"][1])]
Clamp = Range[float, float(BOUNDS["clamp"][0]), float(BOUNDS["clamp"][1])]
PictureCount = Range[int, 1, int(BOUNDS["count"][1])]
Ramp = Range[str, 1, 200]  # a number, or a ramp such as 0:8,100:0
FIXED: dict[str, list[app_commands.Choice[str | int | float]]] = {
    name: [app_commands.Choice(name=word, value=word) for word in words] for name, words in CHOICES.items()
}
OFFERED = 25  # suggestions Discord shows at most

CHANNELS = [discord.ChannelType.text, discord.ChannelType.news, discord.ChannelType.forum, discord.ChannelType.voice]
OPTIONS = {  # parameter → text id of its name
    "prompt": "discord-option-prompt",
    "search": "discord-option-search",
    "words": "discord-option-words",
    "more": "discord-option-more",
    "seed": "discord-option-seed",
    "steps": "discord-option-steps",
    "guidance_scale": "discord-option-guidance",
    "sampler": "discord-option-sampler",
    "picture": "discord-option-picture",
    "channel": "discord-option-channel",
    "most_steps": "discord-option-most-steps",
    "most_queued": "discord-option-most-queued",
    "most_per_day": "discord-option-most-per-day",
    "code": "discord-option-code",
    "person": "discord-option-person",
    "lift": "discord-option-lift",
    "previews": "discord-option-previews",
    "spoiler": "discord-option-spoiler",
    "style": "discord-option-style",
    "size": "discord-option-size",
    "count": "discord-option-count",
    "models": "discord-option-models",
    "attached": "discord-option-attached",
    "init": "discord-option-init",
    "symmetry": "discord-option-symmetry",
    "stop": "discord-option-stop",
    "start": "discord-option-start",
    "eta": "discord-option-eta",
    "cuts": "discord-option-cuts",
    "tv_scale": "discord-option-tv",
    "range_scale": "discord-option-range",
    "saturation_scale": "discord-option-saturation",
    "clamp": "discord-option-clamp",
    "pick": "discord-option-pick",
    "quality": "discord-option-quality",
    "gradient_at": "discord-option-gradient-at",
    "guide_every": "discord-option-guide-every",
    "then": "discord-option-then",
    "number": "discord-option-number",
    "strength": "discord-option-strength",
    "options": "discord-option-options",
}


Attached = Sequence[discord.Attachment]
NO_OPTIONS: Mapping[str, Value] = {}


class CommandListener(Protocol):
    """Receives the commands."""

    async def handle_command(
        self,
        interaction: Interaction,
        text: str,
        mode: Mode,
        *,
        options: Mapping[str, Value] = NO_OPTIONS,
        attached: Attached = (),
    ) -> None: ...
    async def handle_press(
        self,
        interaction: Interaction,
        action: Action,
        job: int,
        picture: int | None = None,
        *,
        strength: float | None = None,
    ) -> None: ...
    async def refuse(self, interaction: Interaction, text: str) -> None: ...
    async def handle_configuration(
        self, interaction: Interaction, channel: int | None, values: dict[str, int | bool | str]
    ) -> None: ...
    def suggestions(self, name: str) -> Sequence[str]: ...


class Translations(app_commands.Translator):
    """Localized names and descriptions from bot/texts; English is the default."""

    def __init__(self, say: Say) -> None:
        self._say = say

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: TranslationContextTypes
    ) -> str | None:
        text = string.extras.get("text")
        return self._say("ru", text) if text and locale is discord.Locale.russian else None


class Commands:
    """Builds the command tree; each command says whether its answer is public or private."""

    def __init__(self, listener: CommandListener, say: Say) -> None:
        self._listener = listener
        self._say = say

    def add_to(self, tree: app_commands.CommandTree[Any]) -> None:
        """Add all commands; the client syncs them."""
        simple = {
            "discord-imagine": self.imagine,
            "discord-queue": self.queue,
            "discord-steer": self.steer,
            "discord-cancel": self.cancel,
            "discord-show": self.show,
            "discord-settings": self.settings,
            "discord-help": self.help,
            "discord-whats-known": self.words,
            "discord-forget": self.forget,
            "discord-vary": self.vary,
        }
        for name, callback in simple.items():
            tree.add_command(self._command(name, callback))
        for name, callback, power in (
            ("discord-server", self.server, discord.Permissions(manage_guild=True)),
            ("discord-ban", self.ban, discord.Permissions(manage_messages=True)),
            ("discord-purge", self.purge, discord.Permissions(manage_messages=True)),
            ("discord-pause", self.pause, discord.Permissions(manage_messages=True)),
        ):
            command = self._command(name, callback)
            command.default_permissions = power
            command.allowed_contexts = app_commands.AppCommandContext(guild=True)
            command.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)
            tree.add_command(command)
        tree.add_command(self._menu("discord-draw-this", self.draw_this))
        tree.add_command(self._menu("discord-settings-of", self.settings_of))

    async def imagine(
        self,
        interaction: Interaction,
        prompt: Range[str, 1, MAX_PROMPT],
        style: str | None = None,
        size: str | None = None,
        count: PictureCount | None = None,
        attached: discord.Attachment | None = None,
        init: Share | None = None,
        seed: Range[int, 0, MAX_SEED] | None = None,
        steps: Steps | None = None,
        stop: str | None = None,
        models: str | None = None,
        guidance_scale: Ramp | None = None,
        sampler: str | None = None,
        eta: Eta | None = None,
        cuts: Ramp | None = None,
        symmetry: str | None = None,
        start: str | None = None,
        tv_scale: Ramp | None = None,
        range_scale: Ramp | None = None,
        saturation_scale: Ramp | None = None,
        clamp: Clamp | None = None,
        pick: PictureCount | None = None,
        quality: str | None = None,
        gradient_at: str | None = None,
        guide_every: Every | None = None,
        then: Range[str, 1, MAX_PROMPT] | None = None,
    ) -> None:
        options: dict[str, Value | None] = {
            "style": style,
            "size": size,
            "count": count,
            "init": init,
            "seed": seed,
            "steps": steps,
            "stop": stop,
            "models": models,
            "guidance_scale": guidance_scale,
            "sampler": sampler,
            "eta": eta,
            "cuts": cuts,
            "symmetry": symmetry,
            "start": start,
            "tv_scale": tv_scale,
            "range_scale": range_scale,
            "saturation_scale": saturation_scale,
            "clamp": clamp,
            "pick": pick,
            "quality": quality,
            "gradient_at": gradient_at,
            "guide_every": guide_every,
            "then": then,
        }
        given = {name: value for name, value in options.items() if value is not None}
        pictures = [attached] if attached else []
        await self._listener.handle_command(
            interaction, f"/imagine {prompt}", Mode.PUBLIC, options=given, attached=pictures
        )

    async def vary(
        self,
        interaction: Interaction,
        picture: JobNumber,
        number: PictureCount | None = None,
        strength: Share | None = None,
    ) -> None:
        await self._listener.handle_press(interaction, Action.VARY, picture, number, strength=strength)

    async def queue(self, interaction: Interaction) -> None:
        await self._listener.handle_command(interaction, "/queue", Mode.PRIVATE)

    async def steer(
        self, interaction: Interaction, words: Range[str, 1, MAX_PROMPT], picture: JobNumber | None = None
    ) -> None:
        await self._listener.handle_command(interaction, f"/steer {picture or 0} {words}", Mode.PRIVATE)

    async def cancel(self, interaction: Interaction, picture: JobNumber | None = None) -> None:
        await self._listener.handle_command(interaction, f"/cancel {picture or ''}", Mode.PRIVATE)

    async def show(self, interaction: Interaction, picture: JobNumber) -> None:
        await self._listener.handle_command(interaction, f"/show {picture}", Mode.PRIVATE)

    async def settings(self, interaction: Interaction, picture: JobNumber | None = None) -> None:
        await self._listener.handle_command(interaction, f"/settings {picture or ''}", Mode.PRIVATE)

    async def help(self, interaction: Interaction, more: bool = False) -> None:
        await self._listener.handle_command(interaction, "/help more" if more else "/help", Mode.PRIVATE)

    async def words(self, interaction: Interaction, search: Range[str, 0, 60] | None = None) -> None:
        await self._listener.handle_command(interaction, f"/words {search or ''}", Mode.PRIVATE)

    async def forget(self, interaction: Interaction, code: Range[int, 0, 9999] | None = None) -> None:
        await self._listener.handle_command(interaction, f"/forget me {code or ''}", Mode.PRIVATE)

    async def ban(self, interaction: Interaction, person: discord.User, lift: bool = False) -> None:
        await self._listener.handle_command(
            interaction, f"/{'unban' if lift else 'ban'} discord:{person.id}", Mode.PRIVATE
        )

    async def purge(self, interaction: Interaction, picture: JobNumber) -> None:
        await self._listener.handle_command(interaction, f"/purge {picture}", Mode.PRIVATE)

    async def pause(self, interaction: Interaction, lift: bool = False) -> None:
        await self._listener.handle_command(interaction, f"/{'resume' if lift else 'pause'}", Mode.PRIVATE)

    async def server(
        self,
        interaction: Interaction,
        channel: app_commands.AppCommandChannel | None = None,
        steps: MostSteps | None = None,
        most_steps: MostSteps | None = None,
        most_queued: Range[int, 0, 1000] | None = None,
        most_per_day: Range[int, 0, 100_000] | None = None,
        previews: bool | None = None,
        spoiler: bool | None = None,
        options: Range[str, 0, 200] | None = None,
    ) -> None:
        values: dict[str, int | bool | str | None] = {
            "steps": steps,
            "most_steps": most_steps,
            "most_queued": most_queued,
            "most_per_day": most_per_day,
            "previews": previews,
            "spoiler": spoiler,
            "options": options,
        }
        given = {name: value for name, value in values.items() if value is not None}
        await self._listener.handle_configuration(interaction, channel.id if channel else None, given)

    async def draw_this(self, interaction: Interaction, message: discord.Message) -> None:
        pictures = pictures_of(message)
        await self._listener.handle_command(interaction, f"/imagine {message.content}", Mode.PUBLIC, attached=pictures)

    async def settings_of(self, interaction: Interaction, message: discord.Message) -> None:
        job = job_of([row.to_dict() for row in message.components])
        if job is None or message.author != interaction.client.user:
            await self._listener.refuse(interaction, "discord-no-picture-here")
        else:
            await self._listener.handle_press(interaction, Action.SETTINGS, job)

    def _command(self, name: str, callback: Any) -> app_commands.Command[Any, Any, Any]:
        command = app_commands.Command[Any, Any, Any](
            name=self._text(name),
            description=self._text(f"{name}-about"),
            callback=callback,
            allowed_contexts=_CONTEXTS,
            allowed_installs=_INSTALLS,
        )
        for parameter in command.parameters:
            inner, text = command._params[parameter.name], OPTIONS[parameter.name]
            inner._rename = self._text(text)
            inner.description = self._text(f"{text}-about")
            if parameter.name in FIXED:
                inner.choices = FIXED[parameter.name]
            if parameter.name in (STYLE, "size", "models"):
                inner.autocomplete = self._offering(parameter.name)
            if parameter.name == "channel":
                inner.channel_types = CHANNELS
        return command

    def _offering(self, name: str) -> Any:
        """Autocomplete; other values may be typed too."""

        async def offer(interaction: Interaction, begun: str) -> list[app_commands.Choice[str]]:
            words = self._listener.suggestions(name)
            fitting = [word for word in words if begun.lower().replace("х", "x") in word.lower()]
            return [app_commands.Choice(name=word[:100], value=word[:100]) for word in fitting[:OFFERED]]

        return offer

    def _menu(self, text: str, callback: Any) -> app_commands.ContextMenu:
        return app_commands.ContextMenu(
            name=self._text(text), callback=callback, allowed_contexts=_CONTEXTS, allowed_installs=_INSTALLS
        )

    def _text(self, text: str) -> locale_str:
        return locale_str(self._say("en", text), text=text)


_CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
_INSTALLS = app_commands.AppInstallationType(guild=True, user=True)
