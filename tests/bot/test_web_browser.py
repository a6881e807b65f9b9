"""the chat page in a real Chromium, the whole bot behind it, the scripted engine held back step by step."""

import asyncio
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.app import App, build_adapters
from bot.config import BotConfig, Config, WebConfig
from engine import Event, Finished, Inputs, Preview, Request, UpscaleRequest, accept_picture
from tests.bench.bot import pictures
from tests.fakes import fakes

SHELL = Path("/usr/bin/chromium-headless-shell")  # opens no windows, and so takes half of the processor's time
CHROMIUM = SHELL if SHELL.exists() else Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",  # one process less, which draws in software all the same
    "--renderer-process-limit=1",  # no process is started beforehand for a page that nobody opens
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000  # milliseconds that a busy machine may take for one thing to show

BROWSER = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser: apt-get install chromium-headless-shell"),
    pytest.mark.asyncio(loop_scope="module"),
]
pytestmark = BROWSER


class HeldEngine(fakes.Engine):
    """The scripted engine; it goes on past a preview only when it is let, so that a browser can see each one."""

    def __init__(self) -> None:
        super().__init__()
        self.hold()
        self.size = (8, 8)  # of finished pictures and GIFs
        self.quick = False  # shows no previews: the browser draws each

    async def events(
        self, request: Request | UpscaleRequest, resume: bytes | None = None, **given: object
    ) -> AsyncGenerator[Event, None]:
        async for event in super().events(request, resume, **given):
            if isinstance(event, Finished) and event.gif:
                event = replace(event, gif=gif(self.size))
                if self.size != (8, 8):
                    event = replace(event, png=pictures.saved(Image.new("RGB", self.size), "PNG"))
            if isinstance(event, Preview) and self.quick:
                continue
            yield event
            if isinstance(event, Preview):
                await self.permits.acquire()

    def hold(self) -> None:
        """From now on there are previews, and each waits until it is let go."""
        self.quick = False
        self.permits = asyncio.Semaphore(0)

    async def stop(self, job: int) -> None:
        """A held engine hears that it is to stop: a press may come in after the last preview was let go."""
        await super().stop(job)
        self.let_go()

    async def hears(self, words: str) -> None:
        """Wait until new words for a drawing have come: the page shows them before the bot has them."""
        async with asyncio.timeout(20):
            while words not in self.heard:
                await asyncio.sleep(0.01)

    def let_go(self, previews: int = 1) -> None:
        for _ in range(previews):
            self.permits.release()


def gif(size: tuple[int, int]) -> bytes:
    """Two frames that a browser can show."""
    out = io.BytesIO()
    frames = [Image.new("P", size, colour) for colour in (0, 1)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of a file, in one event loop: starting it takes the longest."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Served:
    """A bot with its chat page."""

    app: App
    url: str
    engine: HeldEngine

    async def rest(self) -> None:
        """Nothing is held up any more; return when all is drawn."""
        self.engine.let_go(1000)
        self.engine.quick = True
        async with asyncio.timeout(20):
            while any(
                number for status, number in (await self.app.counts()).items() if status in ("queued", "running")
            ):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    """The whole bot, with the held engine."""
    engine, adapters = HeldEngine(), []

    def make(app: App, history: object) -> list:
        adapters.extend(build_adapters(app, history))
        return adapters

    config = Config(bot=BotConfig(folder=folder), web=WebConfig(port=0))
    async with App(config, engine=engine, adapters=make).lifespan() as app:
        yield Served(app, adapters[0].url, engine)


@asynccontextmanager
async def visiting(browser: Browser, served: Served, **options: object) -> AsyncIterator[Page]:
    """The page in a browser that nobody has used before; an error of the script fails the test.

    Nothing moves on it: a browser without a graphics card takes long for that.
    """
    served.engine.hold()
    async with await browser.new_context(**{"reduced_motion": "reduce", **options}) as window:
        page = await window.new_page()
        page.set_default_timeout(PATIENCE)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
        await page.goto(served.url)
        try:
            yield page
        finally:
            await served.rest()
        assert errors == []


@asynccontextmanager
async def opened(browser: Browser, folder: Path, **options: object) -> AsyncIterator[tuple[Page, HeldEngine]]:
    """The page in a browser, with a bot of its own behind it."""
    async with serving(folder) as served, visiting(browser, served, **options) as page:
        yield page, served.engine


async def test_a_picture_from_the_first_word_to_the_reload(chromium: Browser, tmp_path: Path) -> None:
    """What the page promises: place in the queue, previews, picture and GIF, controls, and all of it again later."""
    async with opened(chromium, tmp_path) as (page, engine):
        await page.get_by_label("Message", exact=True).fill("/imagine a red star")
        await page.keyboard.press("Enter")
        await expect(page.locator(".mine .text")).to_have_text("/imagine a red star")
        seen = [await preview(page, engine, job=1, percent=percent) for percent in range(10, 101, 10)]
        assert len(set(seen)) >= 9

        await expect(page.locator(".final .gif img")).to_have_attribute("src", "/pictures/2/1.gif?who=")
        await expect(page.get_by_role("img", name="a red star")).to_have_count(2)

        engine.let_go(100)
        await page.get_by_role("button", name="Upscale ×4").click()
        await expect(page.locator(".final .picture img")).to_have_count(2)
        await page.locator(".final .reactions summary").first.press("Enter")
        await page.get_by_role("button", name="🎉 Rerun").first.press("Enter")
        await expect(page.locator(".final")).to_have_count(3)
        await expect(page.get_by_role("button", name="🎉", exact=True)).to_be_visible()

        before = await page.locator("#chat").inner_text()
        await page.reload()
        await expect(page.locator(".final .picture img[src]")).to_have_count(3)
        assert await page.locator("#chat").inner_text() == before


async def test_a_picture_of_any_shape_is_shown_whole(chromium: Browser, tmp_path: Path) -> None:
    """Its GIF stands beside it, or below a wide one; a very tall one stays on the screen."""
    async with opened(chromium, tmp_path, viewport={"width": 900, "height": 800}) as (page, engine):
        engine.let_go(100)
        for number, (width, height) in enumerate([(32, 16), (16, 24), (8, 64)]):
            engine.size = (width, height)
            engine.quick = True
            await page.get_by_label("Message", exact=True).fill("a star")
            await page.keyboard.press("Enter")
            final = page.locator(".final").nth(number)
            shape = re.compile(f"aspect-ratio: {width} / {height}")
            await expect(final.locator(".picture")).to_have_attribute("style", shape)
            await expect(final.locator(".gif")).to_have_attribute("style", shape)
            picture, moving = await final.locator("figure img").evaluate_all(
                "images => images.map(image => ({fit: getComputedStyle(image).objectFit, "
                "...image.getBoundingClientRect().toJSON()}))"
            )
            assert picture["fit"] == "contain" and picture["height"] <= 600
            assert moving["top"] >= picture["bottom"] if width > height else moving["top"] == picture["top"]
            if height != 64:
                assert picture["width"] / picture["height"] == pytest.approx(width / height, rel=0.01)


async def preview(page: Page, engine: HeldEngine, job: int, percent: int) -> str:
    """Wait until the page shows this preview and let the engine go on; the picture's address."""
    image = page.locator(f".drawing .picture img[src*='/{job}-{percent}.png']")
    await expect(image).to_be_visible()
    await expect(page.locator(".drawing progress")).to_have_attribute("value", str(percent))
    source = await image.get_attribute("src")
    engine.let_go()
    return source or ""


async def test_a_reload_in_the_middle_goes_on_and_cancel_keeps_what_there_is(chromium: Browser, tmp_path: Path) -> None:
    """A page that was closed has missed nothing."""
    async with opened(chromium, tmp_path) as (page, engine):
        await page.get_by_role("button", name="half-life 3 screenshot").click()
        await preview(page, engine, job=1, percent=10)
        await page.reload()
        await preview(page, engine, job=1, percent=20)
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator(".stopped .picture img[src*='/1.png']")).to_be_visible()


async def test_a_preview_leaves_the_button_where_it_is(chromium: Browser, tmp_path: Path) -> None:
    """A press that a preview fell into was lost, and the keyboard lost its place at each 10 %."""
    async with opened(chromium, tmp_path) as (page, engine):
        await page.get_by_role("button", name="half-life 3 screenshot").click()
        await preview(page, engine, job=1, percent=10)
        await page.get_by_role("button", name="Cancel").focus()
        await preview(page, engine, job=1, percent=20)
        await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator(".stopped .picture img[src*='/1.png']")).to_be_visible()


async def test_prompts_are_text_and_remix_brings_them_back_for_editing(chromium: Browser, tmp_path: Path) -> None:
    """Markup in a prompt must show as what it is."""
    prompt = "<img src=x onerror=alert(1)> <b>star</b>"
    async with opened(chromium, tmp_path) as (page, engine):
        engine.let_go(100)
        await page.get_by_label("Message", exact=True).fill(prompt)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".mine .text")).to_have_text(prompt)
        await page.get_by_role("button", name="Remix").click()
        await expect(page.get_by_label("Message", exact=True)).to_have_value(prompt)
        await page.get_by_label("Message", exact=True).fill("a blue star")
        await page.keyboard.press("Enter")
        await expect(page.locator(".final")).to_have_count(2)
        await page.get_by_label("Message", exact=True).fill("/show 2")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bot.note .text").last).to_contain_text("#2 is a remix of #1.")
        assert await page.locator("#chat b, #chat img[src=x]").count() == 0


async def test_a_picture_is_attached_by_keyboard_and_each_of_several_can_be_picked(
    chromium: Browser, tmp_path: Path
) -> None:
    """Shown by its name until it is sent."""
    red = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "PNG")
    async with opened(chromium, tmp_path) as (page, engine):
        engine.let_go(100)
        attach = page.get_by_label("Attach pictures")
        await page.get_by_label("Message", exact=True).fill("a star --init 0.4 --count 2")
        await page.keyboard.press("Shift+Tab")
        await expect(attach).to_be_focused()
        for taken_away in (True, False):
            async with page.expect_file_chooser() as chooser:
                await attach.press("Space")
            await (await chooser.value).set_files({"name": "red.png", "mimeType": "image/png", "buffer": red})
            await expect(page.locator("#attached")).to_contain_text("red.png")
            if taken_away:
                await page.get_by_role("button", name="Remove the pictures red.png").press("Enter")
                await expect(page.locator("#attached")).to_be_hidden()
                await page.keyboard.press("Shift+Tab")
        await page.get_by_role("button", name="Send").press("Enter")
        await expect(page.locator(".mine .text")).to_have_text("a star --init 0.4 --count 2")
        await expect(page.locator(".mine .thumbs img")).to_have_count(1)
        await expect(page.locator("#attached")).to_be_hidden()
        await page.get_by_role("button", name="Picture 2").click()
        await page.get_by_role("button", name="Show only picture 2").click()
        await expect(page.locator(".bot.note .text")).to_contain_text("Picture 2 of #1")
        await expect(page.locator(".bot.note .picture img[src*='/1.2.png']")).to_be_visible()
        assert engine.given[-1]["inputs"] == Inputs(init=accept_picture(red))
        await page.locator(".bot.note").get_by_role("button", name="Vary").click()
        await expect(page.locator(".final")).to_have_count(2)


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
