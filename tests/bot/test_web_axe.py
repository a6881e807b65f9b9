"""the chat page for people who cannot see or use a mouse: axe-core finds nothing serious in any state of it."""

from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.bot.test_web_browser import BROWSER, chromium, opened, preview
from tests.bot.test_web_page import LOOKS, send

__all__ = ["chromium"]  # a fixture
pytestmark = BROWSER
# Those without an end, such as the noise of a picture that is drawn, are stopped.
END_ANIMATIONS = """document.getAnimations().forEach(one =>
    one.effect.getComputedTiming().iterations === Infinity ? one.cancel() : one.finish())"""


async def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the first element that has it."""
    await page.evaluate(END_ANIMATIONS)
    found = (await Axe().run(page)).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")]


@LOOKS
async def test_no_state_of_the_page_has_a_serious_fault(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Empty, drawing, a mistake, a grid, one alone, the question before deleting, who draws, what can be drawn."""
    async with opened(chromium, tmp_path, reduced_motion="reduce", **look) as (page, engine):
        found = {"empty": await faults(page)}
        engine.size = (64, 64)
        await send(page, "a star --count 4")
        await preview(page, engine, job=1, percent=10)
        found["drawing"] = await faults(page)
        engine.let_go(100)
        await expect(page.locator(".final .quarters")).to_be_visible()
        await send(page, "a star --stebs 3")
        await expect(page.locator(".corrections button")).to_have_count(2)
        found["grid and mistake"] = await faults(page)
        await page.locator("#text").press_sequentially("/")
        await page.locator(".final [data-action=delete]").click()
        found["commands and question"] = await faults(page)
        await page.locator(".quarters button").first.click()
        found["picture alone"] = await faults(page)
        await page.keyboard.press("Escape")
        await page.locator("#switch").click()
        found["who draws"] = await faults(page)
        await page.goto(page.url.split("?")[0] + "words")
        found["what can be drawn"] = await faults(page)
        assert {state: what for state, what in found.items() if what} == {}
