"""what the chat page promises to a person, on a desktop and on a phone."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from engine import Request
from tests.bench.bot import pictures
from tests.bot.test_web_browser import BROWSER, HeldEngine, chromium, opened, preview

__all__ = ["chromium"]  # a fixture
pytestmark = BROWSER
DESKTOP = {"viewport": {"width": 1000, "height": 800}, "color_scheme": "dark", "locale": "en-GB"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "locale": "ru-RU", "has_touch": True}
LOOKS = pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=["desktop dark en", "phone light ru"])
RED = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "PNG")


async def send(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")


async def draw(page: Page, engine: HeldEngine, text: str, finals: int = 1) -> None:
    engine.let_go(100)
    await send(page, text)
    await expect(page.locator(".final")).to_have_count(finals)


@LOOKS
async def test_three_quick_sends_are_three_messages_and_what_is_typed_meanwhile_stays(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Sending is a queue: the box is free at once."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        engine.let_go(100)
        for word in ("one", "two", "three"):
            await send(page, f"a star {word}")
        await page.locator("#text").fill("half typed")
        await expect(page.locator(".mine:not(.pending)")).to_have_count(3)
        await expect(page.locator(".pending")).to_have_count(0)
        await expect(page.locator("#text")).to_have_value("half typed")
        told = await page.locator(".mine .text").all_inner_texts()
        assert told == ["a star one", "a star two", "a star three"]


@LOOKS
async def test_a_message_without_a_connection_is_kept_and_sent_when_it_is_back(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Once, and the page does not go on saying that there is no connection."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        engine.let_go(100)
        await page.context.set_offline(True)
        await send(page, "a red star")
        await expect(page.locator(".pending.unsent .text")).to_have_text("a red star")
        await expect(page.locator("#text")).to_have_value("")
        await page.context.set_offline(False)
        await expect(page.locator(".final")).to_have_count(1)
        await expect(page.locator(".pending")).to_have_count(0)
        await expect(page.locator(".mine")).to_have_count(1)
        await expect(page.locator("#trouble")).to_have_text("")


@LOOKS
async def test_a_mistake_is_mended_by_one_tap_or_edited_in_place(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Nothing is typed twice: the place is marked, and ArrowUp brings back what was sent."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        engine.let_go(100)
        await send(page, "a red star --stebs 20")
        await page.locator(".corrections button").nth(1).click()
        await expect(page.locator("#text")).to_have_value("a red star --stebs 20")
        marked = "document.getSelection().toString() || text.value.slice(text.selectionStart, text.selectionEnd)"
        assert await page.evaluate(marked) == "--stebs"
        await page.locator("#text").fill("")
        await page.keyboard.press("ArrowUp")
        await expect(page.locator("#text")).to_have_value("a red star --stebs 20")
        await page.locator("#text").fill("")
        await page.locator(".corrections button").first.click()
        await expect(page.locator(".final")).to_have_count(1)
        await expect(page.locator(".mine .text").last).to_have_text("a red star --steps 20")


@LOOKS
async def test_remix_keeps_half_typed_words_and_delete_asks_once(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """And a deleted picture takes its prompt along."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        await draw(page, engine, "a red star --steps 9 --count 4")
        await page.locator("#text").fill("half typed")
        await page.locator(".final [data-action=remix]").click()
        await expect(page.locator("#text")).to_have_value("a red star")
        await expect(page.locator("#carried button")).to_have_count(2)
        await page.locator("#text").fill("a moon")
        await page.locator(".final [data-action=remix]").click()
        await page.keyboard.press("Escape")
        await expect(page.locator("#text")).to_have_value("a moon")
        await page.locator(".final [data-action=remix]").click()
        await page.locator("#carried button", has_text="4").click()
        await expect(page.locator("#carried button")).to_have_text("--steps 9 ✕")
        await page.keyboard.press("Enter")
        await expect(page.locator(".final")).to_have_count(2)
        assert isinstance(request := engine.asked[-1], Request) and (request.count, request.steps) == (1, 9)
        await expect(page.locator("#text")).to_have_value("a moon")
        await page.locator("#text").fill("")
        await page.locator(".final [data-action=delete]").last.click()
        await page.locator("#toast button").nth(1).click()
        await expect(page.locator(".final")).to_have_count(2)
        await page.locator(".final [data-action=delete]").last.click()
        await page.locator("#toast button").first.click()
        await expect(page.locator(".message")).to_have_count(2)


@LOOKS
async def test_a_name_labels_me_and_a_picture_of_several_opens_alone(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Filling in a name made all pictures vanish; a grid was one picture with a heap of buttons."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        engine.size = (64, 64)
        await draw(page, engine, "a star --count 4")
        await page.locator("#name").fill("Анна")
        await page.keyboard.press("Tab")
        await page.reload()
        await expect(page.locator(".final .picture img[src]")).to_have_count(1)
        await expect(page.locator("#name")).to_have_value("Анна")
        await page.locator(".quarters button").nth(2).click()
        await expect(page.locator("#lightbox")).to_be_visible()
        view = await page.locator("#lightbox img").evaluate("image => image.style.objectViewBox")
        assert view == "inset(50% 50% 0% 0%)"
        await page.locator("#lightbox-actions [data-action=pick]").click()
        await expect(page.locator(".bot.note .picture img[src*='/1.3.png']")).to_be_visible()
        boxes = await page.locator("button:visible, summary:visible").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect()).map(({width, height}) => [width, height])"
        )
        assert min(height for _, height in boxes) >= 36
        assert await page.evaluate("document.documentElement.scrollWidth") <= look["viewport"]["width"]


@LOOKS
async def test_a_pasted_picture_has_a_thumbnail_and_needs_words(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Before sending and in the message afterwards."""
    paste = """bytes => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "red.png", { type: "image/png" }));
        const pasted = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
        document.getElementById("text").dispatchEvent(pasted);
    }"""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        engine.let_go(100)
        await page.evaluate(paste, list(RED))
        await expect(page.locator("#attached img")).to_have_count(1)
        await page.locator("#send").click()
        await expect(page.locator("#trouble")).not_to_have_text("")
        await expect(page.locator(".message")).to_have_count(0)
        await send(page, "a star")
        await expect(page.locator(".mine:not(.pending) .thumbs img")).to_have_count(1)
        await expect(page.locator("#attached")).to_be_hidden()


@LOOKS
async def test_slash_commands_are_chosen_by_keyboard_and_need_no_number(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """In the person's language, too."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        await draw(page, engine, "a red star")
        await page.locator("#text").press_sequentially("/")
        await expect(page.locator("#commands [aria-selected=true]")).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        chosen = await page.locator("#text").input_value()
        assert chosen in ("/pictures ", "/картинки ")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bot.note .text").last).to_contain_text("a red star")
        await send(page, "/помощь")
        await expect(page.locator(".bot.note .corrections button")).to_have_count(4)  # a /show and three examples


@LOOKS
async def test_progress_does_not_run_backwards_and_the_title_tells_of_a_picture(
    chromium: Browser, tmp_path: Path, look: dict[str, Any]
) -> None:
    """Somebody who looks at another tab sees when it is ready."""
    async with opened(chromium, tmp_path, **look) as (page, engine):
        await send(page, "a red star")
        await preview(page, engine, job=1, percent=10)
        hide = "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
        await page.evaluate(hide)
        engine.let_go(100)
        await expect(page).to_have_title(re.compile(r"^\(1\)"))
