"""`python -m tests.bench.bot.page_picture docs/page.png`: the README's picture of the page, by the real engine."""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright, expect

from bot.app import App, build_adapters
from bot.config import BotConfig, Config, WebConfig
from tests.bot.test_web_browser import ARGUMENTS, CHROMIUM

WINDOW = {"width": 900, "height": 1300}
FINISHED, UNDER_WAY = "a red fox in the snow --seed 4", "рыба под водой --seed 2 --steps 200"
PERCENT = 60  # of the second one, at which the page is caught
PATIENCE = 300_000  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder), args.file))


async def take(folder: Path, file: Path) -> None:
    """Serve, draw one picture, and catch the second one half-way."""
    adapters: list[Any] = []

    def make(app: App, history: Any) -> list[Any]:
        adapters.extend(build_adapters(app, history))
        return adapters

    config = Config(bot=BotConfig(folder=folder), web=WebConfig(port=0))
    async with App(config, adapters=make).lifespan(), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport=WINDOW, color_scheme="light", locale="en-GB")
        await page.goto(adapters[0].url)
        await say(page, FINISHED)
        await expect(page.locator(".final .picture img[src]")).to_have_count(1, timeout=PATIENCE)
        await say(page, UNDER_WAY)
        caught = page.locator(f".drawing .picture img[src*='-{PERCENT}.png']")
        await expect(caught).to_be_visible(timeout=PATIENCE)
        await page.screenshot(path=file)
        await browser.close()


async def say(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


if __name__ == "__main__":
    main()
