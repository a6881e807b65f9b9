"""the AdapterNotes protocol in our database: small settings that an adapter keeps."""

from bot.storage.store import Store


class StoredNotes:
    """The notes of one platform's adapter."""

    def __init__(self, store: Store, platform: str) -> None:
        self._store = store
        self._platform = platform

    async def all(self) -> dict[str, str]:
        """All values by key."""
        return {row["key"]: row["value"] for row in await self._store.rows("notes", platform=self._platform)}

    async def put(self, key: str, value: str) -> None:
        """Store a value; it is on disk when this returns."""
        await self._store.write("put_note", platform=self._platform, key=key, value=value)
