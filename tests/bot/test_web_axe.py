"""the chat page for people who cannot see or use a mouse: axe-core finds nothing serious in any state of it."""

import pytest
from aiohttp.test_utils import make_mocked_request
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import expect

from bot.adapters.web.page import html
from bot.texts import Texts
from tests.bot.test_web_browser import BROWSER, chromium
from tests.bot.test_web_page import PASTE, RED, Visit, here, pytest_generate_tests, served

__all__ = ["chromium", "here", "pytest_generate_tests", "served"]  # fixtures, and a hook
pytestmark = BROWSER
RUN = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`);
}"""


class Judge:
    """What axe-core calls serious or critical, by the state of the page."""

    def __init__(self, visit: Visit) -> None:
        self.page = visit.page
        self.found: dict[str, list[str]] = {}

    async def look(self, state: str) -> None:
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE_SCRIPT)
        self.found[state] = await self.page.evaluate(RUN)


@pytest.mark.both_looks
async def test_no_state_of_the_page_has_a_serious_fault(here: Visit) -> None:
    """Empty, at work, steered, stopped, failed, mistaken, asking, offline, behind a token."""
    judge = Judge(here)
    await judge.look("empty")
    here.engine.size = (64, 64)
    await here.send("a star --count 4 --steps 9")
    await expect(here.find(".drawing .picture img[src]")).to_have_count(1)
    await here.send("a moon")
    await expect(here.find(".waiting")).to_have_count(1)
    await judge.look("drawing and waiting")
    await here.find(".steer input:visible").fill("a moon")
    await here.page.keyboard.press("Enter")
    await here.engine.hears("a moon")
    here.engine.let_go(2)
    await expect(here.find(".drawing .text")).to_contain_text("→ a moon")
    await judge.look("steered")
    here.engine.let_go(1000)
    await here.shows(2)
    await here.send("fail")
    await expect(here.find(".failed")).to_have_count(1)
    here.engine.hold()
    await here.send("a sun")
    await expect(here.find(".drawing .picture img[src]")).to_have_count(1)
    await here.press("cancel")
    await expect(here.find(".stopped")).to_have_count(1)
    await judge.look("stopped and failed")
    here.engine.let_go(1000)
    await here.send("a star --stebs 3")
    await expect(here.find(".corrections button")).to_have_count(2)
    await here.page.evaluate(PASTE, list(RED))
    await here.press("remix", 0)
    await expect(here.find("#attached img")).to_have_count(1)
    await judge.look("several pictures, a mistake, a remix, a picture to send")
    await here.page.keyboard.press("Escape")
    await here.find("#attached button").click()
    await here.text.press_sequentially("/")
    await here.press("delete", 0)
    await judge.look("commands and a question")
    await here.text.fill("")
    for command in ("/help", "/words", "/pictures"):
        await here.send(command)
    await expect(here.find(".bot.note")).to_have_count(5)  # answers that still come move the page under a click
    await here.press("settings", 0)
    await expect(here.find(".bot.note")).to_have_count(6)
    await judge.look("answers")
    await here.find("#toast button").last.click()
    await here.find(".final summary").first.click()
    await judge.look("reactions")
    await here.find(".quarters button").first.click()
    await judge.look("a picture alone")
    await here.find("#copy-link").click()
    await expect(here.find("#lightbox #toast")).to_be_visible()
    await judge.look("its link is copied")
    await here.find("#full-screen").click()
    await expect(here.find("#lightbox img:fullscreen")).to_be_visible()
    await judge.look("full screen")
    await here.page.evaluate("document.exitFullscreen()")
    await here.find("#close-lightbox").click()
    await here.find("#switch").click()
    await judge.look("who draws")
    await here.page.keyboard.press("Escape")
    await here.page.context.set_offline(True)
    await here.send("a sun")
    await expect(here.find(".unsent")).to_have_count(1)
    await judge.look("without a connection")
    await here.page.context.set_offline(False)
    await here.shows(3)
    await here.page.goto(here.page.url.split("?")[0] + "words")
    await expect(here.find("#groups a").first).to_be_visible()
    every = await here.find("#groups a").count()
    await here.find("#search").fill("cat")  # of a thousand words, which are all shown alike
    await expect(here.find("#groups a")).not_to_have_count(every)
    await judge.look("what can be drawn")
    await here.find("#search").fill("xyzxyz")
    await expect(here.find("#none")).to_be_visible()
    await judge.look("nothing to be drawn")
    door = html("door.html", make_mocked_request("GET", "/"), Texts().say).text
    await here.page.route("**/door", lambda route: route.fulfill(body=door, content_type="text/html"))
    await here.page.goto(here.page.url.replace("words", "door"))
    await judge.look("a token is wanted")
    assert {state: what for state, what in judge.found.items() if what} == {}
