"""the conversations behind the page: what is kept, what is shown, and who is looking."""

import asyncio
import json
import re
import time
from collections import defaultdict
from typing import Any
from weakref import WeakValueDictionary

from bot.adapters.base import History, HistoryEntry
from bot.messages import Button, File, Reply, Stage

Body = dict[str, Any]  # what History keeps of a message: JSON values
MOST_TRANSCRIPT = 1_000_000  # bytes that a page is sent when it opens
MEDIA_TYPES = ("image/png", "image/gif")
_ONE_OF_SEVERAL = re.compile(r"(?P<job>[0-9]+)\.[1-4](?P<ending>\.png)")


def body_of(reply: Reply) -> Body:
    """A reply as JSON values, pictures by name."""
    return {
        "text": reply.text,
        "stage": reply.stage.value,
        "picture": _file(reply.picture),
        "gif": _file(reply.gif),
        "buttons": [_button(button) for button in reply.buttons],
        "job": reply.job,
        "percent": reply.percent,
        "prompt": reply.prompt,
        "carries": [{"name": one.name, "label": one.label} for one in reply.carries],
        "hidden": reply.hidden,
        "typed": reply.typed,
        "offers": list(reply.offers),
        "reactions": [],
    }


def _button(button: Button) -> dict[str, str | int]:
    which = {} if button.picture is None else {"picture": button.picture}
    return {"action": button.action.value, "job": button.job, "label": button.label, **which}


def _file(file: File | None) -> dict[str, str] | None:
    return {"name": file.name, "type": file.media_type, "alt": file.alt} if file else None


def shown(entry: int, author: str, created: float, body: Body) -> Body:
    """What the page is told of a message: everything but the job numbers, which it has no use for."""
    buttons = [{name: value for name, value in b.items() if name != "job"} for b in body.get("buttons", [])]
    return {**body, "id": entry, "mine": author != "bot", "at": int(created * 1000), "buttons": buttons}


def as_event(kind: str, value: object) -> bytes:
    """One server-sent event; JSON has no line breaks of its own, so one line holds it."""
    return f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode()


def transcript_event(messages: list[Body]) -> bytes:
    """The newest messages of a conversation as one event, as many as a page may be sent."""
    size, first = 0, len(messages)
    while first and (size := size + len(json.dumps(messages[first - 1]))) <= MOST_TRANSCRIPT:
        first -= 1
    return as_event("transcript", messages[first:])


class Subscriber:
    """One open page: what it has not been told yet. A newer version of a message replaces an older one."""

    def __init__(self) -> None:
        self._news: dict[int, Body | None] = {}  # by message; None: it is gone
        self._wake = asyncio.Event()
        self.closed = False

    def tell(self, entry: int, message: Body | None) -> None:
        """Something changed; never waits, however slow the page is."""
        self._news.pop(entry, None)
        self._news[entry] = message
        self._wake.set()

    def close(self) -> None:
        """No more news will come."""
        self.closed = True
        self._wake.set()

    async def news(self, seconds: float) -> dict[int, Body | None]:
        """All that changed, waited for at most so long; empty when nothing did."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return {}
        self._wake.clear()
        news, self._news = self._news, {}
        return news


class Rooms:
    """All conversations; each belongs to one person and has that person's id for a name."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._subscribers: defaultdict[str, set[Subscriber]] = defaultdict(set)
        self._previews: dict[int, dict[str, File]] = {}  # by message and name
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by conversation

    async def transcript(self, chat: str) -> list[Body]:
        """The newest messages, oldest first, as the page is told of them."""
        entries = await self._history.entries(chat)
        return [shown(e.id, e.author, e.created, body) for e in entries if (body := _body(e))]

    async def say(self, chat: str, nonce: str, author: str, text: str, thumbs: list[str] | None = None) -> int:
        """A person's message; the same nonce again gives the one that is there. The page knows it by its `key`."""
        return await self._add(chat, f"me-{nonce}", author, {"text": text, "key": nonce, "thumbs": thumbs or []})

    async def answer(self, chat: str, nonce: str, reply: Reply, answers: str = "") -> int:
        """A message of the bot to that of a person; the same nonce again gives the one that is there."""
        entry = await self._add(chat, f"bot-{nonce}", "bot", body_of(reply) | {"answers": answers})
        self._keep(entry, reply)
        return entry

    async def show(self, chat: str, entry: int, reply: Reply) -> bool:
        """Replace what a message of the bot shows, but for its reactions; False when it is gone."""
        async with self._lock(chat):
            old = await self.find(chat, entry)
            before = _body(old) if old else {}
            kept = {"reactions": before.get("reactions", []), "answers": before.get("answers", "")}
            body = body_of(reply) | kept
            if not await self._history.change(entry, json.dumps(body)):
                return False
        self._keep(entry, reply)
        self._tell(chat, entry, shown(entry, "bot", old.created if old else time.time(), body))
        return True

    async def toggle_reaction(self, chat: str, entry: int, emoji: str) -> bool:
        """Add an emoji to a message of the bot, or take it away; True when it was added. KeyError: no such message."""
        async with self._lock(chat):
            old = await self.find(chat, entry)
            if old is None or old.author != "bot":
                raise KeyError(entry)
            body = _body(old)
            added = emoji not in body["reactions"]
            body["reactions"] = [e for e in body["reactions"] if e != emoji] + [emoji] * added
            await self._history.change(entry, json.dumps(body))
        self._tell(chat, entry, shown(entry, "bot", old.created, body))
        return added

    async def remove(self, chat: str, entry: int) -> None:
        """Take a message away, and the person's message that only it answered."""
        found = await self.find(chat, entry)
        question = _body(found).get("answers", "") if found else ""
        await self._drop(chat, entry)
        if question and not any(_body(e).get("answers") == question for e in await self._history.entries(chat)):
            await self._drop(chat, int(question))

    async def _drop(self, chat: str, entry: int) -> None:
        await self._history.remove(entry)
        self._previews.pop(entry, None)
        self._tell(chat, entry, None)

    async def find(self, chat: str, entry: int) -> HistoryEntry | None:
        """A message of this conversation, and of no other."""
        return await self._history.entry(chat, entry)

    async def bot_message(self, chat: str, entry: int) -> Body:
        """What a message of the bot shows. Raises KeyError where this conversation has no such message."""
        found = await self.find(chat, entry)
        body = _body(found) if found and found.author == "bot" else {}
        if not body:
            raise KeyError(entry)
        return body

    async def picture(self, chat: str, entry: int, name: str) -> tuple[bytes, str]:
        """A picture that a message of this conversation shows, or one of several in it, and its media type.

        Raises KeyError.
        """
        body = await self.bot_message(chat, entry)
        preview = self._previews.get(entry, {}).get(name)
        types = {file["name"]: file["type"] for file in (body["picture"], body["gif"]) if file}
        shown = name if name in types else _ONE_OF_SEVERAL.sub(r"\g<job>\g<ending>", name)
        media_type = preview.media_type if preview else types[shown]
        content = preview.content if preview else await self._history.picture(name)
        if content is None or media_type not in MEDIA_TYPES:
            raise KeyError(name)
        return content, media_type

    def listen(self, chat: str) -> Subscriber:
        """Be told of all that changes from now on."""
        subscriber = Subscriber()
        self._subscribers[chat].add(subscriber)
        return subscriber

    def leave(self, chat: str, subscriber: Subscriber) -> None:
        """Be told no more."""
        self._subscribers[chat].discard(subscriber)
        if not self._subscribers[chat]:
            del self._subscribers[chat]

    def close(self) -> None:
        """Send every subscriber away."""
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.close()

    async def _add(self, chat: str, nonce: str, author: str, body: Body) -> int:
        entry = await self._history.add(chat, nonce, author, json.dumps(body))
        self._tell(chat, entry, shown(entry, author, time.time(), body))
        return entry

    def _lock(self, chat: str) -> asyncio.Lock:
        """Held while a body is read, changed and written back."""
        return self._changing.setdefault(chat, asyncio.Lock())

    def _tell(self, chat: str, entry: int, message: Body | None) -> None:
        for subscriber in self._subscribers.get(chat, ()):
            subscriber.tell(entry, message)

    def _keep(self, entry: int, reply: Reply) -> None:
        """Previews live in memory, the newest and the one that a page may just be fetching; the rest is in History."""
        previews = self._previews.pop(entry, {})
        if reply.stage is Stage.DRAWING:
            if reply.picture:
                previews[reply.picture.name] = reply.picture
            self._previews[entry] = dict(list(previews.items())[-2:])


def _body(entry: HistoryEntry) -> Body:
    """Empty where it cannot be read: another version may have written it."""
    try:
        body = json.loads(entry.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
