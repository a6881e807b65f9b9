"""the field on a running drawing's card, in a real Chromium."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.bot.test_web_browser import BROWSER, chromium, opened

__all__ = ["chromium"]  # a fixture
pytestmark = BROWSER


async def test_a_running_drawing_takes_new_words_on_its_card(chromium: Browser, tmp_path: Path) -> None:
    """What is being typed stays over a preview; the field goes when the picture is finished."""
    async with opened(chromium, tmp_path) as (page, engine):
        await page.locator("#text").fill("a red star")
        await page.keyboard.press("Enter")
        field = page.locator(".drawing .steer input")
        await field.fill("a blue")
        engine.let_go()
        await expect(page.locator(".drawing .text")).to_contain_text("20 %")
        await expect(field).to_have_value("a blue")
        await field.press_sequentially(" star")
        await field.press("Enter")
        await expect(page.locator(".mine .text").last).to_have_text("a blue star")
        await expect(field).to_have_value("")
        await engine.hears("a blue star")
        engine.let_go()
        await expect(page.locator(".bot.note .text").first).to_contain_text("% on: “a blue star”")
        engine.let_go(100)
        await expect(page.locator(".final .text")).to_contain_text("a red star → a blue star")
        await expect(page.locator(".final .steer")).to_be_hidden()
