"""what an adapter notes down for itself, kept in our database: the AdapterNotes protocol."""

from bot.storage.store import Store


class StoredNotes:
    """The notes of one platform."""

    def __init__(self, store: Store, platform: str) -> None:
        self._store = store
        self._platform = platform

    async def all(self) -> dict[str, str]:
        """Everything that was noted down, by key."""
        return {row["key"]: row["value"] for row in await self._store.rows("notes", platform=self._platform)}

    async def put(self, key: str, value: str) -> None:
        """Note something down; it is on the disk when this returns."""
        await self._store.write("put_note", platform=self._platform, key=key, value=value)
