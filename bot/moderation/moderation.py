"""moderation commands: ban, purge, pause, forget; and the checks before anything is drawn."""

import json
import logging
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from cachetools import TTLCache

from bot.errors import UserError
from bot.jobs.job import Job
from bot.jobs.queue import Queue
from bot.language.commands import Ban, Command, Forget, ModerationCommand, Pause, Purge, WhoAmI
from bot.log import event
from bot.messages import Incoming, Person
from bot.moderation.erasure import Eraser
from bot.moderation.roles import EVERYWHERE, Roles
from bot.moderation.wordlist import WordList
from bot.storage.store import Store

log = logging.getLogger(__name__)
CODE_LIFE = 600.0  # seconds for which a confirmation code is valid
MANY_CODES = 10_000  # kept in memory

Answer = tuple[str, dict[str, str | int]]  # text id and values of a sentence


class Moderation:
    """Checks people and prompts, and carries out moderation commands."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        eraser: Eraser,
        owners: Collection[str] = (),
        words: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`owners` by Person.key."""
        self._store, self._queue, self.eraser, self._clock = store, queue, eraser, clock
        self.roles = Roles(frozenset(owners))
        self._words = WordList(words)
        self._orders: bool | None = None  # whether there is any ban or pause to look up; None: unknown
        self._codes: TTLCache[str, str] = TTLCache(MANY_CODES, CODE_LIFE, timer=clock)  # by Person.key

    async def _any_orders(self) -> bool:
        """Saves two database reads per message while there are no bans or pauses."""
        if self._orders is None:
            row = await self._store.row("orders")
            self._orders = self._orders or bool(row and row["given"])  # may have changed meanwhile
        return self._orders

    async def check_banned(self, incoming: Incoming, command: Command | None = None) -> None:
        """Raises UserError for a banned person, except for `/forget me`."""
        person = incoming.person
        if isinstance(command, Forget) or self.roles.owns(person):
            return
        if not await self._any_orders():
            return
        people = json.dumps([person.key, person.counted])
        if await self._store.rows("banned", people=people, scope=incoming.address.key):
            raise UserError("banned")

    async def check_drawing(self, incoming: Incoming, prompt: str) -> None:
        """Raises UserError while new pictures are paused, or for a forbidden word."""
        if await self._any_orders() and await self._store.rows("paused", scope=incoming.address.key):
            raise UserError("moderation-paused")
        self._words.check_prompt(prompt)

    async def visible(self, incoming: Incoming, number: int) -> Job:
        """A job this person may see; for everybody else it does not exist. Raises UserError."""
        job = await self._queue.find(number)
        if job is None or not self.roles.sees(incoming, job):
            raise UserError("no-such-job", job=str(number))
        return job

    async def obey(self, incoming: Incoming, command: ModerationCommand) -> Answer:
        """Carry out a command; returns the answer. Raises UserError."""
        match command:
            case Ban():
                return await self._ban(incoming, command)
            case Purge():
                return await self._purge(incoming, command.job)
            case Pause():
                return await self._pause(incoming, command)
            case Forget():
                return await self._forget(incoming.person, command.code)
            case WhoAmI():
                return "who-you-are", {"person": incoming.person.key, "role": self._role(incoming.person)}

    async def _ban(self, incoming: Incoming, command: Ban) -> Answer:
        scope = self.roles.scope_of(incoming)
        owner = await self._person(incoming, command.who)
        person = await self._queue.account_of(owner)  # all names of one browser
        where = "everywhere" if scope == EVERYWHERE else "here"
        if command.lift:
            scopes = f'["{EVERYWHERE}", "{incoming.address.key}"]' if scope == EVERYWHERE else f'["{scope}"]'
            if not await self._store.write("unban", people=json.dumps([person, owner]), scopes=scopes):
                raise UserError("not-banned", person=person)
            event(log, "unbanned", person=person, scope=scope, by=incoming.person.key)
            return "unbanned", {"person": person, "where": where}
        if self.roles.owns(owner) or person == incoming.person.counted:
            raise UserError("not-to-be-banned", person=person)
        self._orders = True
        await self._store.write("ban", person=person, scope=scope)
        event(log, "banned", person=person, scope=scope, by=incoming.person.key)
        await self._cancel_all_of(person, scope)
        return "has-been-banned", {"person": person, "where": where}

    async def _person(self, incoming: Incoming, who: str) -> str:
        """The Person.key that a command refers to."""
        if not who.startswith("#"):
            return who if ":" in who else f"{incoming.person.platform}:{who}"
        return (await self.visible(incoming, int(who[1:]))).owner

    async def _cancel_all_of(self, person: str, scope: str) -> None:
        """Cancel the jobs of a banned person."""
        for job in await self._queue.active_of(person):
            if scope in (EVERYWHERE, job.address.key) and await self._queue.cancel(job.id):
                await self.eraser.stop(job)

    async def _purge(self, incoming: Incoming, number: int) -> Answer:
        job = await self.visible(incoming, number)
        if not self.roles.rules(incoming, job):
            raise UserError("not-moderator")
        family = await self.eraser.purge(job)
        event(log, "purged", jobs=",".join(str(one.id) for one in family), by=incoming.person.key)
        return "purged", {"job": str(number), "count": len(family)}

    async def _pause(self, incoming: Incoming, command: Pause) -> Answer:
        scope = self.roles.scope_of(incoming)
        if command.lift:
            await self._store.write("unpause", scope=scope)
        else:
            self._orders = True
            await self._store.write("pause", scope=scope)
        event(log, "resumed" if command.lift else "paused", scope=scope, by=incoming.person.key)
        where = "everywhere" if scope == EVERYWHERE else "here"
        return ("has-been-resumed" if command.lift else "has-been-paused"), {"where": where}

    async def _forget(self, person: Person, code: str) -> Answer:
        """The first request gets a code and only the code deletes, so that a repeated message does not."""
        if code and self._codes.get(person.key) == code:
            del self._codes[person.key]
            return "forgotten", {"count": await self.eraser.forget(replace(person, name=""))}
        fresh = f"{secrets.randbelow(9000) + 1000}"
        self._codes[person.key] = fresh
        return ("forget-wrong-code" if code else "forget-sure"), {"code": fresh, "minutes": round(CODE_LIFE / 60)}

    def _role(self, person: Person) -> str:
        if self.roles.owns(person):
            return "owner"
        return "moderator" if person.moderator else "user"
