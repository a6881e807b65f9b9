"""the page of what can be drawn by name."""

import json
from pathlib import Path
from typing import Any

from tests.bot.test_web import Browser, site


async def names(browser: Browser, search: str = "") -> dict[str, list[dict[str, Any]]]:
    async with browser.session.get(f"{browser.url}/words.json", params={"search": search}) as response:
        found = json.loads(await response.text())
    return {group["title"]: group["names"] for group in found["groups"]}


async def test_the_page_lists_groups_in_the_readers_language(tmp_path: Path) -> None:
    """What can you draw? Also for somebody who reads Russian."""
    async with site(tmp_path) as served:
        english, russian = await served.browser(), await served.browser(**{"Accept-Language": "ru"})
        assert "What can you draw?" in await (await english.get("/words")).text()
        assert {"name": "cat", "tile": 11} in (await names(english))["Things"]
        assert "кошка" in [each["name"] for each in (await names(russian))["Предметы (things)"]]
        colours = (await names(english))["Colours"]
        assert {"name": "red", "tile": None} in colours  # which is no picture of its own


async def test_the_search_knows_other_words(tmp_path: Path) -> None:
    """A person looks for a kitten and finds the cat; what is not there finds nothing."""
    async with site(tmp_path) as served:
        browser = await served.browser()
        assert [each["name"] for found in (await names(browser, "kitten")).values() for each in found] == ["cat"]
        assert await names(browser, "democracy") == {}
        assert await names(browser, "x" * 5000) == {}


async def test_without_drawn_pictures_the_page_has_names(tmp_path: Path) -> None:
    """The pictures are drawn by a command, once there are weights."""
    async with site(tmp_path) as served:
        browser = await served.browser()
        assert (await browser.get("/words.webp")).status == 404
        assert (await browser.get("/page/words.js")).status == 200


async def test_the_page_is_behind_the_same_door(tmp_path: Path) -> None:
    """A bot with a token shows nothing to strangers."""
    async with site(tmp_path, token="secret-token-of-the-door") as served:
        browser = await served.browser(opened=False)
        assert {(await browser.get(path)).status for path in ("/words", "/words.json", "/words.webp")} == {401}
