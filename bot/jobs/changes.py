"""what owners say to their drawings in progress: stored before the engine hears it, answered once it holds."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import UserError
from bot.jobs.job import Job
from bot.messages import Address, Incoming
from bot.storage.store import Row, Store
from engine import Checkpoint, Steered

MOST = 50  # of one drawing, also those that overtake one another; the engine lets fewer hold


@dataclass(frozen=True, kw_only=True)
class Change:
    """Words that were said to a job, and what became of them."""

    id: int
    job: int
    words: str
    address: Address
    language: str
    answers: str  # message that the answer replies to
    outcome: str  # the engine's `Steered.outcome`, or missed: the drawing had ended
    step: int  # steps that were done before they held


class Changes:
    """The changes in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, incoming: Incoming, job: Job, words: str) -> bool:
        """Store words; they are on disk when this returns. False for an update that was stored before.

        Raises UserError.
        """
        address = incoming.address
        values = {"platform": address.platform, "chat": address.chat, "thread": address.thread}
        values |= {"key": f"{address.platform}:{incoming.key}", "language": incoming.person.language}
        async with self._store.transaction() as transaction:
            if await transaction.rows("known_change", key=values["key"]):
                return False
            values["answers"] = incoming.message
            if await transaction.rows("put_change", job=job.id, words=words, most=MOST, **values):
                return True
            active = [row["status"] for row in await transaction.rows("status", job=job.id)]
        raise UserError("steer-full" if active in (["queued"], ["running"]) else "steer-ended", job=str(job.id))

    async def to_pass_on(self, job: int) -> list[tuple[int, str]]:
        """(id, words) of what the engine has not answered, oldest first."""
        return [(row["id"], row["words"]) for row in await self._store.rows("changes_to_pass_on", job=job)]

    async def settle(self, job: int, answers: Iterable[Steered], checkpoint: Checkpoint, preview: bytes | None) -> None:
        """Store what the engine has answered, together with the checkpoint in which it holds."""
        async with self._store.transaction() as transaction:
            await transaction.rows("put_checkpoint", job=job, state=checkpoint.state, preview=preview)
            for answer in answers:
                await transaction.rows("settle_change", change=answer.number, outcome=answer.outcome, step=answer.step)
                await transaction.rows("steered", job=job, then=answer.then)

    async def start_over(self, job: int) -> None:
        """Forget the checkpoint; what holds in it is asked for beforehand."""
        async with self._store.transaction() as transaction:
            await transaction.rows("drop_checkpoint", job=job)
            await transaction.rows("ask_for_what_was_said", job=job)

    async def to_answer(self, job: int | None) -> list[Change]:
        """What has an outcome that nobody has been told, of one job or of all."""
        return [_as_change(row) for row in await self._store.rows("changes_to_answer", job=job)]

    async def is_answered(self, change: int) -> bool:
        """Whether its outcome was told, or the job is deleted."""
        return not await self._store.rows("change_to_answer", change=change)

    async def mark_answered(self, change: int) -> None:
        """Its outcome was told."""
        await self._store.write("change_told", change=change)


def _as_change(row: Row) -> Change:
    return Change(
        id=row["id"],
        job=row["job"],
        words=row["words"],
        address=Address(platform=row["platform"], chat=row["chat"], thread=row["thread"]),
        language=row["language"],
        answers=row["answers"],
        outcome=row["outcome"],
        step=row["step"] or 0,
    )
