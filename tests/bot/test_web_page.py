"""what the chat page promises to a person, on a desktop (dark, English) and on a phone (light, Russian).

What is about the layout or the language is tried on both, the rest on one of them in turn; `IMAGO_LOOKS=all` tries
everything on both, in dark and light, in English and Russian.
"""

import itertools
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

import engine as drawing
from tests.bench.bot import pictures
from tests.bot.test_web_browser import BROWSER, HeldEngine, Served, chromium, serving, visiting

__all__ = ["chromium"]  # a fixture
pytestmark = BROWSER
STILL: dict[str, Any] = {"reduced_motion": "reduce"}  # a browser without a graphics card takes long for what moves
DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1000, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
LOOKS = {
    f"{device} {scheme} {language}": STILL | DEVICES[device] | {"color_scheme": scheme, "locale": language}
    for device, scheme, language in itertools.product(DEVICES, ("dark", "light"), ("en-GB", "ru-RU"))
}
FEW = ["desktop dark en-GB", "phone light ru-RU"]  # between them each device, each colour scheme, each language
TURNS = itertools.cycle(FEW)
RED = pictures.saved(pictures.Image.new("RGB", (20, 10), "red"), "PNG")
PASTE = """bytes => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "red.png", { type: "image/png" }));
    const pasted = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    document.getElementById("text").dispatchEvent(pasted);
}"""
DROP = """bytes => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
CUT = """one => { // whether a hint is cut off
    const style = getComputedStyle(one), pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return pen.measureText(one.placeholder).width > room;
}"""
SIZES = "all => all.map(one => one.getBoundingClientRect()).map(({width, height}) => [width, height])"


@dataclass(frozen=True)
class Visit:
    """Somebody who has never been here, at an empty page."""

    page: Page
    engine: HeldEngine
    look: dict[str, Any]

    @property
    def on_phone(self) -> bool:
        return bool(self.look.get("is_mobile"))

    @property
    def russian(self) -> bool:
        return self.look["locale"] == "ru-RU"

    @property
    def text(self) -> Locator:
        return self.page.locator("#text")

    @property
    def finals(self) -> Locator:
        return self.page.locator(".final")

    def find(self, selector: str, **filters: Any) -> Locator:
        return self.page.locator(selector, **filters)

    async def send(self, text: str) -> None:
        await self.text.fill(text)
        await self.page.keyboard.press("Enter")

    async def draw(self, text: str, finals: int = 1) -> None:
        """Send a text and wait until so many pictures are finished and shown; nothing holds them up."""
        self.engine.quick = True
        await self.send(text)
        await self.shows(finals)

    async def shows(self, finals: int) -> None:
        """Wait until there are so many pictures; one that still comes would move the page under a click."""
        await expect(self.finals).to_have_count(finals)
        await expect(self.find(".final .shown img:not([src])")).to_have_count(0)

    async def press(self, action: str, which: int = -1) -> None:
        await self.find(f".message [data-action={action}]").nth(which).click()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One bot for all who visit it here."""
    async with serving(tmp_path_factory.mktemp("page")) as found:
        yield found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The looks that a test is tried in."""
    if os.environ.get("IMAGO_LOOKS") == "all":
        looks = list(LOOKS)
    else:
        looks = FEW if metafunc.definition.get_closest_marker("both_looks") else [next(TURNS)]
    metafunc.parametrize("here", looks, indirect=True)


@pytest_asyncio.fixture(loop_scope="module")
async def here(request: pytest.FixtureRequest, chromium: Browser, served: Served) -> AsyncIterator[Visit]:
    served.engine.size = (8, 8)
    served.engine.heard.clear()
    look = LOOKS[request.param]
    async with visiting(chromium, served, **look) as page:
        yield Visit(page, served.engine, look)


async def test_1_three_quick_sends_are_three_messages_and_what_is_typed_meanwhile_stays(here: Visit) -> None:
    """Sending is a queue: the box is free at once. What is refused comes back."""
    here.engine.quick = True
    for word in ("one", "two", "three"):
        await here.send(f"a star {word}")
    await here.text.fill("half typed")
    await expect(here.find(".mine:not(.pending)")).to_have_count(3)
    await expect(here.find(".pending")).to_have_count(0)
    await expect(here.text).to_have_value("half typed")
    told = await here.find(".mine .text").all_inner_texts()
    assert told == ["a star one", "a star two", "a star three"]
    await here.page.route("**/say?*", lambda route: route.fulfill(status=429, json={"error": "Not now."}))
    await here.send("a moon")
    await expect(here.find("#trouble")).to_have_text("Not now.")
    await expect(here.text).to_have_value("a moon")


async def test_1_a_remix_or_steering_words_that_are_refused_are_there_again(here: Visit) -> None:
    """They came back as the words of a new picture."""
    await here.draw("a red star --count 4")
    await here.page.route("**/say?*", lambda route: route.fulfill(status=429, json={"error": "Not now."}))
    await here.press("remix")
    await here.send("a blue star")
    await expect(here.find("#trouble")).to_have_text("Not now.")
    await expect(here.text).to_have_value("a blue star")
    await expect(here.find("#carried button")).to_have_count(1)
    await here.page.unroute("**/say?*")
    here.engine.hold()
    await here.page.keyboard.press("Enter")
    field = here.find(".drawing .steer input")
    await expect(field).to_be_visible()
    assert isinstance(here.engine.asked[-1], drawing.Request) and here.engine.asked[-1].count == 4
    assert await field.evaluate(CUT) is False
    await here.page.route("**/say?*", lambda route: route.fulfill(status=429, json={"error": "Not now."}))
    await field.fill("a moon")
    await field.press("Enter")
    await expect(here.find("#trouble")).to_have_text("Not now.")
    await expect(field).to_have_value("a moon")
    await expect(here.text).to_have_value("")


@pytest.mark.both_looks
async def test_2_the_end_of_the_conversation_stays_in_sight_while_it_grows(here: Visit) -> None:
    """A hint that went away below, or a picture that grew, was taken for somebody scrolling up."""
    for number in range(3):
        await here.draw(f"a star {number}", number + 1)
    grow = """one => {
        one.scrollTop -= 1;
        one.scrollTop += 1; // an event that comes only when what follows is there
        chat.append(Object.assign(document.createElement("li"), { id: "grown", textContent: "below" }));
        grown.style.paddingTop = "300px";
    }"""
    await here.find("#scroll").evaluate(grow)
    await expect(here.find("#grown")).to_be_in_viewport()
    away = await here.find("#scroll").evaluate(
        "one => new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
        "() => done(one.scrollHeight - one.scrollTop - one.clientHeight))))"
    )
    assert away < 2


@pytest.mark.both_looks
async def test_2_a_press_up_in_the_thread_leads_to_the_new_message_and_news_are_told(here: Visit) -> None:
    """Nothing seemed to happen: the new picture stood far below."""
    here.engine.size = (32, 64)
    await here.draw("a star")
    await here.draw("a moon", 2)
    await here.find("#scroll").evaluate("one => { one.scrollTop = 0 }")
    await here.press("rerun", 0)
    await here.shows(3)
    await expect(here.finals.last).to_be_in_viewport()
    await here.find("#scroll").evaluate("one => { one.scrollTop = 0 }")
    await here.page.evaluate("Date.now = () => 9e15")  # long after anything that was done here
    other = await here.page.context.new_page()
    await other.goto(here.page.url)
    await other.locator(".final [data-action=rerun]").first.click()
    await here.find("#toast button").click()
    await here.shows(4)
    await expect(here.finals.last).to_be_in_viewport()
    await other.close()


async def test_3_a_message_without_a_connection_is_kept_and_sent_when_it_is_back(here: Visit) -> None:
    """Once, and the page says how it is."""
    here.engine.quick = True
    await here.page.context.set_offline(True)
    await here.send("a red star")
    await expect(here.find(".pending.unsent .text")).to_have_text("a red star")
    await expect(here.text).to_have_value("")
    await expect(here.find("#state")).not_to_have_class(re.compile("online"))
    await here.page.context.set_offline(False)
    await here.shows(1)
    await expect(here.find(".pending")).to_have_count(0)
    await expect(here.find(".mine")).to_have_count(1)
    await expect(here.find("#trouble")).to_have_text("")
    await expect(here.find("#state")).to_have_class(re.compile("online"))


async def test_3_a_press_without_a_connection_says_that_nothing_was_done(here: Visit) -> None:
    """Until it is back: the page said that it was trying again, and was not."""
    await here.draw("a red star")
    await here.page.route("**/press?*", lambda route: route.abort())
    await here.press("rerun")
    await expect(here.find("#trouble")).to_have_text(re.compile("not done|не сделано"))
    await here.page.unroute("**/press?*")
    await here.page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(here.find("#trouble")).to_have_text("")
    await here.shows(1)


async def test_3_what_is_on_its_way_outlives_a_reload_and_is_nobody_elses(here: Visit) -> None:
    """It was lost with the page, and went into the conversation of whoever was next."""
    here.engine.quick = True
    await here.page.route("**/say?*", lambda route: route.abort())
    await here.send("a red star")
    await expect(here.find(".unsent")).to_have_count(1)
    await here.page.reload()
    await expect(here.find(".unsent .text")).to_have_text("a red star")
    await here.find("#switch").click()
    await here.find("#people-list button").last.click()
    await expect(here.find("#empty h2")).to_be_visible()
    await here.page.unroute("**/say?*")
    await here.page.evaluate("window.dispatchEvent(new Event('online'))")
    await here.find("#switch").click()
    await here.find("#people-list button").nth(1).click()
    await here.shows(1)
    await expect(here.find(".mine")).to_have_count(1)
    assert await here.page.evaluate("sessionStorage.outbox") == "[]"


async def test_4_a_name_labels_me_and_another_person_is_an_act_of_its_own(here: Visit) -> None:
    """Filling in a name made all pictures vanish."""
    await here.draw("a star")
    await here.find("#name").fill("Анна")
    await here.page.keyboard.press("Tab")
    await here.page.reload()
    await expect(here.find(".final .picture img[src]")).to_have_count(1)
    await expect(here.find("#name")).to_have_value("Анна")
    await here.find("#switch").click()
    await here.find("#people-list button").last.click()
    await expect(here.find("#empty h2")).to_be_visible()
    await here.find("#switch").click()
    await here.find("#people-list button", has_text="Анна").click()
    await here.shows(1)


@pytest.mark.both_looks
async def test_5_a_tap_opens_one_of_several_with_what_can_be_done_with_it(here: Visit) -> None:
    """It was one picture with a heap of buttons; and two stamps on a phone."""
    here.engine.size = (64, 64)
    await here.draw("a star --count 4")
    assert await here.find(".quarters button").all_inner_texts() == ["1", "2", "3", "4"]
    picture, moving = await here.find(".final figure").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    beside = moving["left"] >= picture["right"]
    assert beside is not here.on_phone and picture["width"] > 200
    await here.find(".quarters button").nth(2).click()
    await expect(here.find("#lightbox img")).to_have_attribute("src", re.compile(r"\.3\.png"))
    assert await here.find("#lightbox img").evaluate("one => one.decode().then(() => one.naturalWidth)") == 8
    await expect(here.find("#lightbox a")).to_have_attribute("download", re.compile(r"\d\.3\.png"))
    await here.find("#lightbox-actions [data-action=pick]").click()
    await expect(here.find(".bot.note .picture img[src*='.3.png']")).to_be_visible()
    assert await here.page.evaluate("document.documentElement.scrollWidth") <= here.look["viewport"]["width"]


async def test_6_a_picture_pasted_or_dropped_has_a_thumbnail_and_needs_words(here: Visit) -> None:
    """Before sending and in the message afterwards."""
    await here.page.evaluate(PASTE, list(RED))
    await here.page.evaluate(DROP, list(RED))
    await expect(here.find("#attached img")).to_have_count(2)
    await here.find("#attached button").first.click()
    await expect(here.find("#attached img")).to_have_count(1)
    await here.find("#send").click()
    await expect(here.find("#trouble")).not_to_have_text("")
    await expect(here.find(".message")).to_have_count(0)
    await here.draw("a star")
    await expect(here.find(".mine:not(.pending) .thumbs img")).to_have_count(1)
    await expect(here.find("#attached")).to_be_hidden()
    assert len(here.engine.given[-1]["inputs"].targets) == 1  # type: ignore[attr-defined]


async def test_7_a_mistake_is_mended_by_one_tap_or_edited_in_place(here: Visit) -> None:
    """Nothing is typed twice: the place is marked, and ArrowUp brings back what was sent."""
    here.engine.quick = True
    await here.send("a red star --stebs 20")
    await here.text.fill("half typed")
    await here.find(".corrections button").nth(1).click()
    await expect(here.text).to_have_value("a red star --stebs 20")
    assert await here.page.evaluate("text.value.slice(text.selectionStart, text.selectionEnd)") == "--stebs"
    await here.send("a moon --steps 9")
    await expect(here.text).to_have_value("half typed")
    await here.shows(1)
    await here.text.fill("")
    await here.page.keyboard.press("ArrowUp")
    await here.page.keyboard.press("ArrowUp")
    await expect(here.text).to_have_value("a red star --stebs 20")
    await here.text.fill("")
    await here.find(".corrections button").first.click()
    await here.shows(2)
    await expect(here.find(".mine .text").last).to_have_text("a red star --steps 20")
    await here.send("/imagin a sun")
    await here.find(".corrections button", has_text="/imagine a sun").click()
    await here.shows(3)


async def test_7_a_remix_keeps_half_typed_words_and_shows_what_it_carries_along(here: Visit) -> None:
    """Each part of it can be left out."""
    await here.draw("a red star --steps 9 --count 4")
    await here.text.fill("half typed")
    await here.press("remix")
    await expect(here.text).to_have_value("a red star")
    await expect(here.find("#carried button")).to_have_count(2)
    await here.text.fill("a moon")
    await here.press("remix")
    await here.page.keyboard.press("Escape")
    await expect(here.text).to_have_value("a moon")
    await here.press("remix")
    await here.find("#carried button", has_text="4").click()
    await expect(here.find("#carried button")).to_have_text("--steps 9 ✕")
    await here.page.keyboard.press("Enter")
    await here.shows(2)
    asked = here.engine.asked[-1]
    assert isinstance(asked, drawing.Request) and (asked.count, asked.steps) == (1, 9)
    await expect(here.text).to_have_value("a moon")


async def test_7_half_typed_words_outlive_the_drawing_or_the_picture_that_they_were_for(here: Visit) -> None:
    """Nothing typed is lost."""
    await here.send("a red star")
    field = here.find(".drawing .steer input")
    await field.fill("a moon and")
    here.engine.let_go(1000)
    await here.shows(1)
    await expect(here.text).to_have_value("a moon and")
    await expect(here.text).to_be_focused()
    await here.text.fill("")
    await here.press("remix")
    await here.text.fill("a blue star")
    await here.press("delete")
    await here.find("#toast button").first.click()
    await expect(here.find("#remixing")).to_be_hidden()
    await here.page.keyboard.press("Escape")
    await expect(here.text).to_have_value("a blue star")


async def test_8_delete_asks_once_and_cancel_keeps_the_picture_so_far(here: Visit) -> None:
    """A thumb down asks, too; a deleted picture takes its prompt along."""
    await here.send("a red star")
    await expect(here.find(".drawing .picture img[src]")).to_have_count(1)
    here.engine.let_go(2)
    await here.press("cancel")
    await expect(here.find(".stopped .picture img[src]")).to_be_visible()
    await here.draw("a moon")
    for ask in ("👎", "❌"):
        await here.find(".final summary").click()
        await here.find(".final .picker button", has_text=ask).click()
        await here.find("#toast button").nth(1).click()
    await here.press("delete")
    await here.find("#toast button").first.click()
    await expect(here.find(".message")).to_have_count(2)
    await expect(here.find(".mine .text")).to_have_text("a red star")


@pytest.mark.both_looks
async def test_9_commands_are_chosen_by_keyboard_need_no_number_and_are_in_my_language(here: Visit) -> None:
    """And the help is short, with examples to tap."""
    await here.draw("a red star")
    await here.text.press_sequentially("/")
    await expect(here.find("#commands [aria-selected=true]")).to_have_count(1)
    await here.page.keyboard.press("ArrowDown")
    await here.page.keyboard.press("Tab")
    assert await here.text.input_value() == ("/картинки " if here.russian else "/pictures ")
    await here.page.keyboard.press("Enter")
    await expect(here.find(".bot.note .text").last).to_contain_text("a red star")
    await here.send("/помощь")
    await expect(here.find(".bot.note .corrections").last.locator("button")).to_have_count(3)
    assert len((await here.find(".bot.note .text").last.inner_text()).splitlines()) <= 3
    await here.send("/upscale")
    await here.shows(2)
    await here.send("/вариант")
    await here.shows(3)
    await here.send("/show")
    await expect(here.find(".bot.note .picture img[src]")).to_be_visible()


async def test_10_progress_does_not_run_backwards_and_the_title_tells_of_a_picture(here: Visit) -> None:
    """The engine dies and goes on from a checkpoint; and somebody looks at another tab."""
    here.engine.deaths = 1
    watch = """() => {
        window.bar = [];
        const look = () => window.bar.push(document.querySelector(".drawing progress")?.value ?? 0);
        const all = { subtree: true, childList: true, attributes: true };
        new MutationObserver(look).observe(document.getElementById("chat"), all);
        Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
    }"""
    await here.page.evaluate(watch)
    await here.send("a red star")
    await expect(here.find(".drawing")).to_have_count(1)
    await here.send("a moon")
    waiting = here.find(".waiting article")
    assert (await waiting.evaluate("one => one.getBoundingClientRect().height")) < 150
    here.engine.let_go(1000)
    await here.shows(2)
    await expect(here.page).to_have_title(re.compile(r"^\(2\)"))
    shown = await here.page.evaluate("window.bar")
    first = shown[: max(index for index, value in enumerate(shown) if value) + 1]
    falls = sum(after < before and after > 0 for before, after in zip(first, first[1:], strict=False))
    assert falls <= 1 and here.engine.resumed  # the second picture begins anew


@pytest.mark.both_looks
async def test_10_a_picture_alone_is_shared_enlarged_and_left_by_keyboard_and_all_can_be_touched(here: Visit) -> None:
    """Copy link, download, full screen, arrow keys; 44 pixels; one skips past old buttons."""
    await here.draw("a red star")
    await here.draw("a moon", 2)
    await here.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await here.find(".final .picture .zoom").first.click()
    first = await here.find("#lightbox img").get_attribute("src")
    await here.page.keyboard.press("ArrowRight")
    await here.page.keyboard.press("ArrowRight")
    assert await here.find("#lightbox img").get_attribute("src") != first
    await here.find("#copy-link").click()
    await expect(here.find("#lightbox #toast")).to_be_visible()
    assert "/pictures/" in await here.page.evaluate("navigator.clipboard.readText()")
    await here.page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
    )  # as over plain HTTP
    await here.find("#copy-link").click()
    await expect(here.find("#lightbox #toast")).to_contain_text("http")
    await here.find("#full-screen").click()
    await expect(here.find("#lightbox img:fullscreen")).to_be_visible()
    await here.page.evaluate("document.exitFullscreen()")
    await here.page.keyboard.press("Escape")
    await expect(here.find("#lightbox")).to_be_hidden()
    sizes = await here.find("button:visible, summary:visible, input:visible, textarea, a:visible").evaluate_all(SIZES)
    assert min(side for size in sizes for side in size) >= 44
    await here.page.evaluate("document.activeElement.blur(), window.getSelection().removeAllRanges()")
    await here.find(".skip").focus()
    await here.page.keyboard.press("Enter")
    await expect(here.text).to_be_focused()


async def test_10_nothing_moves_behind_a_preview_or_for_those_who_want_it_still(here: Visit) -> None:
    """Noise flickered on unseen, an eighth of a core; and for those who had asked for no motion."""
    moving = "document.getAnimations().filter(one => one.animationName === 'static').length"
    await here.page.emulate_media(reduced_motion="no-preference")
    await here.send("a red star")
    image = here.find(".drawing .picture img[src]")
    await expect(image).to_be_visible()
    assert await here.page.evaluate(moving) == 0
    await image.evaluate("one => one.removeAttribute('src')")
    assert await here.page.evaluate(moving) == 1
    await here.page.emulate_media(reduced_motion="reduce")
    assert await here.page.evaluate(moving) == 0


async def test_11_a_size_or_a_style_that_cannot_be_drawn_is_mended_by_one_tap(here: Visit) -> None:
    """64x512 was blank, and a green cat in ink came out white."""
    here.engine.quick = True
    await here.send("a star --size 64x512")
    await here.find(".corrections button").first.click()
    await here.shows(1)
    await here.send("a green cat --style ink")
    corrections = here.find(".corrections:not(:empty)")
    await expect(corrections).to_have_count(2)
    await corrections.last.locator("button").first.click()
    await here.shows(2)
    sizes = [(asked.prompt, asked.size) for asked in here.engine.asked[-2:] if isinstance(asked, drawing.Request)]
    assert [prompt for prompt, _ in sizes] == ["a star", "a green cat"]


async def test_12_the_line_of_settings_draws_a_variation_again(here: Visit) -> None:
    """Typed in as it stands."""
    await here.draw("a red star")
    await here.press("vary")
    await here.shows(2)
    before = here.engine.asked[-1], here.engine.given[-1]["inputs"]
    await here.press("settings")
    line = (await here.find(".bot.note .text").last.inner_text()).splitlines()[-1]
    await here.draw(line, 3)
    assert (here.engine.asked[-1], here.engine.given[-1]["inputs"]) == before
