"""the chat page for people who cannot see or use a mouse: axe-core finds nothing serious in any state of it."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import expect

from tests.bot.test_web_browser import BROWSER, chromium
from tests.bot.test_web_page import PASTE, RED, Visit, here, served

__all__ = ["chromium", "here", "served"]  # fixtures
pytestmark = BROWSER
RUN = """async (only) => {
    const found = await axe.run(document, { resultTypes: ["violations"], ...(only && { runOnly: [only] }) });
    return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`);
}"""


class Judge:
    """What axe-core calls serious or critical, by the state of the page."""

    def __init__(self, visit: Visit) -> None:
        self.page, self.scheme = visit.page, visit.look["color_scheme"]
        self.found: dict[str, list[str]] = {}

    async def look(self, state: str) -> None:
        """All rules in the colours of this look, the contrast in the other ones, too."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE_SCRIPT)
        other = "light" if self.scheme == "dark" else "dark"
        self.found[f"{state}, {self.scheme}"] = await self.page.evaluate(RUN, None)
        await self.page.emulate_media(color_scheme=other)
        self.found[f"{state}, {other}"] = await self.page.evaluate(RUN, "color-contrast")
        await self.page.emulate_media(color_scheme=self.scheme)


async def test_no_state_of_the_page_has_a_serious_fault(here: Visit) -> None:
    """Empty, at work, finished, mistaken, asking, offline; each in dark and in light."""
    judge = Judge(here)
    await judge.look("empty")
    here.engine.size = (64, 64)
    await here.send("a star --count 4 --steps 9")
    await expect(here.find(".drawing .picture img[src]")).to_have_count(1)
    await here.send("a moon")
    await expect(here.find(".waiting")).to_have_count(1)
    await judge.look("drawing and waiting")
    here.engine.let_go(1000)
    await expect(here.finals).to_have_count(2)
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
    await here.find("#toast button").last.click()
    await here.find(".final summary").first.click()
    await judge.look("reactions")
    await here.find(".quarters button").first.click()
    await judge.look("a picture alone")
    await here.page.keyboard.press("Escape")
    await here.find("#switch").click()
    await judge.look("who draws")
    await here.page.keyboard.press("Escape")
    await here.page.context.set_offline(True)
    await here.send("a sun")
    await expect(here.find(".unsent")).to_have_count(1)
    await judge.look("without a connection")
    await here.page.context.set_offline(False)
    await expect(here.finals).to_have_count(3)
    await here.page.goto(here.page.url.split("?")[0] + "words")
    await expect(here.find("#groups a").first).to_be_visible()
    await judge.look("what can be drawn")
    assert {state: what for state, what in judge.found.items() if what} == {}
