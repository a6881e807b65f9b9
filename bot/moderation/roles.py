"""who may do what: owners everywhere, moderators in their chat, everybody with what is theirs. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.errors import UserError
from bot.jobs.job import Job
from bot.messages import Incoming, Person

EVERYWHERE = "*"  # the scope of what an owner decides; a moderator's is Address.key of the chat


@dataclass(frozen=True)
class Roles:
    """The answers to every question of power."""

    owners: Collection[str] = ()  # Person.key of each

    def owns(self, person: Person | str) -> bool:
        """Whether this person (or key) is an owner of the bot."""
        return (person if isinstance(person, str) else person.key) in self.owners

    def sees(self, incoming: Incoming, job: Job) -> bool:
        """A job of this person or of this chat; owners see all."""
        mine, here = job.owner == incoming.person.key, job.address.key == incoming.address.key
        return mine or here or self.owns(incoming.person)

    def rules(self, incoming: Incoming, job: Job) -> bool:
        """Whether this person keeps order in the chat that the job is in."""
        here = job.address.key == incoming.address.key
        return self.owns(incoming.person) or (incoming.person.moderator and here)

    def check_ends(self, incoming: Incoming, job: Job) -> None:
        """Only whoever asked for a job ends or deletes it, or who keeps order there. Raises UserError."""
        if job.owner != incoming.person.key and not self.rules(incoming, job):
            raise UserError("not-yours", job=str(job.id))

    def scope_of(self, incoming: Incoming) -> str:
        """How far the decisions of this person reach. Raises UserError for those who decide nothing."""
        if self.owns(incoming.person):
            return EVERYWHERE
        if not incoming.person.moderator:
            raise UserError("not-moderator")
        return incoming.address.key
