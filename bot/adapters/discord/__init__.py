"""the Discord adapter: slash commands, buttons and reactions in, one message a job out."""

from bot.adapters.discord.adapter import DiscordAdapter

__all__ = ["DiscordAdapter"]
