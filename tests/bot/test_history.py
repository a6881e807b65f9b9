"""bot/storage/history.py"""

import sqlite3
from pathlib import Path

from bot.storage.history import MOST, PRUNED, StoredHistory
from bot.storage.pictures import PictureStore
from bot.storage.store import Store


async def test_a_conversation_is_kept_in_order_and_the_same_nonce_adds_nothing(tmp_path: Path) -> None:
    """A send that comes again after a crash must not show twice."""
    store = await Store.open(tmp_path / "a.sqlite")
    history = StoredHistory(store, PictureStore(tmp_path))
    first = await history.add("c", "n1", "bot", "{}")
    assert await history.add("c", "n1", "bot", "{}") == first
    second = await history.add("c", "n2", "fake:ann", "hello")
    await history.add("other", "n1", "bot", "elsewhere")
    assert await history.change(first, "new") and not await history.change(999, "new")
    assert [(e.id, e.author, e.body) for e in await history.entries("c")] == [
        (first, "bot", "new"),
        (second, "fake:ann", "hello"),
    ]
    assert [e.id for e in await history.entries("c", limit=1)] == [second]
    assert await history.entry("c", first) == (await history.entries("c"))[0]
    assert await history.entry("other", first) is None and await history.entry("c", 1 << 70) is None
    await history.remove(first)
    assert [e.id for e in await history.entries("c")] == [second]
    assert await history.picture("1.png") is None
    await store.close()


async def test_a_conversation_keeps_its_newest_entries(tmp_path: Path) -> None:
    """Every command was kept, and a press looked through 60,000 of them."""
    store = await Store.open(tmp_path / "a.sqlite")
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        rows = [("c", str(number), "bot", "{}", 0.0) for number in range(MOST + 500)]
        database.executemany("INSERT INTO history (chat, nonce, author, body, created) VALUES (?, ?, ?, ?, ?)", rows)
    database.close()
    history = StoredHistory(store, PictureStore(tmp_path))
    await history.add("other", "n", "bot", "{}")
    newest = [await history.add("c", f"n{number}", "bot", "{}") for number in range(PRUNED)]
    kept = await history.entries("c", limit=10_000)
    assert MOST <= len(kept) <= MOST + PRUNED and kept[-1].id == newest[-1]
    assert len(await history.entries("other")) == 1
    await store.close()
