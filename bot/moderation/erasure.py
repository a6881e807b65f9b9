"""deletes stored data: one picture, a picture everywhere, everything of one person, and expired data."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from bot.errors import NotStored
from bot.jobs.job import ACTIVE, Job
from bot.jobs.limits import DAY
from bot.jobs.queue import Queue
from bot.jobs.rows import as_job
from bot.log import event
from bot.messages import Person
from bot.moderation.trusted_time import TrustedTime
from bot.storage.pictures import PictureStore
from bot.storage.store import Store, Transaction

log = logging.getLogger(__name__)
RETRY = 600.0  # seconds
REMEMBERED = 14 * DAY  # seconds after which no platform redelivers an update


class Eraser:
    """Deletes files before rows, so that an interruption leaves no orphaned files."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        pictures: PictureStore,
        stop: Callable[[Job], Awaitable[None]],
        take_away: Callable[[], Awaitable[None]],
        keep_days: int,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Deletes nothing yet.

        Args:
            stop: ends the drawing of a job.
            take_away: deletes the messages marked for removal.
            keep_days: age at which `expire` deletes; 0 for never.
            clock: of the host, in Unix seconds, which may be wrong.
            steady: seconds that pass.
        """
        self._store, self._queue, self._pictures, self.stop, self._take_away = store, queue, pictures, stop, take_away
        self._keep_days, self._sleep = keep_days, sleep
        self._time = TrustedTime(store, clock, steady)

    async def delete(self, job: Job) -> None:
        """Delete one job: its prompt, its files, and its messages."""
        await self._hide(job)
        await self._take_away()

    async def purge(self, job: Job) -> list[Job]:
        """Delete a job everywhere, including everything derived from it and the message that requested it."""
        family = [as_job(row) for row in await self._store.rows("made_of", job=job.id)]
        await self._store.write("remove_asking", jobs=_as_json(job.id for job in family))
        await self._remove_inherited(family)
        for one in family:
            await self._hide(one)
        await self._take_away()
        return family

    async def forget(self, person: Person) -> int:
        """Delete everything of a person: prompts, pictures, messages, ids. Returns the number of pictures."""
        rows = await self._store.rows("jobs_to_forget", owner=person.key)
        jobs = [as_job(row) for row in rows]
        for job in jobs:
            if job.status in ACTIVE:
                await self._queue.delete(job.id)
                await self.stop(job)
        await self._remove_inherited(jobs)
        for job in jobs:
            await self._pictures.remove(job.id)
        async with self._store.transaction() as transaction:
            await _remove_messages(transaction, _as_json(job.id for job in jobs))
            await self._queue.keep_spent(transaction, rows)
            await _erase(transaction, _as_json(job.id for job in jobs))
            await transaction.rows("remove_conversation", person=person.key)
            await transaction.rows("erase_conversation", person=person.key)
            await transaction.rows("erase_seen_of", platform=person.platform, id=person.id)
            await transaction.rows("erase_idle_people")
        await self._store.scrub()
        event(log, "forgotten", jobs=len(jobs))
        await self._take_away()
        return len(jobs)

    async def sweep(self) -> None:
        """At the start, before anything is stored: delete the files that belong to no job."""
        rows, newest = await self._store.rows("files_of"), await self._store.row("newest_number")
        keys = [row["key"] for row in rows if row["key"]]
        number = newest["number"] if newest else 0
        if gone := await self._pictures.sweep([row["id"] for row in rows], number, keys):
            event(log, "swept", files=gone)

    async def expire(self) -> int:
        """Delete expired jobs; messages in chats stay. Returns the number of jobs."""
        now = await self._time.now()
        before = now - self._keep_days * DAY if self._keep_days else 0.0
        rows = await self._store.rows("jobs_to_expire", before=before, deleted_before=now - REMEMBERED)
        jobs = _as_json(row["id"] for row in rows)
        for row in rows:
            await self._pictures.remove(row["id"])
        async with self._store.transaction() as transaction:
            await _erase(transaction, jobs)
            await transaction.rows("erase_history", before=before)
            await transaction.rows("erase_idle_people")
        await self._queue.forget_seen(before=now - REMEMBERED)
        await self._queue.forget_spent()
        await self._store.scrub()
        if rows:
            event(log, "expired", jobs=len(rows), older_than_days=self._keep_days)
        return len(rows)

    async def run(self) -> None:
        """Expire now and then daily; sooner where the disk was full."""
        while True:
            pause = float(DAY)
            try:
                await self.expire()
            except NotStored as error:
                log.warning("what is too old could not be deleted yet: %s", error)
                pause = RETRY
            except Exception:
                log.exception("what is too old could not be deleted")
            await self._sleep(pause)

    async def _remove_inherited(self, jobs: list[Job]) -> None:
        """Remove copies of these jobs' input pictures from reruns and remixes."""
        contents = {png for job in jobs for png in (await self._pictures.inputs(job.id)).values()}
        if contents:
            for row in await self._store.rows("descendants", jobs=_as_json(job.id for job in jobs)):
                await self._pictures.remove_inputs(row["id"], contents)

    async def _hide(self, job: Job) -> None:
        """Hide the job and mark its messages for removal; a row without prompt stays for a while."""
        await self._queue.delete(job.id)
        await self._pictures.remove(job.id)
        if job.status in ACTIVE:
            await self.stop(job)
        async with self._store.transaction() as transaction:
            await _remove_messages(transaction, _as_json([job.id]))


async def _remove_messages(transaction: Transaction, jobs: str) -> None:
    """Mark messages for removal, without their owner."""
    await transaction.rows("remove_messages", jobs=jobs)
    await transaction.rows("remove_copies", jobs=jobs)
    await transaction.rows("erase_messages", jobs=jobs)
    await transaction.rows("erase_copies", jobs=jobs)


async def _erase(transaction: Transaction, jobs: str) -> None:
    """Delete the rows of jobs with everything that refers to them."""
    await transaction.rows("erase_messages", jobs=jobs)
    await transaction.rows("erase_copies", jobs=jobs)
    await transaction.rows("erase_checkpoints", jobs=jobs)
    await transaction.rows("orphan_children", jobs=jobs)
    await transaction.rows("erase_jobs", jobs=jobs)


def _as_json(jobs: Iterable[int]) -> str:
    return json.dumps(list(jobs))
