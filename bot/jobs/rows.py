"""jobs as rows of the database, and back, whatever stands there."""

from dataclasses import replace

from bot.jobs.cost import cost_of
from bot.jobs.job import Draw, Job, Kind, NewJob, Status, Unreadable, Upscale, Work
from bot.messages import Address, Person
from bot.storage.store import Row
from engine import BadRequest, Request

UNREADABLE = "failed-unreadable"  # text id
_KINDS, _STATUSES = frozenset(Kind), frozenset(Status)


def server_of(owner: Person, address: Address) -> str:
    """The Discord server, the chat page, or the chat, that has a limit of its own."""
    return f"{address.platform}:{owner.server or address.chat}"


def as_status(text: str) -> Status:
    """A state that this version does not know is an end."""
    return Status(text) if text in _STATUSES else Status.FAILED


def as_row(new: NewJob, hashed: str) -> dict[str, object]:
    """The values of `put_jobs`; `hashed` stands for the account where it may not be named."""
    return {
        "key": new.key,
        "owner": new.owner.key,
        "account": new.owner.counted,
        "hash": hashed,
        "cost": cost_of(new.work),
        "language": new.owner.language,
        "platform": new.address.platform,
        "chat": new.address.chat,
        "thread": new.address.thread,
        "server": server_of(new.owner, new.address),
        "answers": new.answers,
        "request": new.work.request.to_json(),
        "picture": new.work.picture if isinstance(new.work, Upscale) else None,
        "kind": new.kind,
        "parent": new.parent,
    }


def as_job(row: Row, new: NewJob | None = None) -> Job:
    """A Job from its row, whatever stands there; `new` is what it was made from, where available."""
    known = row["status"] in _STATUSES
    same = ("id", "owner", "language", "answers", "parent", "attempts", "created", "started", "steps", "seconds")
    return Job(
        **{name: row[name] for name in (*same, "width", "height", "key", "steered", "account", "cost")},
        address=Address(
            platform=row["platform"],
            chat=row["chat"],
            thread=row["thread"],
            server=row["server"].removeprefix(f"{row['platform']}:"),
        ),
        work=new.work if new else _work_of(row),
        kind=Kind(row["kind"]) if row["kind"] in _KINDS else Kind.IMAGINE,
        status=Status(row["status"]) if known else Status.FAILED,
        failure=row["failure"] if known else UNREADABLE,
        hidden=bool(row["hidden"]),
    )


def _work_of(row: Row) -> Work:
    try:
        request = Request.from_json(row["request"])
        if row["steered"]:
            replace(request, then=row["steered"])  # refused now rather than later
    except BadRequest:
        return Unreadable()
    if row["kind"] not in _KINDS:
        return Unreadable()
    if row["kind"] == Kind.UPSCALE:
        return Upscale(request=request, source=row["parent"], picture=row["picture"])
    return Draw(request=request)
