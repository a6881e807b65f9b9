"""Bot API errors mapped to our own, in one table; the token is in none of them."""

from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError
from telegram.error import RetryAfter as Flood

from bot.errors import AdapterError, AddressGone, MessageGone, NotDelivered, Refused, RetryAfter

UNCHANGED = "message is not modified"
NO_TEXT = "there is no text in the message"  # it already is a picture: edit its caption

# Parts of the description of a 400; the API has no finer codes.
MESSAGE_GONE = (
    "message to edit not found",
    "message to delete not found",
    "message can't be edited",
    "message can't be deleted",
    "message_id_invalid",
    "message not found",
)
# This kind of message may not be sent here, others perhaps may.
FORBIDDEN = (
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
    "chat_restricted",
    "need administrator rights",
    "chat_admin_required",
    "chat_send_",
)
ADDRESS_GONE = (
    "chat not found",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "topic_id_invalid",
    "peer_id_invalid",
    "user is deactivated",
    *FORBIDDEN,
)


def map_error(error: TelegramError) -> AdapterError:
    """Map a library error to our own."""
    words = str(error)
    if isinstance(error, Flood):
        return RetryAfter(error._retry_after.total_seconds())  # the public name warns depending on the environment
    if isinstance(error, Forbidden):  # kicked, blocked, or the account was deleted
        return AddressGone(words)
    if not isinstance(error, BadRequest):
        # Never repeat the library's text here: it quotes the rejected token.
        return NotDelivered(words if isinstance(error, NetworkError) else type(error).__name__)
    if says(error, *MESSAGE_GONE):
        return MessageGone(words)
    if says(error, *ADDRESS_GONE):
        return AddressGone(words)
    return Refused(words)  # retrying would not help


def is_about_file(error: BadRequest) -> bool:
    """Whether the message would perhaps be taken with its file in another form, or in words alone."""
    return says(error, *FORBIDDEN) or not says(error, UNCHANGED, *MESSAGE_GONE, *ADDRESS_GONE)


def says(error: BaseException, *words: str) -> bool:
    """Whether the description contains one of the words."""
    return isinstance(error, BadRequest) and any(word in str(error).lower() for word in words)
