"""how Telegram shows a Reply: text within its limits, keyboard, photo or file."""

import re
from collections.abc import Callable
from enum import StrEnum
from itertools import groupby

from telegram import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaAnimation,
    InputMediaDocument,
    InputMediaPhoto,
)
from telegram.constants import KeyboardButtonStyle

from bot.adapters.files import size_of
from bot.adapters.telegram.incoming import NO_MENTION
from bot.messages import Action, Button, File, Reply, Stage
from engine import png_size

TEXT, CAPTION = 4096, 1024  # most characters of a message and of a caption
PHOTO_BYTES, PHOTO_SIDES, PHOTO_RATIO = 10_000_000, 10_000, 20
ROW = 3  # buttons per row

STYLES = {  # colours of buttons, in apps that know them
    Action.UPSCALE: KeyboardButtonStyle.PRIMARY,
    Action.CANCEL: KeyboardButtonStyle.DANGER,
    Action.DELETE: KeyboardButtonStyle.DANGER,
}
COPIED = 256  # characters that a button can copy

Say = Callable[..., str]


class MediaKind(StrEnum):
    """The kind of Telegram message."""

    TEXT = "text"
    PHOTO = "photo"
    ANIMATION = "animation"
    DOCUMENT = "document"


def words(reply: Reply, limit: int) -> str:
    """The text, truncated to the limit; @names in it mention nobody."""
    return truncate(re.sub(r"@(?=\w)", f"@{NO_MENTION}", reply.text), limit)


def truncate(text: str, limit: int) -> str:
    """Truncate to `limit` UTF-16 units, as Telegram counts; the last line (seed, steps, time) is kept."""
    if units(text) <= limit:
        return text
    head, line, tail = text.rpartition("\n")
    if not line or units(tail) > limit // 2:
        head, tail = text, ""
    end = f"…{line}{tail}" if tail else "…"
    room = limit - units(end)
    return head.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore").rstrip() + end


def units(text: str) -> int:
    """Length in UTF-16 units: an emoji has two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def keyboard(reply: Reply, say: Say) -> InlineKeyboardMarkup | None:
    """The buttons; finished pictures get one for the PNG, since photos are re-encoded."""
    buttons = list(reply.buttons)
    if reply.stage is Stage.FINAL and reply.picture and reply.job is not None and buttons:
        button = Button(action=Action.FILE, job=reply.job, label=say(reply.language, "button-file"))
        buttons.insert(len(buttons) - 1, button)
    said = [offer for offer in reply.offers if len(offer) <= COPIED]
    rows = [[InlineKeyboardButton(f"📋 {offer}", copy_text=CopyTextButton(offer))] for offer in said]
    several = any(button.action is Action.PICK for button in buttons)
    for action, group in groupby(buttons, key=lambda b: b.action if several and b.picture is not None else None):
        keys, row = [_key(button) for button in group], ROW if action is None else len(buttons)
        rows += [keys[i : i + row] for i in range(0, len(keys), row)]
    return InlineKeyboardMarkup(rows) if rows else None


def _key(button: Button) -> InlineKeyboardButton:
    """Callback data, at most 64 bytes; without a picture number as in earlier versions."""
    which = "" if button.picture is None else f":{button.picture}"
    data = f"{button.action}:{button.job}{which}"
    return InlineKeyboardButton(button.label, callback_data=data, style=STYLES.get(button.action))


def kind_of(reply: Reply) -> MediaKind:
    """How a reply is sent at best."""
    if reply.gif is not None:
        return MediaKind.ANIMATION
    if reply.picture is None:
        return MediaKind.TEXT
    return MediaKind.DOCUMENT if reply.as_file or not is_photo(reply.picture) else MediaKind.PHOTO


def media_of(reply: Reply, kind: MediaKind) -> InputMediaPhoto | InputMediaAnimation | InputMediaDocument:
    """The picture or GIF with its caption, for an edit."""
    file, caption, hidden = file_of(reply), words(reply, CAPTION), reply.hidden or None
    if kind is MediaKind.ANIMATION:
        return InputMediaAnimation(file.content, caption=caption, filename=file.name, has_spoiler=hidden)
    if kind is MediaKind.PHOTO:
        return InputMediaPhoto(file.content, caption=caption, filename=file.name, has_spoiler=hidden)
    return InputMediaDocument(file.content, caption=caption, filename=file.name)


def file_of(reply: Reply) -> File:
    """The file that a reply shows, if any."""
    file = reply.gif or reply.picture
    assert file is not None, "a reply of words alone"
    return file


def is_photo(file: File) -> bool:
    """Whether Telegram accepts it as a photo; otherwise it is sent as a file."""
    width, height = png_size(file.content) if file.media_type == "image/png" else size_of(file)
    ratio = max(width, height) / max(1, min(width, height))
    return len(file.content) <= PHOTO_BYTES and width + height <= PHOTO_SIDES and ratio <= PHOTO_RATIO
