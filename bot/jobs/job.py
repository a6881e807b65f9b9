"""a Job: a picture to draw, or one to make larger, with an owner, an address and a status."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar

from bot.messages import Address, Person
from engine import Request


class Status(StrEnum):
    """queued → running → drawn → delivered; or failed, or cancelled; deleted hides it from everybody."""

    QUEUED = "queued"
    RUNNING = "running"
    DRAWN = "drawn"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


ACTIVE = frozenset({Status.QUEUED, Status.RUNNING})
DONE = frozenset({Status.DRAWN, Status.DELIVERED})


class Kind(StrEnum):
    """How a job originated; all but the first have a parent. What to do is its `work`."""

    IMAGINE = "imagine"
    RERUN = "rerun"
    REMIX = "remix"
    UPSCALE = "upscale"
    VARY = "vary"


@dataclass(frozen=True, kw_only=True)
class Draw:
    """A picture to be drawn."""

    request: Request

    @property
    def pictures(self) -> int:
        """How many single pictures it makes."""
        return self.request.pictures


@dataclass(frozen=True, kw_only=True)
class Upscale:
    """A finished picture to upscale."""

    request: Request  # that drew the picture
    source: int  # the job it belongs to
    picture: int | None = None  # which of several, from 1
    pictures: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """What this version cannot read: of a newer one, of a restored backup, or refused by today's language."""

    request: Request = field(default_factory=lambda: Request(prompt="…"))
    pictures: ClassVar[int] = 1


Work = Draw | Upscale | Unreadable


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job that is not stored yet."""

    key: str  # of the Incoming that asked for it; one key makes one job
    owner: Person
    address: Address
    work: Work
    kind: Kind = Kind.IMAGINE
    parent: int | None = None
    answers: str = ""  # message that the first reply replies to


@dataclass(frozen=True, kw_only=True)
class Job:
    """A stored job, as of when it was read."""

    id: int
    owner: str  # Person.key
    language: str  # of the owner, when asked
    address: Address
    answers: str
    work: Work
    kind: Kind
    parent: int | None
    status: Status
    attempts: int  # engine crashes so far
    created: float  # Unix time
    started: float | None
    steps: int | None  # in total, once the engine has reported it
    seconds: float | None  # of drawing
    width: int | None  # of the picture, once there is one
    height: int | None
    failure: str  # text id of the failure, empty when none
    hidden: bool = False  # its picture is shown behind a click only
    key: str = ""  # of the Incoming that asked for it
    steered: str | None = None  # all that is said on the way by now, as in `Request.then`; None: as asked for
    account: str = ""  # Person.counted of the owner
    cost: float = 1.0  # predicted work, in normal drawings

    @property
    def request(self) -> Request:
        """The request that draws its picture again, for an upscale that of the original.

        `work` keeps what was asked for at first, to which checkpoints belong.
        """
        request = self.work.request
        return request if self.steered is None else replace(request, then=self.steered or None)

    @property
    def said(self) -> str:
        """Its prompt, and what is said on the way: `a star → a blue star → + a moon`."""
        request = self.request
        return " → ".join((request.prompt, *request.said_later))

    @property
    def drawn_as(self) -> int:
        """The job that drew its picture, and that has the input pictures: for an upscale that of the original."""
        return self.work.source if isinstance(self.work, Upscale) else self.id

    @property
    def pictures(self) -> int:
        """How many single pictures the finished job has: 1 when there is nothing to choose."""
        return self.work.pictures

    @property
    def partial(self) -> bool:
        """Whether it was cancelled and left a picture."""
        return self.status is Status.CANCELLED and self.width is not None


# Position (1 is next, or running) and seconds until it starts, None before anything was measured.
QueuePosition = tuple[int, float | None]
