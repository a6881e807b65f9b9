"""counts the rows that this version cannot read: those of a newer version, or of a backup put back."""

from bot.storage.store import Store
from engine import BadRequest, Request


async def count_unreadable(store: Store) -> int:
    """How many rows stand in the database that the bot has to leave out."""
    unknown = await store.row("unknown_rows")
    return (unknown["rows"] if unknown else 0) + sum(not _readable(row[0]) for row in await store.rows("requests"))


def _readable(request: str) -> bool:
    try:
        Request.from_json(request)
    except BadRequest:
        return False
    return True
