"""who may do what: every action × every role × every face, against a table that was written by hand."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import Config, LimitsConfig
from bot.handlers import Handlers
from bot.jobs.job import Draw, Job, NewJob
from bot.jobs.queue import Queue
from bot.language.commands import MODERATION
from bot.messages import REACTIONS, Action, Address, Incoming, Person, Press, Reaction, Reply, TextMessage
from bot.moderation.erasure import Eraser
from bot.moderation.moderation import Moderation
from bot.request_builder import RequestBuilder
from bot.storage.pictures import PictureStore
from bot.storage.store import Store, snapshot
from bot.texts import Texts
from engine import Request, accept_picture
from tests.fakes import scripted

TABLES = ("people", "jobs", "messages", "copies", "checkpoints", "removals", "seen", "bans", "pauses")
FRESH = "".join(
    [
        "BEGIN IMMEDIATE;",
        *(f"DELETE FROM {table};" for table in (*TABLES[::-1], "sqlite_sequence")),
        *(f"INSERT INTO {table} SELECT * FROM furnished.{table};" for table in (*TABLES, "sqlite_sequence")),
        "COMMIT;",
    ]
)
PLATFORMS = ("web", "discord", "telegram")

# Who asks. Picture 1 is the asker's and lies in the chat; bob's ban holds in it.
ROLES = {  # role: (Person.id, moderator of the chat it speaks from, where it speaks)
    "owner": ("olga", False, "elsewhere"),  # of the bot, from a chat that has nothing to do with the picture
    "moderator": ("mia", True, "chat"),
    "asker": ("ann", False, "chat"),  # whose picture it is
    "asker away": ("ann", False, "elsewhere"),
    "neighbour": ("nick", False, "chat"),
    "stranger": ("sam", False, "elsewhere"),
    "moderator elsewhere": ("max", True, "elsewhere"),
    "banned": ("bob", False, "chat"),
    "banned moderator": ("ben", True, "chat"),
    "banned away": ("bob", False, "elsewhere"),  # a moderator's ban holds in that moderator's chat only
}

# yes: it is done. Else the sentence that refuses it:
NOT_YOURS, NOT_YOURS_TO_STEER, NONE, BANNED, NO_POWER = (
    "not-yours",
    "steer-not-yours",
    "no-such-job",
    "banned",
    "not-moderator",
)
SEE = ("yes", "yes", "yes", "yes", "yes", NONE, NONE, BANNED, BANNED, NONE)
END = ("yes", "yes", "yes", "yes", NOT_YOURS, NONE, NONE, BANNED, BANNED, NONE)
ASK = ("yes", "yes", "yes", "yes", "yes", "yes", "yes", BANNED, BANNED, "yes")
RULE = ("yes", "yes", NO_POWER, NO_POWER, NO_POWER, NO_POWER, "yes", BANNED, BANNED, NO_POWER)
RULE_PICTURE = ("yes", "yes", NO_POWER, NO_POWER, NO_POWER, NONE, NONE, BANNED, BANNED, NONE)
MINE = (*(NOT_YOURS_TO_STEER,) * 2, "yes", "yes", NOT_YOURS_TO_STEER, NONE, NONE, BANNED, BANNED, NONE)
ALL = ("yes",) * len(ROLES)

TABLE = {  # what is typed → by role, in the order of ROLES
    "a moon": ASK,
    "/imagine a moon": ASK,
    "/upscale 1": SEE,
    "/rerun 1": SEE,
    "/remix 1": SEE,
    "/remix 1 a moon": SEE,
    "/settings 1": SEE,
    "/file 1": SEE,
    "/pick 1 1": SEE,
    "/vary 1": SEE,
    "/show 1": SEE,
    "/cancel 1": END,
    "/steer 1": MINE,
    "/steer 1 a moon": MINE,
    "/delete 1": END,
    "/queue": ASK,
    "/words": ASK,
    "/offer 1 1": SEE,
    "/help": ASK,
    "/settings": ASK,
    "/whoami": ASK,
    "/purge 1": RULE_PICTURE,
    #                     owner  mod.   asker     away      neighbour stranger  mod. elsewhere …
    "/ban #1": ("yes", "yes", NO_POWER, NO_POWER, NO_POWER, NO_POWER, NONE, BANNED, BANNED, NO_POWER),
    "/ban {platform}:eve": RULE,
    "/unban {platform}:eve": RULE,
    "/pause": RULE,
    "/resume": RULE,
    "/forget me": ALL,
}
BUTTONS = {action: SEE for action in Action} | {Action.CANCEL: END, Action.DELETE: END, Action.STEER: MINE}
EMOJI = {emoji: END if action is Action.DELETE else SEE for emoji, action in REACTIONS.items()}

# What is said, or done in silence, when an action is allowed.
DONE = {
    "a moon": "queued",
    "/imagine a moon": "queued",
    "/upscale 1": "queued",
    "/rerun 1": "queued",
    "/remix 1": "remix-how",
    "/remix 1 a moon": "queued",
    "/settings 1": "settings",
    "/file 1": "file",
    "/pick 1": "picked",
    "/pick 1 1": "picked",
    "/vary 1": "queued",
    "/show 1": "show",
    "/cancel 1": "already-ended",
    "/steer 1": "steer-ended",
    "/steer 1 a moon": "steer-ended",
    "/delete 1": "deleted",
    "/queue": "queue-empty",
    "/words": "words",
    "/offer 1 1": "queued",
    "/offer 1": "no-such-picture",
    "/help": "help",
    "/settings": "defaults",
    "/whoami": "who-you-are",
    "/purge 1": "purged",
    "/ban #1": "has-been-banned",
    "/ban {platform}:eve": "has-been-banned",
    "/unban {platform}:eve": "unbanned",
    "/pause": "has-been-paused",
    "/resume": "has-been-resumed",
    "/forget me": "forget-sure",
}


class Ids(Texts):
    """Texts that say the id of the sentence."""

    def say(self, language: str, text: str, **values: str | int | float) -> str:
        super().say(language, text, **values)  # it must be sayable all the same
        return text


class Sender:
    """Keeps what is said, and which jobs were queued."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, address: Address, reply: Reply, answers: str, about: int | None = None) -> None:
        self.said.append(reply.text.splitlines()[0])

    def on_queued(self, job: Job) -> None:
        self.said.append("queued")

    async def take_away(self) -> None:
        self.said.append("taken away")


class Builder(RequestBuilder):
    """Decodes in this process: a process for each picture would take half of the time here."""

    async def accept(self, data: bytes, person: Person) -> bytes:
        return accept_picture(data)


class Rig:
    """Handlers with everything behind them but an engine, on one platform, with one finished picture."""

    def __init__(self, store: Store, folder: Path, platform: str) -> None:
        self.store, self.platform, self.sender = store, platform, Sender()
        limits = LimitsConfig(queued=0, per_day=0)
        self.queue, self.pictures = Queue(store, limits), PictureStore(folder / "pictures")
        self.picture = folder / "pictures" / "1.png"

        async def stop(job: Job) -> None:
            pass

        async def steer(job: int) -> None:
            pass

        eraser = Eraser(
            store=store,
            queue=self.queue,
            pictures=self.pictures,
            stop=stop,
            take_away=self.sender.take_away,
            keep_days=0,
        )
        moderation = Moderation(store=store, queue=self.queue, eraser=eraser, owners=[f"{platform}:olga"])
        config, models = Config(limits=limits), ["picturebook", "toybox"]
        self.handlers = Handlers(
            config=config,
            texts=Ids(),
            store=store,
            queue=self.queue,
            pictures=self.pictures,
            sender=self.sender,
            moderation=moderation,
            stop=stop,
            steer=steer,
            models=models,
            record=lambda name, value: None,
        )
        self.handlers._builder = Builder(config, models, self.pictures)
        self.keys = itertools.count()

    async def furnish(self, folder: Path) -> None:
        """Draw picture 1, shut out who is to be shut out, and remember it all."""
        ann, chat = Person(platform=self.platform, id="ann"), Address(platform=self.platform, chat="chat")
        job, _ = await self.queue.put(
            NewJob(key="k", owner=ann, address=chat, work=Draw(request=Request(prompt="a star")))
        )
        await self.queue.claim()
        await self.queue.mark_drawn(1, seconds=1.0, steps=10, width=8, height=8)
        await self.store.write("sent", job=1, role="status", message="m1")
        await self.queue.mark_delivered(1)
        for who, scope in (
            ("bob", chat.key),
            ("ben", chat.key),
            ("eve", "*"),
            ("eve", chat.key),
            ("eve", f"{self.platform}:elsewhere"),
        ):
            await self.store.write("ban", person=f"{self.platform}:{who}", scope=scope)
        snapshot(folder / "imago.sqlite", folder / "furnished.sqlite")
        await self.store._writer.execute_fetchall("ATTACH ? AS furnished", (str(folder / "furnished.sqlite"),))
        await self.store._writer.execute_fetchall("PRAGMA synchronous = OFF")  # hundreds of times, and no power is lost

    async def outcome(self, incoming: Incoming) -> str:
        """What is said, in a fresh bot that has only been set up."""
        async with self.store._lock:
            await self.store._writer.executescript(FRESH)  # at once: each call of the database's thread takes long
        self.picture.parent.mkdir(exist_ok=True)
        self.picture.write_bytes(scripted.png(7, 10))
        self.sender.said.clear()
        await self.handlers.receive(incoming)
        return " ".join(self.sender.said)

    def where(self, role: str) -> tuple[Person, Address]:
        who, moderator, chat = ROLES[role]
        person = Person(platform=self.platform, id=who, moderator=moderator)
        return person, Address(platform=self.platform, chat=chat)


@asynccontextmanager
async def rig_on(folder: Path, platform: str) -> AsyncIterator[Rig]:
    store = await Store.open(folder / "imago.sqlite")
    try:
        rig = Rig(store, folder, platform)
        await rig.furnish(folder)
        yield rig
    finally:
        await store.close()


async def differences(
    folder: Path,
    platform: str,
    table: dict[str, tuple[str, ...]],
    make: Callable[[str, Person, Address], Incoming],
    done: dict[str, str],
) -> list[str]:
    """Where the bot does not do as the table says."""
    found: list[str] = []
    async with rig_on(folder, platform) as rig:
        for what, row in table.items():
            for role, wanted in zip(ROLES, row, strict=True):
                person, address = rig.where(role)
                said = await rig.outcome(replace(make(what, person, address), key=f"k{next(rig.keys)}"))
                if said != (done[what] if wanted == "yes" else wanted):
                    found.append(f"{what} by {role} on {platform}: {said}, not {wanted}")
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_typed(tmp_path: Path, platform: str) -> None:
    """Every command."""

    def typed(what: str, person: Person, address: Address) -> Incoming:
        return TextMessage(key="", person=person, address=address, text=what.replace("{platform}", platform))

    done = DONE | {"/delete 1": "taken away deleted", "/purge 1": "taken away purged"}
    assert await differences(tmp_path, platform, TABLE, typed, done) == []


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_pressed(tmp_path: Path, platform: str) -> None:
    """Every button, also one that a person should not see: custom ids can be forged."""

    def pressed(what: str, person: Person, address: Address) -> Incoming:
        return Press(key="", person=person, address=address, action=Action(what), job=1)

    done = {str(action): DONE[f"/{action} 1"] for action in Action} | {"delete": "taken away"}
    assert await differences(tmp_path, platform, {str(a): row for a, row in BUTTONS.items()}, pressed, done) == []


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_reacted(tmp_path: Path, platform: str) -> None:
    """Every emoji, under the picture's message."""

    def reacted(what: str, person: Person, address: Address) -> Incoming:
        return Reaction(key="", person=person, address=address, message="m1", emoji=what)

    done = {emoji: DONE[f"/{action} 1"] for emoji, action in REACTIONS.items()}
    done |= {emoji: "taken away" for emoji, action in REACTIONS.items() if action is Action.DELETE}
    assert await differences(tmp_path, platform, EMOJI, reacted, done) == []


def test_the_table_has_every_action_and_every_role() -> None:
    """A new command, button or emoji must be thought about here."""
    typed = {what.split()[0].removeprefix("/") for what in TABLE if what.startswith("/")}
    assert typed == {"imagine", "queue", "show", "words", "help", *Action, *MODERATION}
    assert set(BUTTONS) == set(Action) and set(EMOJI) == set(REACTIONS)
    assert {len(row) for row in (*TABLE.values(), *BUTTONS.values(), *EMOJI.values())} == {len(ROLES)}
