"""permissions: owners everywhere, moderators in their chat, everybody for their own jobs. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.errors import UserError
from bot.jobs.job import Job
from bot.messages import Incoming, Person

EVERYWHERE = "*"  # scope of an owner's decisions; a moderator's is the chat's Address.key


@dataclass(frozen=True)
class Roles:
    """Who may see, change and decide what."""

    owners: Collection[str] = ()  # Person.key of each

    def owns(self, person: Person | str) -> bool:
        """Whether this person (or key) is an owner of the bot."""
        return (person if isinstance(person, str) else person.key) in self.owners

    def sees(self, incoming: Incoming, job: Job) -> bool:
        """Whether the person may see the job: their own, those of the chat; owners see all."""
        mine, here = job.owner == incoming.person.key, job.address.key == incoming.address.key
        return mine or here or self.owns(incoming.person)

    def rules(self, incoming: Incoming, job: Job) -> bool:
        """Whether this person moderates the chat that the job is in."""
        here = job.address.key == incoming.address.key
        return self.owns(incoming.person) or (incoming.person.moderator and here)

    def check_ends(self, incoming: Incoming, job: Job) -> None:
        """Only a job's owner or a moderator may cancel or delete it. Raises UserError."""
        if job.owner != incoming.person.key and not self.rules(incoming, job):
            raise UserError("not-yours", job=str(job.id))

    def scope_of(self, incoming: Incoming) -> str:
        """The scope of this person's decisions. Raises UserError unless they are a moderator."""
        if self.owns(incoming.person):
            return EVERYWHERE
        if not incoming.person.moderator:
            raise UserError("not-moderator")
        return incoming.address.key
