"""the Bot API's own description as a judge: each request and each object must be as tests/fakes/specs says.

`python -m tests.fakes.botapi_spec FULL.json` trims the whole description (PaulSonOfLars/telegram-bot-api-spec)
down to the methods and types that the emulator in tests/fakes/botapi.py knows.
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "specs" / "telegram-bot-api.json"
METHODS = """getMe getUpdates setWebhook deleteWebhook setMyCommands setChatMenuButton sendMessage sendPhoto
    sendAnimation sendDocument editMessageText editMessageCaption editMessageMedia deleteMessage answerCallbackQuery
    getChatMember setMessageReaction getFile""".split()
TYPES = """Update User Chat Message MessageEntity PhotoSize Animation Document Sticker ForumTopicCreated
    CallbackQuery MaybeInaccessibleMessage InaccessibleMessage MessageReactionUpdated ReactionType ReactionTypeEmoji
    ReplyParameters LinkPreviewOptions InlineKeyboardMarkup InlineKeyboardButton CopyTextButton MenuButton
    MenuButtonCommands InputMedia InputMediaPhoto InputMediaAnimation InputMediaDocument InputFile BotCommand
    BotCommandScope ChatMember ChatMemberOwner ChatMemberAdministrator ChatMemberMember File""".split()
PLAIN = {"String": str, "Integer": int, "Boolean": bool, "Float": (int, float)}


class Invalid(ValueError):
    """It is not as the description says."""


@cache  # each emulated server has one
def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


class Spec:
    """Checks; raises Invalid with the place."""

    def __init__(self, file: Path = FILE) -> None:
        described = _read(file)
        self._methods: dict[str, Any] = described["methods"]
        self._types: dict[str, Any] = described["types"]

    def request(self, method: str, form: dict[str, str], uploads: dict[str, bytes]) -> dict[str, Any]:
        """The parameters of a call, decoded; an uploaded file is its bytes."""
        if method not in self._methods:
            raise Invalid(f"{method}: no such method")
        fields = {field["name"]: field for field in self._methods[method].get("fields", [])}
        values: dict[str, Any] = {}
        for name, text in form.items():
            if name not in fields:
                raise Invalid(f"{method}: no parameter {name}")
            values[name] = _decoded(text, fields[name]["types"])
            self.value(values[name], fields[name]["types"], f"{method}.{name}")
        attached = set(re.findall(r'attach://([^"]+)', json.dumps(values)))
        for name in uploads.keys() - attached:
            if name not in fields or "InputFile" not in fields[name]["types"]:
                raise Invalid(f"{method}: a file for {name}, which takes none")
            values[name] = uploads[name]
        if missing := [n for n, field in fields.items() if field["required"] and n not in values]:
            raise Invalid(f"{method}: {missing} missing")
        if attached - uploads.keys():
            raise Invalid(f"{method}: {attached - uploads.keys()} not attached")
        return values

    def result(self, method: str, value: object) -> None:
        """What a method gave back."""
        self.value(value, self._methods[method]["returns"], f"{method} → ")

    def value(self, value: object, types: list[str], where: str) -> None:
        """It is of one of the types."""
        faults = []
        for kind in types:
            try:
                return self._one(value, kind, where)
            except Invalid as fault:
                faults.append(str(fault))
        raise Invalid("; ".join(faults))

    def _one(self, value: object, kind: str, where: str) -> None:
        if kind in PLAIN:
            if not isinstance(value, PLAIN[kind]) or (isinstance(value, bool) and kind != "Boolean"):
                raise Invalid(f"{where}: not {kind}")
        elif kind.startswith("Array of "):
            if not isinstance(value, list):
                raise Invalid(f"{where}: not a list")
            for number, item in enumerate(value):
                self._one(item, kind.removeprefix("Array of "), f"{where}[{number}]")
        elif kind not in self._types:
            raise Invalid(f"{where}: {kind} is not in the trimmed description")
        elif subtypes := self._types[kind].get("subtypes"):
            self.value(value, [subtype for subtype in subtypes if subtype in self._types], where)
        else:
            self._object(value, kind, where)

    def _object(self, value: object, kind: str, where: str) -> None:
        if not isinstance(value, dict):
            raise Invalid(f"{where}: not a {kind}")
        fields = {field["name"]: field for field in self._types[kind].get("fields", [])}
        if unknown := value.keys() - fields.keys():
            raise Invalid(f"{where}: {kind} has no {sorted(unknown)}")
        for name, field in fields.items():
            if name not in value:
                if field["required"]:
                    raise Invalid(f"{where}: {kind} without {name}")
                continue
            self.value(value[name], field["types"], f"{where}.{name}")
            if "constant" in field and value[name] != field["constant"]:
                raise Invalid(f"{where}.{name}: not {field['constant']}")


def _decoded(text: str, types: list[str]) -> object:
    """A form's text as what it stands for."""
    if "String" in types and not ("Integer" in types and text.lstrip("-").isdigit()):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid(f"not JSON: {text[:40]}") from error


def trim(full: dict[str, Any]) -> dict[str, Any]:
    """Only METHODS and TYPES, without the fields whose types are left out."""
    known = {*PLAIN, *TYPES}

    def kept(described: dict[str, Any]) -> dict[str, Any]:
        fields = [
            {"name": field["name"], "required": field["required"], "types": types, **_constant(field)}
            for field in described.get("fields", [])
            if (types := [t for t in field["types"] if t.replace("Array of ", "") in known])
        ]
        rest = {key: described[key] for key in ("returns", "subtypes") if key in described}
        return {**rest, "fields": fields} if fields else rest

    return {
        "about": "Part of https://github.com/PaulSonOfLars/telegram-bot-api-spec, which is made from "
        "https://core.telegram.org/bots/api; trimmed by tests/fakes/botapi_spec.py.",
        "version": full["version"],
        "methods": {name: kept(full["methods"][name]) for name in METHODS},
        "types": {name: kept(full["types"][name]) for name in TYPES},
    }


def _constant(field: dict[str, Any]) -> dict[str, str]:
    """What tells the types of a union apart is only said in words."""
    said = re.search(r"(?:must be|always) [“\"]?(\w+)[”\"]?$", field["description"].rstrip("."))
    return {"constant": said[1]} if said and field["name"] in ("type", "status") else {}


if __name__ == "__main__":
    described = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    FILE.write_text(json.dumps(trim(described), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
