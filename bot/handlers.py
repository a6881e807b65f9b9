"""command handlers: each Incoming, buttons and reactions included, becomes a job or an answer."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from bot.config import Config
from bot.delivery.cards import Cards, file_of, shorten
from bot.errors import Closed, NotStored, UserError
from bot.jobs.changes import Changes
from bot.jobs.job import ACTIVE, DONE, Draw, Job, Kind, NewJob, Status, Unreadable, Upscale, Work
from bot.jobs.queue import Queue
from bot.language import commands, options, understood
from bot.language.commands import (
    Act,
    Ban,
    Command,
    Forget,
    Help,
    Imagine,
    Pause,
    Purge,
    Show,
    ShowPictures,
    ShowQueue,
    ShowWords,
    Steer,
    WhoAmI,
)
from bot.messages import REACTIONS, Action, Address, File, Incoming, Press, Reaction, Reply, TextMessage, plain_emoji
from bot.metrics import RecordMetric
from bot.moderation.moderation import Moderation
from bot.moderation.rate_limit import RateLimit, RateVerdict
from bot.request_builder import RequestBuilder, check_steps, new_seed
from bot.storage.pictures import PictureStore
from bot.storage.store import Store
from bot.texts import Texts
from engine import Request

log = logging.getLogger(__name__)
PORTION = 100  # messages handled concurrently, so that a burst of hundreds does not starve the event loop
WORDS_OF_GROUP, WORDS_FOUND = 7, 90  # names listed per group by /words
MOST_LISTED = 10  # pictures told by /pictures
LONGEST_DESCENT = 20  # generations shown by /show
MENDABLE = ("unknown-command", "prompt-long", "prompt-letters", "which-job", "which-of-several", "no-init-picture")
NO_INPUTS: Mapping[str, bytes] = {}
STRENGTH = 0.5  # default share of the picture kept by a variation


class Sender(Protocol):
    """What handlers need of delivery."""

    def note(self, address: Address, reply: Reply, answers: str, about: int | None = None) -> None: ...
    def on_queued(self, job: Job) -> None: ...


class Handlers:
    """Handles every Incoming; its effects are durable when `receive` returns."""

    def __init__(
        self,
        *,
        config: Config,
        texts: Texts,
        store: Store,
        queue: Queue,
        pictures: PictureStore,
        sender: Sender,
        moderation: Moderation,
        stop: Callable[[Job], Awaitable[None]],
        steer: Callable[[int], Awaitable[None]],
        models: Collection[str],
        record: RecordMetric,
    ) -> None:
        """Starts nothing.

        Args:
            stop: ends the drawing of a job that was cancelled.
            steer: called when words for a drawing in progress are stored.
            models: names of the available model sets.
        """
        self._config, self._texts, self._store, self._queue = config, texts, store, queue
        self._pictures, self._sender, self._stop, self._record = pictures, sender, stop, record
        self._builder, self._moderation = RequestBuilder(config, models, pictures), moderation
        self._changes, self._steer_now = Changes(store), steer
        self._rate = RateLimit(config.limits.per_minute)
        self._closed = False
        self._portion = asyncio.Semaphore(PORTION)

    def close(self) -> None:
        """Accept nothing more."""
        self._closed = True

    async def receive(self, incoming: Incoming) -> None:
        """The single entry point. Raises Closed; every other error becomes an answer."""
        if self._closed:
            raise Closed
        await asyncio.shield(self._take(incoming))  # a disconnecting browser must not leave half an effect

    async def _take(self, incoming: Incoming) -> None:
        try:
            if not self._is_in_time(incoming):
                return
            async with self._portion:
                job = None
                if isinstance(incoming, Reaction):
                    incoming, job = await self._find_thread(incoming)
                elif isinstance(incoming, TextMessage) and incoming.replies_to:
                    job = await self._drawing_replied_to(incoming)
                command = await self._let_in(incoming, job)
                if command is not None:
                    await self._obey(incoming, command)
        except UserError as error:
            if error.text == "banned" and not await self._first_time(incoming):
                return
            self._refuse(incoming, error)
        except NotStored as error:
            log.warning("%s is refused: %s", incoming.key, error)
            self._answer(incoming, "not-stored")
        except Exception:
            log.exception("a fault while handling %s", incoming.key)
            self._answer(incoming, "broken")

    def _is_in_time(self, incoming: Incoming) -> bool:
        """Whether a message comes not too soon after many others; said once. Raises UserError."""
        if isinstance(incoming, TextMessage) and not incoming.addressed:
            return True
        verdict = self._rate.take(incoming.person.counted)
        waits = not isinstance(incoming, Reaction) and incoming.awaited
        if verdict is RateVerdict.REFUSED or (verdict is RateVerdict.DROPPED and waits):
            raise UserError("too-fast", limit=self._rate.per_minute)
        return verdict is RateVerdict.TAKEN

    @asynccontextmanager
    async def _aside(self) -> AsyncIterator[None]:
        """While a picture comes and is decoded others have the place among those that are handled at the same time."""
        self._portion.release()
        try:
            yield
        finally:
            await self._portion.acquire()

    async def _let_in(self, incoming: Incoming, job: int | None) -> Command | None:
        """The command, if any, once the person is allowed to give it; `job` is what it is about. Raises UserError."""
        try:
            command = self._command(incoming, job)
        except UserError:
            await self._moderation.check_banned(incoming)
            raise
        if command is not None:
            await self._moderation.check_banned(incoming, command)
        return command

    def _command(self, incoming: Incoming, job: int | None) -> Command | None:
        if isinstance(incoming, TextMessage):
            if job is not None:
                return Steer(job=job, words=options.read_change(incoming.text))
            if not incoming.addressed:
                return None
            command = commands.parse(incoming.text, incoming.options)
            if isinstance(command, Imagine) and incoming.remix_of is not None:
                return replace(command, parent=incoming.remix_of)
            return command
        if isinstance(incoming, Press):
            picture, strength = incoming.picture, incoming.strength
            return Act(action=incoming.action, job=incoming.job, picture=picture, strength=strength)
        action = REACTIONS.get(plain_emoji(incoming.emoji))
        return Act(action=action, job=job) if action and job is not None else None

    async def _find_thread(self, reaction: Reaction) -> tuple[Reaction, int | None]:
        """The reaction with its thread, which not every platform reports but we stored, and the message's job."""
        row = await self._store.row("job_of_message", platform=reaction.address.platform, message=reaction.message)
        if row is None:
            return reaction, None
        return replace(reaction, address=replace(reaction.address, thread=row["thread"])), row["job"]

    async def _drawing_replied_to(self, message: TextMessage) -> int | None:
        """The drawing in progress whose message plain words reply to."""
        if message.text.startswith("/") or message.pictures:
            return None
        row = await self._store.row("job_of_message", platform=message.address.platform, message=message.replies_to)
        job = await self._queue.find(row["job"]) if row else None
        return job.id if job and job.status in ACTIVE and isinstance(job.work, Draw) else None

    async def _obey(self, incoming: Incoming, command: Command) -> None:
        if isinstance(command, Show) or (isinstance(command, Act) and command.action in commands.NEWEST):
            command = replace(command, job=command.job or await self._newest(incoming))
        match command:
            case Imagine():
                await self._imagine(incoming, command)
            case Act(action=Action.UPSCALE, job=int(number)):
                await self._upscale(incoming, command, await self._readable(incoming, number))
            case Act(action=Action.RERUN, job=int(number)):
                await self._rerun(incoming, await self._readable(incoming, number))
            case Act(action=Action.VARY, job=int(number)):
                await self._vary(incoming, command, await self._readable(incoming, number))
            case Act(action=Action.OFFER, job=int(number)):
                await self._draw_offer(incoming, await self._readable(incoming, number), command.picture or 0)
            case Act(action=Action.PICK, job=int(number)):
                await self._pick(incoming, await self._moderation.visible(incoming, number), command.picture)
            case Act(action=Action.REMIX, job=int(number)):
                job = await self._readable(incoming, number)
                self._tell_of(job, incoming, "remix-how")
            case Act(action=Action.FILE, job=int(number)):
                await self._send_file(incoming, await self._moderation.visible(incoming, number), command.picture)
            case Act(action=Action.SETTINGS):
                await self._settings(incoming, command.job, command.picture)
            case Act(action=Action.STEER):
                job = await self._drawing_of(incoming, command.job)
                self._answer(incoming, "steer-how", job=str(job.id))
            case Steer():
                await self._steer(incoming, command, await self._drawing_of(incoming, command.job))
            case Act(action=Action.CANCEL):
                await self._cancel(incoming, command.job)
            case Act(action=Action.DELETE, job=int(number)):
                await self._delete(incoming, await self._moderation.visible(incoming, number))
            case Show(job=int(number)):
                await self._show(incoming, await self._moderation.visible(incoming, number))
            case ShowPictures():
                await self._show_pictures(incoming)
            case ShowQueue():
                await self._show_queue(incoming)
            case ShowWords():
                await self._show_words(incoming, command.search)
            case Ban() | Purge() | Pause() | Forget() | WhoAmI():
                text, values = await self._moderation.obey(incoming, command)
                self._answer(incoming, text, **values)
            case Help(more=True):
                self._answer(incoming, "help-more", options=options.option_names(), platform=incoming.address.platform)
            case Help():
                language = incoming.person.language
                examples = self._texts.say(language, "examples").split(" | ")
                self._note(incoming, self._texts.say(language, "help"), offers=tuple(examples))

    async def _readable(self, incoming: Incoming, number: int) -> Job:
        """A job that they may see, to make something of what was asked for. Raises UserError."""
        job = await self._moderation.visible(incoming, number)
        if isinstance(job.work, Unreadable):
            raise UserError("job-unreadable", job=str(number))
        return job

    async def _imagine(self, incoming: Incoming, command: Imagine) -> None:
        parent = await self._readable(incoming, command.parent) if command.parent is not None else None
        request = self._builder.request(incoming, command, parent)
        if isinstance(incoming, TextMessage) and incoming.pictures:
            await self._moderation.check_drawing(incoming, request.prompt)
            await self._queue.check_limits(incoming.person, incoming.address, Draw(request=request))
        async with self._aside():
            inputs = await self._builder.inputs(incoming, request, parent)
        kind = Kind.REMIX if parent else Kind.IMAGINE
        await self._put(incoming, Draw(request=request), kind, parent, inputs)

    async def _rerun(self, incoming: Incoming, parent: Job) -> None:
        request, inputs = replace(parent.request, seed=new_seed()), await self._pictures.inputs(parent.drawn_as)
        check_steps(incoming, request)
        await self._put(incoming, Draw(request=request), Kind.RERUN, parent, inputs)

    async def _vary(self, incoming: Incoming, command: Act, parent: Job) -> None:
        png = await self._png(parent, self._one_of(parent, command.picture))
        strength = command.strength if command.strength is not None else STRENGTH
        request = replace(parent.request, init=strength, pick=None, seed=new_seed())
        check_steps(incoming, request)
        await self._queue.check_limits(incoming.person, incoming.address, Draw(request=request))
        async with self._aside():
            init = await self._builder.accept(png, incoming.person)
        inputs = {**await self._pictures.inputs(parent.drawn_as), "init": init}
        await self._put(incoming, Draw(request=request), Kind.VARY, parent, inputs)

    async def _upscale(self, incoming: Incoming, command: Act, parent: Job) -> None:
        picture = self._one_of(parent, command.picture)
        if isinstance(parent.work, Upscale):
            raise UserError("already-large", job=str(parent.id))
        if (old := await self._queue.upscaling_of(parent.id, picture)) is not None:
            return await self._show_upscaled(incoming, parent, old)
        request = replace(parent.request, pick=picture or parent.request.pick)
        work = Upscale(request=request, source=parent.id, picture=picture)
        await self._put(incoming, work, Kind.UPSCALE, parent)

    async def _show_upscaled(self, incoming: Incoming, parent: Job, old: Job) -> None:
        """It would be the same picture once more: show the one that is there, if it may be shown here."""
        text = self._texts.say(incoming.person.language, "already-upscaled", job=str(old.id), parent=str(parent.id))
        try:
            picture = await self._picture(await self._moderation.visible(incoming, old.id))
        except UserError:
            picture = None
        self._note(incoming, text, picture, about=old.id, hidden=old.hidden)

    async def _draw_offer(self, incoming: Incoming, parent: Job, number: int) -> None:
        """Draw a suggestion, in place of words that the models do not know."""
        names = understood.offers(parent.request.models, parent.id, parent.language)
        if not 1 <= number <= len(names):
            raise UserError("no-such-picture", job=str(parent.id), count=parent.pictures)
        request = replace(parent.request, prompt=names[number - 1], seed=new_seed(), init=None, pick=None, then=None)
        check_steps(incoming, request)
        await self._put(incoming, Draw(request=request), Kind.REMIX, parent)

    def _one_of(self, job: Job, picture: int | None) -> int | None:
        """Which picture of a job is meant: None when it has only one. Raises UserError."""
        if job.width is None:
            raise UserError("no-picture-yet", job=str(job.id))
        several = job.pictures > 1 and job.status in DONE
        if several and picture is None:
            raise UserError("say-which", job=str(job.id), count=job.pictures)
        if picture is not None and picture > (job.pictures if several else 1):
            raise UserError("no-such-picture", job=str(job.id), count=job.pictures if several else 1)
        return picture if several else None

    async def _png(self, job: Job, picture: int | None) -> bytes:
        png = await self._pictures.read(f"{job.id}.{picture}.png" if picture else f"{job.id}.png")
        if png is None:
            raise UserError("no-picture-yet", job=str(job.id))
        return png

    async def _pick(self, incoming: Incoming, job: Job, picture: int | None) -> None:
        number = self._one_of(job, picture)
        png = await self._png(job, number)
        reply = Cards(self._texts).picked(job, number or 1, png, incoming.person.language)
        reply = replace(reply, reader=incoming.person.key, hidden=job.hidden)
        self._sender.note(incoming.address, reply, incoming.message, job.id)

    async def _put(
        self,
        incoming: Incoming,
        work: Work,
        kind: Kind,
        parent: Job | None,
        inputs: Mapping[str, bytes] = NO_INPUTS,
    ) -> None:
        began = time.monotonic()
        await self._moderation.check_drawing(incoming, f"{work.request.prompt} | {work.request.then or ''}")
        key = incoming.key
        if isinstance(incoming, Reaction):  # adding, removing and adding it again counts once
            key = f"reaction:{incoming.person.key}:{incoming.message}:{kind}"
        new = NewJob(
            key=f"{incoming.address.platform}:{key}",
            owner=incoming.person,
            address=incoming.address,
            work=work,
            kind=kind,
            parent=parent.id if parent else None,
            answers=incoming.message if not isinstance(incoming, Reaction) else "",
        )
        job, fresh = await self._store_job(new, inputs)
        if fresh:
            self._record("acknowledge_seconds", time.monotonic() - began)
            self._sender.on_queued(job)

    async def _store_job(self, new: NewJob, inputs: Mapping[str, bytes]) -> tuple[Job, bool]:
        """Input pictures are on disk before the job is; the worker looks under both key and number."""
        if not inputs:
            return await self._queue.put(new)
        try:
            await self._pictures.keep(new.key, inputs)
            job, fresh = await self._queue.put(new)
        except BaseException:
            await self._pictures.drop(new.key)
            raise
        await self._pictures.adopt(new.key, job.id)
        if await self._queue.status(job.id) is None:  # it was deleted, or its owner forgotten, meanwhile
            await self._pictures.remove(job.id)
        return job, fresh

    async def _settings(self, incoming: Incoming, number: int | None, picture: int | None) -> None:
        if number is None:
            limits = self._config.limits
            models = self._config.engine.models
            self._answer(incoming, "defaults", models=models, queued=limits.queued, today=limits.per_day)
            return
        job = await self._readable(incoming, number)
        alone = picture is not None and picture <= job.pictures > 1
        request = replace(job.request, pick=picture) if alone else job.request
        self._tell_of(job, incoming, "settings", command=await self._command_for(job, request))

    async def _command_for(self, job: Job, request: Request) -> str:
        """The line that draws a job's picture again: what no words can say is taken over from the job itself."""
        if isinstance(job.work, Upscale):
            return f"/upscale {job.work.source} {job.work.picture or ''}".strip()
        has_inputs = bool(await self._pictures.input_names(job.id))
        return options.format_command(request, remix_of=job.id if has_inputs else None)

    async def _drawing_of(self, incoming: Incoming, number: int | None) -> Job:
        """The person's drawing with a number, or else the one that is being drawn. Raises UserError."""
        if number is None:
            mine = [job for job in await self._queue.active_of(incoming.person.key) if isinstance(job.work, Draw)]
            if not mine:
                raise UserError("steer-nothing")
            return next((job for job in reversed(mine) if job.status is Status.RUNNING), mine[0])
        job = await self._moderation.visible(incoming, number)
        if job.owner != incoming.person.key:
            raise UserError("steer-not-yours", job=str(number))
        if job.status not in ACTIVE or not isinstance(job.work, Draw):
            raise UserError("steer-ended", job=str(number))
        return job

    async def _steer(self, incoming: Incoming, command: Steer, job: Job) -> None:
        """Its words are stored before the engine hears them; what became of them is answered later."""
        prompt = options.check_change(job.request, command.words)
        await self._moderation.check_drawing(incoming, f"{prompt} | {command.words}")
        if not await self._changes.put(incoming, job, command.words):
            return
        if job.status is Status.QUEUED and job.started is None:
            self._answer(incoming, "steer-waits", job=str(job.id))
        await self._steer_now(job.id)

    async def _cancel(self, incoming: Incoming, number: int | None) -> None:
        if number is None:
            job = await self._queue.newest_active_of(incoming.person.key)
            if job is None:
                raise UserError("nothing-to-cancel")
        else:
            job = await self._moderation.visible(incoming, number)
            self._moderation.roles.check_ends(incoming, job)
        if not await self._first_time(incoming):
            return
        if not await self._queue.cancel(job.id):
            raise UserError("already-ended", job=str(job.id))
        await self._stop(job)
        if isinstance(incoming, TextMessage):  # the changed message is the answer to a press
            self._answer(incoming, "cancelled", job=str(job.id))

    async def _delete(self, incoming: Incoming, job: Job) -> None:
        self._moderation.roles.check_ends(incoming, job)
        await self._moderation.eraser.delete(job)
        if isinstance(incoming, TextMessage):
            self._answer(incoming, "deleted", job=str(job.id))

    async def _show(self, incoming: Incoming, job: Job) -> None:
        language = incoming.person.language
        prompt = shorten(job.said)
        lines = [self._texts.say(language, "show", job=str(job.id), prompt=prompt, status=job.status)]
        child = job
        for _ in range(LONGEST_DESCENT):
            if child.parent is None:
                break
            numbers = {"job": str(child.id), "parent": str(child.parent)}
            lines.append(self._texts.say(language, f"descent-{child.kind}", **numbers))
            parent = await self._queue.find(child.parent)
            if parent is None:
                break
            child = parent
        self._note(incoming, "\n".join(lines), await self._picture(job), about=job.id, hidden=job.hidden)

    async def _newest(self, incoming: Incoming) -> int:
        """The person's newest picture. Raises UserError."""
        jobs = await self._queue.newest_drawn_of(incoming.person.key)
        if not jobs:
            raise UserError("no-pictures-yet")
        return jobs[0].id

    async def _show_pictures(self, incoming: Incoming) -> None:
        """What the person has drawn, as far as it may be shown here."""
        language, found = incoming.person.language, []
        for job in await self._queue.newest_drawn_of(incoming.person.key, MOST_LISTED):
            try:
                found.append(await self._moderation.visible(incoming, job.id))
            except UserError:
                continue  # asked for in another chat
        if not found:
            raise UserError("no-pictures-yet")
        lines = [self._texts.say(language, "pictures-line", job=str(job.id), prompt=shorten(job.said)) for job in found]
        text = "\n".join([self._texts.say(language, "pictures"), *lines])
        show = commands.in_language("show", language)
        self._note(incoming, text, about=found[0].id, offers=tuple(f"/{show} {job.id}" for job in found[:3]))

    async def _send_file(self, incoming: Incoming, job: Job, number: int | None) -> None:
        number = number if number is not None and number <= job.pictures > 1 else None
        png = await self._png(job, number)
        name = f"{job.id}.{number}.png" if number else f"{job.id}.png"
        picture = file_of(job, name, png)
        values = {"job": str(job.id), "prompt": shorten(job.said)}
        text = self._texts.say(incoming.person.language, "file", **values)
        self._note(incoming, text, picture, as_file=True, about=job.id, hidden=job.hidden)

    async def _picture(self, job: Job) -> File | None:
        png = await self._pictures.read(f"{job.id}.png")
        return file_of(job, f"{job.id}.png", png)

    async def _show_queue(self, incoming: Incoming) -> None:
        places = await self._queue.positions()
        running = await self._queue.with_status(Status.RUNNING)
        language = incoming.person.language
        if not places and not running:
            return self._answer(incoming, "queue-empty")
        lines, about = [self._texts.say(language, "queue", waiting=len(places), running=len(running))], None
        for job in running:
            if job.owner == incoming.person.key:
                values = {"job": str(job.id), "prompt": shorten(job.said)}
                lines.append(self._texts.say(language, "queue-mine-running", **values))
                about = job.id
        for mine in await self._queue.waiting_of(incoming.person.key):
            if mine.id in places:
                place, wait = places[mine.id]
                values = {"job": str(mine.id), "prompt": shorten(mine.said)}
                waits = self._texts.duration(language, wait)
                lines.append(self._texts.say(language, "queue-mine", **values, place=place, wait=waits))
                about = mine.id
        self._note(incoming, "\n".join(lines), about=about)

    async def _show_words(self, incoming: Incoming, search: str) -> None:
        """List what can be drawn by name: groups, or search results."""
        models, language = self._config.engine.models, incoming.person.language
        groups = await asyncio.to_thread(understood.list_names, models, search, language)
        if not groups:
            return self._answer(incoming, "words-not-found" if search else "words-any", search=search)
        shown = WORDS_FOUND if search else WORDS_OF_GROUP
        lines = [self._texts.say(language, "words", count=sum(len(names) for _, names in groups))]
        for group, names in groups:
            title = self._texts.say(language, "words-title", group=group)
            some = ", ".join(names[:shown]) + (", …" if len(names) > shown else "")
            lines.append(self._texts.say(language, "words-group", title=title, count=len(names), names=some))
        self._note(incoming, "\n".join(lines))

    async def _first_time(self, incoming: Incoming) -> bool:
        return await self._queue.first_time(f"{incoming.address.platform}:{incoming.key}")

    def _refuse(self, incoming: Incoming, error: UserError) -> None:
        """Say what is wrong; a page can put what was typed back, and mend it by one tap where it is clear how."""
        text = self._texts.say(incoming.person.language, error.text, **error.values)
        mendable = "where" in error.values or error.text in MENDABLE
        typed = incoming.text if isinstance(incoming, TextMessage) and mendable else ""
        mended = options.correct(typed, error) if typed else None
        self._note(incoming, text, typed=typed, offers=(mended,) if mended else ())

    def _answer(self, incoming: Incoming, text: str, **values: str | int | float) -> None:
        self._note(incoming, self._texts.say(incoming.person.language, text, **values))

    def _tell_of(self, job: Job, incoming: Incoming, text: str, **values: str) -> None:
        """Answer with a job's prompt; deleted together with the job."""
        language = incoming.person.language
        said = self._texts.say(language, text, job=str(job.id), prompt=options.format_words(job.request), **values)
        self._note(incoming, said, about=job.id)

    def _note(
        self,
        incoming: Incoming,
        text: str,
        picture: File | None = None,
        *,
        as_file: bool = False,
        about: int | None = None,
        hidden: bool = False,
        typed: str = "",
        offers: tuple[str, ...] = (),
    ) -> None:
        person = incoming.person
        reply = Reply(
            text=text,
            picture=picture,
            as_file=as_file,
            private=True,
            reader=person.key,
            language=person.language,
            hidden=hidden,
            typed=typed,
            offers=offers,
        )
        self._sender.note(incoming.address, reply, incoming.message, about)
