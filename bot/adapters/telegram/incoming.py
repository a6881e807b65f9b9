"""Telegram updates as Incoming: who asked what where, and whether the bot was addressed. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from telegram import (
    Animation,
    Chat,
    Document,
    Message,
    MessageReactionUpdated,
    PhotoSize,
    ReactionTypeEmoji,
    Sticker,
    Update,
    User,
)

from bot.errors import UserError
from bot.language.commands import MODERATION, NAMES
from bot.messages import (
    REACTIONS,
    Action,
    Address,
    Fetch,
    Incoming,
    Person,
    Press,
    Reaction,
    TextMessage,
    may_be_picture,
    plain_emoji,
)

PLATFORM = "telegram"
COMMANDS = frozenset({*NAMES, "start"})
NO_MENTION = "\u2060"  # zero-width character after @, so that a prompt mentions nobody
POWERS = (Action.CANCEL, Action.DELETE)
POWERFUL = tuple(f"/{name}" for name in (*POWERS, *MODERATION))
_COMMAND = re.compile(r"/(?P<name>[A-Za-z]+)(?:@(?P<bot>\w+))?(?!\S)")
# Buttons of earlier versions have no picture number.
_PRESSED = re.compile(rf"(?P<action>{'|'.join(Action)}):(?P<job>[0-9]{{1,18}})(?::(?P<picture>[1-4]))?")
# Content that people send. Service messages (joined, topic created) are ignored.
_WORDLESS = (
    "photo",
    "sticker",
    "animation",
    "video",
    "video_note",
    "voice",
    "audio",
    "document",
    "location",
    "contact",
    "poll",
    "dice",
)
_NO_PICTURES = ("video", "video_note", "voice", "audio")


def incoming_of(
    update: Update, me: User, fetch: Callable[[str, int], Fetch] | None = None, album: Sequence[Message] = ()
) -> list[Incoming]:
    """What an update asks of the bot; empty when nothing.

    Args:
        fetch: makes a download from file id and size (if known).
        album: all messages that came together with this one, itself among them.
    """
    if update.callback_query is not None:
        return _press(update, me)
    if update.message_reaction is not None:
        return _reactions(update.message_reaction, update.update_id, me)
    message = update.message or update.channel_post
    text = _words_for_us(message, me, album) if message else None
    if message is None or text is None:
        return []
    steered = _asked_about(message, me, Action.STEER)
    files = _attachments(message, me, album)
    return [
        TextMessage(
            key=f"{me.id}:{message.chat_id}:{message.message_id}",  # by message: edited or repeated, it counts once
            person=_person(message.from_user, message.sender_chat, message.chat),
            address=_address(message),
            text=text if text.startswith("/") or steered is None else f"/{Action.STEER} {steered} {text}",
            message=message_id_of(message.chat_id, message.message_id),
            remix_of=_asked_about(message, me, Action.REMIX),
            replies_to=_replies_to(message, me),
            pictures=tuple(fetch(*file) if file else _no_picture for file in files) if fetch else (),
        )
    ]


def message_id_of(chat: int, number: int) -> str:
    """A message id as the core knows it: chat and number, since Telegram counts per chat."""
    return f"{chat}:{number}"


def numbers(message: str) -> tuple[int, int]:
    """Chat and number of a message."""
    chat, _, number = message.partition(":")
    return int(chat), int(number)


def move_of(update: Update) -> tuple[int, int] | None:
    """Old and new chat id of a group that became a supergroup."""
    message = update.message
    if message is None:
        return None
    if message.migrate_to_chat_id is not None:
        return message.chat_id, message.migrate_to_chat_id
    if message.migrate_from_chat_id is not None:
        return message.migrate_from_chat_id, message.chat_id
    return None


def wants_power(incoming: Incoming) -> bool:
    """Whether it may affect other people's jobs, so the administrator status matters."""
    if isinstance(incoming, Press):
        return incoming.action in POWERS
    if isinstance(incoming, Reaction):
        return REACTIONS.get(plain_emoji(incoming.emoji)) in POWERS
    return incoming.text.startswith(POWERFUL)


def with_power(incoming: Incoming) -> Incoming:
    """The same, sent by an administrator."""
    return replace(incoming, person=replace(incoming.person, moderator=True))


def _press(update: Update, me: User) -> list[Incoming]:
    query = update.callback_query
    assert query is not None
    said, shown = _PRESSED.fullmatch(query.data or ""), query.message
    if shown is None or said is None:
        return []
    return [
        Press(
            key=f"{me.id}:press:{query.id}",
            person=_person(query.from_user, None, shown.chat),
            # A message too old for the server has no topic: the answer goes to the chat.
            address=_address(shown) if isinstance(shown, Message) else _address_of(shown.chat),
            action=Action(said["action"]),
            job=int(said["job"]),
            message=message_id_of(shown.chat.id, shown.message_id),
            picture=int(said["picture"]) if said["picture"] else None,
        )
    ]


def _reactions(update: MessageReactionUpdated, number: int, me: User) -> list[Incoming]:
    """Only added reactions: new − old."""
    if update.user is None and update.actor_chat is None:
        return []
    old, new = (
        [plain_emoji(r.emoji) for r in reactions if isinstance(r, ReactionTypeEmoji)]
        for reactions in (update.old_reaction, update.new_reaction)
    )
    return [
        Reaction(
            key=f"{me.id}:reaction:{number}:{emoji}",
            person=_person(update.user, update.actor_chat, update.chat),
            address=_address_of(update.chat),
            message=message_id_of(update.chat.id, update.message_id),
            emoji=emoji,
        )
        for emoji in new
        if emoji not in old
    ]


def _person(user: User | None, sender: Chat | None, chat: Chat) -> Person:
    """A user, or a chat as sender: a channel, or an anonymous administrator as the group."""
    if sender is not None or user is None:
        sender = sender or chat
        return Person(
            platform=PLATFORM, id=str(sender.id), name=sender.title or "", language="", moderator=sender.id == chat.id
        )
    return Person(platform=PLATFORM, id=str(user.id), name=user.full_name, language=user.language_code or "")


def _address(message: Message) -> Address:
    # Replies in a group without topics have a thread id too, which cannot be sent to.
    topic = message.message_thread_id if message.is_topic_message else None
    return _address_of(message.chat, str(topic or ""))


def _address_of(chat: Chat, thread: str = "") -> Address:
    return Address(platform=PLATFORM, chat=str(chat.id), thread=thread)


def _words_for_us(message: Message, me: User, album: Sequence[Message]) -> str | None:
    """The text addressed to the bot; None when it was not addressed."""
    by_a_bot = message.from_user is not None and message.from_user.is_bot and message.sender_chat is None
    if by_a_bot or message.is_automatic_forward:
        return None
    text = (message.text or message.caption or "").replace(NO_MENTION, "").strip()
    if message.chat.type == Chat.PRIVATE:
        if not text and (_has_speaker(message, album) or not any(getattr(message, kind) for kind in _WORDLESS)):
            return None
        return _without_mention(text, me)
    return _without_mention(text, me) if _meant(message, text, me) else None


def _has_speaker(message: Message, album: Sequence[Message]) -> bool:
    """Whether another message of the album speaks for it: the one with the words, or the first where none has any."""
    return any(other.caption for other in album) or (bool(album) and message.message_id != album[0].message_id)


def _asked_about(message: Message, me: User, action: Action) -> int | None:
    """The job of the question for new words that this replies to: those words may come without the command."""
    asked = message.reply_to_message
    if asked is None or asked.from_user is None or asked.from_user.id != me.id:
        return None
    command = re.search(rf"/{action} (\d{{1,18}}) ", asked.text or "")
    return int(command[1]) if command else None


def _replies_to(message: Message, me: User) -> str:
    """Our message that this replies to; in a topic every message looks like a reply to the one that opened it."""
    answered = message.reply_to_message
    ours = answered is not None and answered.from_user is not None and answered.from_user.id == me.id
    if answered is None or not ours or answered.forum_topic_created is not None:
        return ""
    return message_id_of(message.chat_id, answered.message_id)


async def _no_picture() -> bytes:
    """A Fetch of what cannot be one."""
    raise UserError("picture-kind")


def _attachments(message: Message, me: User, album: Sequence[Message]) -> list[tuple[str, int] | None]:
    """Id and size of the picture of a message, of those that came with it, and of the one it replies to.

    None for a film or a voice.
    """
    answered = message.reply_to_message
    # A reply to one of our own pictures is a new prompt, unless it says --init.
    ours = answered is not None and answered.from_user is not None and answered.from_user.id == me.id
    init = re.search("(?:--|—|–)init", message.text or message.caption or "")
    own = list(album) or [message]
    files: list[tuple[str, int] | None] = []
    for source in [*own, answered] if answered is not None and (init or not ours) else own:
        if file := _picture_of(source, own=source is not answered):
            files.append((file.file_id, file.file_size or 0))
        elif source is not answered and any(getattr(source, kind) for kind in _NO_PICTURES):
            files.append(None)
    return files


def _picture_of(source: Message, *, own: bool) -> PhotoSize | Document | Sticker | Animation | None:
    """What somebody sends is told by its bytes, or refused; of what they answer, only what may be a picture."""
    if source.photo:
        return max(source.photo, key=lambda size: size.width * size.height)
    if moving := source.animation or source.sticker:  # Telegram makes a film of a GIF: its first frame is left
        return moving.thumbnail or moving
    file = source.document
    return file if file and (own or may_be_picture(file.mime_type, file.file_name)) else None


def _meant(message: Message, text: str, me: User) -> bool:
    """In a group: a command of ours, a mention, a reply."""
    if command := _COMMAND.match(text):
        bot = command["bot"]
        return bot.lower() == str(me.username).lower() if bot else command["name"].lower() in COMMANDS
    if _mention(me).search(text):
        return True
    answered = message.reply_to_message
    if answered is None or answered.from_user is None or not text:
        return False
    # In a topic every message looks like a reply to the one that opened it.
    return answered.from_user.id == me.id and answered.forum_topic_created is None


def _without_mention(text: str, me: User) -> str:
    return _mention(me).sub(" ", text).strip()


def _mention(me: User) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/@])@{re.escape(str(me.username))}\b", re.IGNORECASE)
