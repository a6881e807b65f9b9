"""the Telegram adapter: private chats, groups, topics and channels."""

from bot.adapters.telegram.adapter import TelegramAdapter

__all__ = ["TelegramAdapter"]
