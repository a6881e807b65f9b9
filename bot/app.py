"""builds all long-lived objects, connects them, and owns the order of start-up and shutdown."""

import asyncio
import logging
import os
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bot.adapters.base import Adapter, AdapterNotes, History
from bot.adapters.web.adapter import WebAdapter
from bot.adapters.web.gallery import Gallery
from bot.config import Config
from bot.delivery.cards import Cards
from bot.delivery.replies import Replies
from bot.errors import ConfigError, NotStored, StoreError, UserError, is_passing
from bot.handlers import Handlers
from bot.jobs.cost import usual_seconds
from bot.jobs.job import Job
from bot.jobs.queue import Queue, unknown
from bot.language.styles import Styles, defaults_of
from bot.language.understood import read_dictionaries
from bot.messages import Address, Person
from bot.metrics import Metrics
from bot.moderation.erasure import Eraser
from bot.moderation.moderation import Moderation
from bot.moderation.rate_limit import RateLimit, RateVerdict
from bot.moderation.verdicts import PictureCheck, Verdict
from bot.moderation.wordlist import words_in
from bot.storage.history import StoredHistory
from bot.storage.notes import StoredNotes
from bot.storage.pictures import PictureStore
from bot.storage.store import Store, outlast
from bot.texts import Texts
from bot.worker import Engine, Worker
from engine import (
    EngineProcess,
    FolderLocked,
    RayEngines,
    Request,
    knows_any_word,
    list_model_sets,
    lock_folder,
    nearest_size,
    ray_installed,
)

log = logging.getLogger(__name__)
PROBE_SECONDS, PROBE_PATIENCE = 5.0, 3.0  # between two looks at the disk, and that somebody waits for one
SIZES = "64x64 64x128 128x64 128x128 256x256 256x384 384x256 512x512 512x768 768x512".split()  # that may be suggested

MakeAdapters = Callable[["App", History], list[Adapter]]


@dataclass(frozen=True, kw_only=True)
class Grace:
    """How long a shutdown waits, in seconds."""

    checkpoint: float = 5.0  # for a running drawing to reach its next checkpoint
    replies: float = 2.0  # for pending replies to be sent


class App:
    """The running bot."""

    def __init__(
        self,
        config: Config,
        *,
        engine: Engine | None = None,
        adapters: MakeAdapters | None = None,
        opened: Callable[[str], object] | None = None,
        grace: Grace = Grace(),
    ) -> None:
        """Opens nothing yet; `engine` and `adapters` replace those of the config.

        `opened` is called with the chat page's address once it answers.
        """
        self.config, self._opened, self._grace = config, opened, grace
        self.texts = Texts(config.bot.language)
        self.metrics = Metrics()
        self.stopping = asyncio.Event()  # set it to shut down
        self._engine: Engine = engine or make_engine(config)
        self._page_rate = RateLimit(config.limits.per_minute)
        self._whole_page_rate = RateLimit(config.limits.per_minute * 10)
        self._make_adapters = adapters or build_adapters
        self._adapters: list[Adapter] = []
        self._store: Store
        self._pictures: PictureStore
        self._queue: Queue
        self._worker: Worker
        self._eraser: Eraser
        self._working: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None  # loads the dictionaries, so that no picture waits for them
        self._keeping: asyncio.Task[None] | None = None  # deletes expired data
        self._probing: asyncio.Task[str] | None = None  # the newest look at whether anything can be stored …
        self._probed = 0.0  # … and its monotonic time

    async def run(self) -> None:
        """Serve until a signal or `stopping`; raises ConfigError or StoreError when it cannot start."""
        async with self.lifespan():
            assert self._working is not None
            stopping = asyncio.create_task(self.stopping.wait())
            await asyncio.wait([stopping, self._working], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if self._is_cut_off():
                raise ConfigError(" ".join(adapter.connection.lost for adapter in self._adapters))
            if self._working.done() and (fault := self._working.exception()):
                log.error("the worker has stopped", exc_info=fault)
                raise StoreError(f"Imago cannot go on: {fault}. See `imago doctor`.") from fault

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator["App"]:
        """Start up; on exit shut down in reverse order."""
        folder = self.config.bot.folder
        async with AsyncExitStack() as stack:
            stack.enter_context(_signals(self.stopping))  # until the very end, so that a second signal forces the exit
            lock = stack.enter_context(_sole_owner(folder))
            self._store = await Store.open(folder / "imago.sqlite")
            stack.push_async_callback(self._store.close)
            stack.push_async_callback(self._engine.close)
            pictures = self._pictures = PictureStore(folder / "pictures")
            adapters = self._make_adapters(self, StoredHistory(self._store, pictures))
            self._adapters = adapters
            handlers, replies = self._join(pictures, {adapter.platform: adapter for adapter in adapters})
            await self._worker.tidy()
            await self._eraser.sweep()
            for adapter in adapters:
                adapter.connection.on_lost = self._end_if_unreachable
                stack.push_async_callback(adapter.close)
                await adapter.start(handlers.receive)
            stack.push_async_callback(replies.close, self._grace.replies)
            await replies.resume()
            self._keeping = asyncio.create_task(self._eraser.run())
            self._reading = asyncio.create_task(asyncio.to_thread(read_dictionaries, self.config.engine.models))
            stack.callback(self._keeping.cancel)
            await self._engine.start()
            self._working = asyncio.create_task(self._worker.run())
            stack.push_async_callback(self._end_work)
            stack.callback(handlers.close)
            self._say_where(adapters, lock)
            yield self
            log.info("shutting down")

    def _is_cut_off(self) -> bool:
        return bool(self._adapters) and all(adapter.connection.lost for adapter in self._adapters)

    def _end_if_unreachable(self) -> None:
        """A bot that no platform will ever talk to again is stopped, for somebody to change its config."""
        if self._is_cut_off():
            self.stopping.set()

    def _say_where(self, adapters: list[Adapter], lock: IO[str]) -> None:
        """Tell the chat page's address to whoever started the bot, and to a second bot that finds the lock."""
        for page in adapters:
            if isinstance(page, WebAdapter):
                with suppress(OSError):  # a full disk takes no note; the page is there all the same
                    os.pwrite(lock.fileno(), page.url.encode(), 0)
                print(f"Open {page.url}", file=sys.stderr, flush=True)
                if self._opened:
                    self._opened(page.url)

    def _join(self, pictures: PictureStore, adapters: dict[str, Adapter]) -> tuple[Handlers, Replies]:
        """Connect handlers, worker and replies; they know one another only by the functions passed here."""
        config, store, record = self.config, self._store, self.metrics.record
        queue = self._queue = Queue(store, config.limits, usual=unknown if config.engine.ray else usual_seconds)

        async def gone(number: int) -> None:
            """The message was deleted or the chat is closed to the bot: stop the job."""
            job = await queue.find(number)
            if job is not None and await queue.cancel(number):
                await self._worker.stop(job)

        replies = Replies(
            store=store,
            queue=queue,
            pictures=pictures,
            cards=Cards(self.texts, defaults_of(config.bot.options) | {"models": config.engine.models}),
            adapters=adapters,
            gone=gone,
            record=record,
        )
        rules = config.moderation
        picture_check = PictureCheck(
            check=rules.check, threshold=rules.check_threshold, action=Verdict(rules.check_action)
        )
        self._worker = Worker(
            queue=queue,
            store=store,
            pictures=pictures,
            engine=self._engine,
            watcher=replies,
            moved=replies.refresh,
            attempts=config.engine.attempts,
            record=record,
            picture_check=picture_check,
        )
        queue.company = self._worker.company
        self._eraser = Eraser(
            store=store,
            queue=queue,
            pictures=pictures,
            stop=self._worker.stop,
            take_away=replies.take_away,
            keep_days=rules.keep_days,
        )
        words = (*rules.words, *words_in(rules.words_file))
        moderation = Moderation(store=store, queue=queue, eraser=self._eraser, owners=rules.owners, words=words)
        handlers = Handlers(
            config=config,
            texts=self.texts,
            store=store,
            queue=queue,
            pictures=pictures,
            sender=replies,
            moderation=moderation,
            stop=self._worker.stop,
            steer=self._worker.steer,
            models=list_models(),
            record=record,
        )
        return handlers, replies

    async def _end_work(self) -> None:
        """Wait for the next checkpoint if that is soon; otherwise the drawing resumes from the last one."""
        assert self._working is not None
        self._worker.close()
        done, _ = await asyncio.wait([self._working], timeout=self._grace.checkpoint)
        if not done:
            self._working.cancel()
            await asyncio.wait([self._working])

    async def moved(self, old: Address, new: Address) -> None:
        """A chat has a new id."""
        await outlast(lambda: self._queue.move_chat(old, new), "a chat's new id")

    async def check_limits(self, person: Person, address: Address) -> None:
        """Raises the UserError that one more job of theirs would raise."""
        await self._queue.check_limits(person, address)

    def check_pace(self, person: Person) -> None:
        """Count a post on the chat page. Raises UserError for too many, of one browser or of all together."""
        for who, limit in ((person.counted, self._page_rate), ("page", self._whole_page_rate)):
            if limit.take(who) is not RateVerdict.TAKEN:
                raise UserError("too-fast", limit=limit.per_minute)

    async def counts(self) -> dict[str, int]:
        """Number of jobs in each state."""
        return {status.value: jobs for status, jobs in (await self._queue.counts()).items()}

    async def job(self, number: int) -> Job:
        """The job with a number. Raises KeyError."""
        if (job := await self._queue.find(number)) is None:
            raise KeyError(number)
        return job

    def offers(self) -> dict[str, list[str]]:
        """Values to suggest, by option: only what the usual models take."""
        models, styles = self.config.engine.models, Styles(self.config.styles)
        sizes = (Request(prompt="a size", models=models, size=size) for size in SIZES)
        return {
            "models": list_models(),
            "style": [name for name in styles.names if knows_any_word(models) or not styles.find(name).words],
            "size": [str(request.size) for request in sizes if nearest_size(request) == request.size],
        }

    def notes(self, platform: str) -> AdapterNotes:
        """The notes of a platform's adapter."""
        return StoredNotes(self._store, platform)

    async def metrics_page(self) -> tuple[bytes, str]:
        """The Prometheus text and its media type."""
        engines = {engine.name: (engine.at_once, engine.drawing) for engine in self._engine.engines}
        return self.metrics.page(await self.counts(), engines)

    async def trouble(self) -> str:
        """What is wrong with the bot; empty when healthy. The disk is tried at most every few seconds."""
        if self._working is not None and self._working.done():
            return "The worker has stopped."
        if unreachable := " ".join(filter(None, (adapter.connection.trouble for adapter in self._adapters))):
            return unreachable
        if self._probing is None or (self._probing.done() and time.monotonic() > self._probed + PROBE_SECONDS):
            self._probing, self._probed = asyncio.create_task(self._probe()), time.monotonic()
        done, _ = await asyncio.wait([self._probing], timeout=PROBE_PATIENCE)
        return self._probing.result() if done else "The database does not answer."

    async def _probe(self) -> str:
        """Why nothing can be stored now; empty when all is well."""
        try:
            await self._store.probe()
            await self._pictures.probe()
        except (NotStored, OSError) as error:
            return str(error)
        return ""


def make_engine(config: Config) -> Engine:
    """One process, or all engines of a Ray cluster. Raises ConfigError."""
    settings = config.engine
    given: dict[str, Any] = {
        "beat_seconds": settings.beat_seconds,
        "hang_seconds": settings.hang_seconds,
        "check": config.moderation.check,
        "models": settings.models,
        "at_once": settings.at_once,
    }
    if not settings.ray:
        return EngineProcess(**given)
    if not ray_installed():
        raise ConfigError("ray in [engine] is set, and Ray is not installed: pip install 'imago[ray]'.")
    return RayEngines(settings.ray, cpu_engines=settings.ray_cpu_engines, **given)


def list_models() -> list[str]:
    """The names of the model sets that are ready on disk."""
    return [described.name for described in list_model_sets() if described.ready]


async def serve(config: Config, *, opened: Callable[[str], object] | None = None) -> None:
    """Run the bot until it is stopped; `opened` is called with the chat page's address once it answers."""
    if config.engine.models not in list_models():
        raise ConfigError(
            f"models in [engine] must be auto or one of {', '.join(list_models())}; `imago models fetch` gets more."
        )
    await App(config, opened=opened).run()


def build_adapters(app: App, history: History) -> list[Adapter]:
    """The adapters of the platforms that are enabled in the config."""
    adapters: list[Adapter] = []
    if app.config.web.enabled:
        adapters.append(
            WebAdapter(
                app.config.web,
                history,
                app.texts.say,
                metrics=app.metrics_page,
                trouble=app.trouble,
                check_limits=app.check_limits,
                pace=app.check_pace,
                gallery=Gallery(app.config.engine.models, app.texts.say),
            )
        )
    if app.config.discord.token:
        from bot.adapters.discord import DiscordAdapter  # half a second of import time, only where it is used

        adapters.append(DiscordAdapter(app.config.discord, app.texts.say, app.notes("discord"), offers=app.offers()))
    if app.config.telegram.token:
        from bot.adapters.telegram import TelegramAdapter  # the library takes a second to import

        adapters.append(TelegramAdapter(app.config.telegram, app.texts.say, moved=app.moved))
    if not adapters:
        known = "enabled = true in [web], or a token in [discord] or [telegram]"
        raise ConfigError(f"There is no chat to serve: set {known}.")
    return adapters


@contextmanager
def _sole_owner(folder: Path) -> Iterator[IO[str]]:
    """Lock the folder: two bots on one folder would draw and send everything twice."""
    try:
        lock = lock_folder(folder)
    except FolderLocked as error:
        there = f"open {error.note}, or stop it first" if error.note.startswith("http://") else "stop it first"
        raise ConfigError(f"folder in [bot]: another Imago works in {folder}; {there}.") from error
    except OSError as error:
        sentence = f"folder in [bot]: {folder} cannot be written to ({error.strerror})."
        raise (StoreError(sentence) if is_passing(error) else ConfigError(sentence)) from error
    with lock:
        _tighten(folder)
        yield lock


def _tighten(folder: Path) -> None:
    """What an earlier version, or somebody's copy, left open to everybody on this machine is closed to them."""
    for root, _, files in os.walk(folder):
        for path in (root, *(os.path.join(root, name) for name in files)):
            try:
                mode = os.lstat(path).st_mode
                if mode & 0o077 and not stat.S_ISLNK(mode):
                    os.chmod(path, stat.S_IMODE(mode) & 0o700)
            except OSError as error:
                log.warning("%s stays readable to others: %s", path, error.strerror)


@contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C shut down in order; a second one exits at once (the engine dies too)."""

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
