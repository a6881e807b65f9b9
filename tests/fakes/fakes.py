"""fakes of our own seams: ordinary classes and functions, shared by the tests."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.adapters.base import Adapter, Connection, Receive
from bot.app import App, Grace
from bot.config import BotConfig, Config, EngineConfig, LimitsConfig, ModerationConfig
from bot.errors import AdapterError, MessageGone
from bot.messages import Action, Address, Fetch, Incoming, Person, Press, Reaction, Reply, Stage, TextMessage, Value
from engine import (
    Checkpoint,
    EngineDied,
    EngineState,
    Event,
    Failed,
    NumericalError,
    Preview,
    Progress,
    Request,
    Steered,
    UpscaleRequest,
)
from tests.fakes import scripted

NO_OPTIONS: Mapping[str, Value] = {}
SHORT = Grace(checkpoint=0.1, replies=0.1)  # what a test leaves behind need not be waited for


class Chat:
    """A chat platform in memory: an Adapter that keeps what it was sent and where, and fails when told to."""

    platform = "fake"

    def __init__(self, *, gif_apart: bool = False) -> None:
        self.connection = Connection()
        self.gif_apart = gif_apart
        self.messages: dict[str, list[Reply]] = {}  # every state that a message went through, oldest first
        self.nonces: dict[str, str] = {}
        self.places: dict[str, Address] = {}  # where a message stands, of people and of the bot
        self.answers: dict[str, str] = {}  # what a message of the bot answers
        self.misplaced: list[str] = []  # calls that spoke of a message of another place, or where nobody ever spoke
        self.trouble: list[AdapterError | None] = []  # raised by the next calls, one each; None lets one pass
        self.calls = 0
        self.keys = 0
        self.moved = asyncio.Event()
        self.receive: Receive
        self.closed = False
        self.most_steps = 0  # of a drawing here

    async def start(self, receive: Receive) -> None:
        async def hear(incoming: Incoming) -> None:
            self.places.setdefault(incoming.message or f"key {incoming.key}", incoming.address)
            await receive(incoming)

        self.receive = hear

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        self._call()
        if address not in self.places.values() or (answers and self.places.get(answers) != address):
            self.misplaced.append(f"“{reply.text}” was sent to {address}, in answer to “{answers}”")
        message = self.nonces.setdefault(nonce, f"m{len(self.nonces) + 1}")
        self.places[message], self.answers[message] = address, answers
        self._state(message, reply)
        return message

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        self._call()
        self._look(address, message)
        if message not in self.messages:
            raise MessageGone(message)
        self._state(message, reply)

    async def delete(self, address: Address, message: str) -> None:
        self._call()
        self._look(address, message)
        self.messages.pop(message, None)
        self.moved.set()

    async def close(self) -> None:
        self.closed = True

    async def until(self, wanted: Callable[[list[Reply]], bool], seconds: float = 20.0) -> list[Reply]:
        """The states of the first message that is as wanted; waits for it."""
        async with asyncio.timeout(seconds):
            while True:
                self.moved.clear()
                for states in self.messages.values():
                    if wanted(states):
                        return states
                await self.moved.wait()

    async def until_stage(self, stage: Stage, job: int = 1, seconds: float = 20.0) -> list[Reply]:
        """The states of a job's message once it has come to a stage."""
        return await self.until(lambda states: states[-1].stage is stage and states[-1].job == job, seconds)

    async def says(
        self,
        text: str,
        *,
        who: str = "ann",
        key: str = "",
        chat: str = "c",
        language: str = "en",
        moderator: bool = False,
        pictures: tuple[bytes, ...] = (),
        options: Mapping[str, Value] = NO_OPTIONS,
        defaults: Mapping[str, Value] = NO_OPTIONS,
        remix_of: int | None = None,
        without: Collection[str] = (),
        replies_to: str = "",
        addressed: bool = True,
    ) -> None:
        """Somebody types, and may attach pictures; `options` of a form, and `defaults` of the place."""
        person = self._person(who, language=language, moderator=moderator)
        self.keys += 1
        await self.receive(
            TextMessage(
                key=key or f"t{self.keys}",
                person=person,
                address=self.address(chat),
                text=text,
                message=f"t{self.keys}",
                pictures=tuple(attached(data) for data in pictures),
                options=options,
                defaults=defaults,
                remix_of=remix_of,
                without=frozenset(without),
                replies_to=replies_to,
                addressed=addressed,
            )
        )

    async def presses(
        self, action: Action, job: int, picture: int | None = None, *, who: str = "ann", key: str = "", chat: str = "c"
    ) -> None:
        """Somebody presses a button."""
        self.keys += 1
        person = self._person(who)
        await self.receive(
            Press(
                key=key or f"p{self.keys}",
                person=person,
                address=self.address(chat),
                action=action,
                job=job,
                message=next((m for m, states in self.messages.items() if states[-1].job == job), ""),
                picture=picture,
            )
        )

    async def reacts(self, emoji: str, message: str, *, who: str = "ann", chat: str = "c") -> None:
        """Somebody adds an emoji."""
        self.keys += 1
        person = self._person(who)
        await self.receive(
            Reaction(key=f"r{self.keys}", person=person, address=self.address(chat), message=message, emoji=emoji)
        )

    def notes(self) -> list[str]:
        """The texts of all answers that belong to no job's message."""
        return [states[-1].text for states in self.messages.values() if states[-1].stage is Stage.NOTE]

    def message_of(self, job: int) -> str:
        """The id of a job's message."""
        return next(message for message, states in self.messages.items() if states[-1].job == job)

    def address(self, chat: str) -> Address:
        return Address(platform=self.platform, chat=chat)

    def _person(self, who: str, **more: Any) -> Person:
        return Person(platform=self.platform, id=who, most_steps=self.most_steps, **more)

    def _call(self) -> None:
        self.calls += 1
        if self.trouble and (error := self.trouble.pop(0)):
            raise error

    def _look(self, address: Address, message: str) -> None:
        """Note a call that takes a message to be where it is not."""
        if self.places.get(message, address) != address:
            self.misplaced.append(f"{message} is in {self.places[message]}, not in {address}")

    def _state(self, message: str, reply: Reply) -> None:
        self.messages.setdefault(message, []).append(reply)
        self.moved.set()


def without_files(reply: Reply) -> Reply:
    """Its words alone."""
    return replace(reply, picture=None, gif=None)


def attached(data: bytes) -> Fetch:
    """A picture that somebody attaches."""

    async def fetch() -> bytes:
        return data

    return fetch


class Engine:
    """The scripted engine without a process; a gate can hold it before its next event."""

    def __init__(self, *, deaths: int = 0, lost: bool = False) -> None:
        """`deaths`: how often it dies at step 5 before it goes through; `lost`: with its machine."""
        self.deaths, self.lost = deaths, lost
        self.gate = asyncio.Event()
        self.gate.set()
        self.resumed: list[bytes | None] = []
        self.asked: list[Request | UpscaleRequest] = []
        self.given: list[dict[str, object]] = []  # inputs and parent, where they were given
        self.refuses_checkpoints = False
        self.at_once = 1
        self.engines: tuple[EngineState, ...] = ()
        self.on_change: Callable[[], None] = lambda: None
        self._stopped: set[object] = set()
        self.said: list[tuple[object, int, str]] = []  # (key, number, words) of changes that it has not answered
        self.heard: list[str] = []  # all that was said
        self.then: dict[object, list[str]] = {}  # what holds, by key
        self._alone = asyncio.Lock()

    @property
    def widest(self) -> int:
        return self.at_once

    async def events(
        self,
        request: Request | UpscaleRequest,
        resume: bytes | None = None,
        *,
        key: object = None,
        alone: bool = False,
        **given: object,
    ) -> AsyncGenerator[Event, None]:
        async with self._alone if alone else nullcontext():
            async with aclosing(self._draw(request, resume, key, given)) as events:
                async for event in events:
                    yield event

    async def _draw(
        self, request: Request | UpscaleRequest, resume: bytes | None, key: object, given: dict[str, object]
    ) -> AsyncGenerator[Event, None]:
        self._stopped.discard(key)
        self.given.append(given)
        self.asked.append(request)
        self.resumed.append(resume)
        if resume is not None and self.refuses_checkpoints:
            yield Failed(kind="BadCheckpoint", sentence="This checkpoint is of other models.")
            return
        if isinstance(request, UpscaleRequest):
            stream = scripted.upscale(request)
        else:
            stream = scripted.draw(request, resume=resume)
        try:
            for event in stream:
                await asyncio.sleep(0)  # as a real stream would, let the others run
                await self.gate.wait()
                if key in self._stopped:
                    return
                if self.deaths and isinstance(event, Progress) and event.step == 5:
                    self.deaths -= 1
                    raise EngineDied("The engine died while drawing: scripted.", lost=self.lost)
                yield event
                for answer in self._answers(key, event):
                    yield answer
        except NumericalError as error:
            yield Failed(kind="NumericalError", sentence=str(error))

    def _answers(self, key: object, event: Event) -> Iterator[Event]:
        """To what was said to a drawing, after each step."""
        if not isinstance(event, Progress):
            return
        heard, self.said = [one for one in self.said if one[0] == key], [one for one in self.said if one[0] != key]
        for _, number, words in heard:
            outcome, at = "overtaken" if number != heard[-1][1] else "held", 100 * event.step / event.steps
            if outcome == "held":
                self.then.setdefault(key, []).append(f'{at:g}%:"{words}"')
            then = ";".join(self.then.get(key, ()))
            yield Steered(number=number, words=words, outcome=outcome, step=event.step, steps=event.steps, then=then)
        if heard:
            state = str(event.step).encode()
            yield Checkpoint(percent=round(at), step=event.step, steps=event.steps, state=state)

    async def start(self) -> None:
        """It has nothing to load."""

    async def stop(self, key: object = None) -> None:
        self._stopped.add(key)
        self.gate.set()

    async def steer(self, key: object, number: int, words: str) -> None:
        self.heard.append(words)
        self.said.append((key, number, words))

    async def close(self) -> None:
        """There is no process to end."""


class PacedEngine(Engine):
    """An engine that waits before each preview until it may go on, so that none is overtaken by the next."""

    def __init__(self) -> None:
        super().__init__()
        self._holds = asyncio.Event()
        self._free = False

    async def events(
        self,
        request: Request | UpscaleRequest,
        resume: bytes | None = None,
        *,
        key: object = None,
        **given: object,
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(super().events(request, resume, key=key, **given)) as events:
            async for event in events:
                if isinstance(event, Preview) and not self._free:
                    self.gate.clear()
                    self._holds.set()
                    await self.gate.wait()
                    self._holds.clear()
                    if key in self._stopped:
                        return
                yield event

    async def draw_on(self) -> None:
        """Wait until a preview is about to be made, and let it be made."""
        await self._holds.wait()
        self._holds.clear()
        self.gate.set()

    def free(self) -> None:
        """Wait no more."""
        self._free = True
        self.gate.set()


def few_steps(engine: Engine) -> str:
    """The options of a bot whose drawings are short, as each step is a call to the platform; a paced one's are not."""
    return "" if isinstance(engine, PacedEngine) else "--steps 2"


@asynccontextmanager
async def nothing_stored(app: App) -> AsyncIterator[None]:
    """Meanwhile the database takes no writes, with an error of SQLite's own that passes."""
    await app._store._writer.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        await app._store._writer.execute("PRAGMA query_only = OFF")


def full_disk(path: Path) -> None:
    """The next write of this file ends with "No space left on device"; then there is space again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.part").symlink_to("/dev/full")


@asynccontextmanager
async def bot(
    folder: Path,
    chat: Adapter,
    engine: Engine | None = None,
    *,
    limits: LimitsConfig | None = None,
    engine_settings: EngineConfig | None = None,
    moderation: ModerationConfig | None = None,
    options: str = "",
    styles: Mapping[str, str] | None = None,
) -> AsyncIterator[App]:
    """A whole bot on a folder, with a fake chat and the scripted engine."""
    config = Config(
        bot=BotConfig(folder=folder, options=options),
        limits=limits or LimitsConfig(per_minute=0),
        engine=engine_settings or EngineConfig(),
        styles=styles or {},
        moderation=moderation or ModerationConfig(),
    )
    app = App(config, engine=engine or Engine(), adapters=lambda app, history: [chat], grace=SHORT)
    async with app.lifespan():
        yield app
    assert getattr(chat, "misplaced", []) == []
