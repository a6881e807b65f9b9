"""the History protocol in our database: conversations of platforms that keep none themselves."""

import time

from bot.adapters.base import HistoryEntry
from bot.storage.pictures import PictureStore
from bot.storage.store import Row, Store

MOST = 2000  # entries of a conversation that are kept; a page shows the newest 200
PRUNED = 20  # entries between two looks


class StoredHistory:
    """Conversations from the database, finished pictures from their folder."""

    def __init__(self, store: Store, pictures: PictureStore) -> None:
        self._store = store
        self._pictures = pictures

    async def add(self, chat: str, nonce: str, author: str, body: str) -> int:
        """Add an entry; repeating chat and nonce returns the existing one."""
        new = await self._store.write("add_history", chat=chat, nonce=nonce, author=author, body=body, now=time.time())
        rows = new or await self._store.rows("history_nonce", chat=chat, nonce=nonce)
        entry = int(rows[0]["id"])
        if new and entry % PRUNED == 0:
            await self._store.write("prune_history", chat=chat, most=MOST)
        return entry

    async def change(self, entry: int, body: str) -> bool:
        """Replace the body; False when the entry is gone."""
        return bool(await self._store.write("change_history", entry=entry, body=body))

    async def remove(self, entry: int) -> None:
        """Delete an entry; a missing one is no error."""
        await self._store.write("remove_history", entry=entry)

    async def entry(self, chat: str, entry: int) -> HistoryEntry | None:
        """An entry of one chat, however old; None when that chat has none of this number."""
        row = await self._store.row("history_entry", chat=chat, entry=entry) if 0 < entry < 1 << 62 else None
        return _as_entry(row) if row else None

    async def entries(self, chat: str, limit: int = 200) -> list[HistoryEntry]:
        """The newest entries of one chat, oldest first."""
        rows = await self._store.rows("history", chat=chat, limit=limit)
        return [_as_entry(row) for row in rows]

    async def picture(self, name: str) -> bytes | None:
        """A finished picture or GIF by its File.name; None when there is none."""
        return await self._pictures.read(name)


def _as_entry(row: Row) -> HistoryEntry:
    return HistoryEntry(id=row["id"], chat=row["chat"], author=row["author"], body=row["body"], created=row["created"])
