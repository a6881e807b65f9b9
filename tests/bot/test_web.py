"""bot/adapters/web/adapter.py and the files beside it: real HTTP on loopback, real SQLite, a fake core."""

import asyncio
import io
import json
import random
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from string import Template
from typing import Any

import aiohttp
import pytest

from bot.adapters.web.adapter import MOST_STREAMS_EACH, WebAdapter
from bot.adapters.web.conversations import Subscriber
from bot.adapters.web.gallery import Gallery
from bot.adapters.web.guard import MOST_GUESSES
from bot.adapters.web.page import words_of
from bot.config import Secret, WebConfig
from bot.errors import Closed, ConfigError, MessageGone, UserError
from bot.messages import Action, Address, Button, File, Incoming, Person, Press, Reaction, Reply, Stage, TextMessage
from bot.storage.history import StoredHistory
from bot.storage.pictures import PictureStore
from bot.storage.store import Store
from bot.texts import Texts, sentences

TOKEN = "a-long-token-for-this-test"
PNG = b"\x89PNG not really"


class Browser:
    """One browser: cookies of its own, posts as the page makes them."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url, self.keys = session, url, 0

    async def get(self, path: str, name: str = "", **options: Any) -> aiohttp.ClientResponse:
        response = await self.session.get(self.url + path, params={"who": name, "name": name}, **options)
        await response.read()
        return response

    async def post(self, path: str, form: Any, name: str = "", **headers: str) -> tuple[int, str]:
        """The status, and the sentence of a refusal."""
        sent = {"Origin": self.url} | headers
        async with self.session.post(
            self.url + path, params={"who": name, "name": name}, data=form, headers=sent
        ) as response:
            text = await response.text()
            return response.status, json.loads(text).get("error", "") if text.startswith("{") else text

    async def transcript(self, name: str = "") -> list[dict[str, Any]]:
        """What an opened page shows."""
        async with self.session.get(self.url + "/events", params={"who": name, "name": name}) as stream:
            return list((await next_event(stream))["transcript"])

    async def says(self, text: str, name: str = "", **form: str) -> int:
        self.keys += 1
        status, _ = await self.post("/say", {"key": f"key-{self.keys:06}", "text": text, **form}, name)
        return status


class Site:
    """The adapter, listening, and what it told the core."""

    def __init__(self, adapter: WebAdapter, stack: AsyncExitStack) -> None:
        self.adapter, self._stack = adapter, stack
        self.heard: list[Incoming] = []
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.waits = asyncio.Event()  # something has come to the gate

    async def receive(self, incoming: Incoming) -> None:
        self.waits.set()
        await self.gate.wait()
        if self.fault:
            raise self.fault
        self.heard.append(incoming)

    async def browser(self, *, opened: bool = True, **headers: str) -> Browser:
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers)
        browser = Browser(await self._stack.enter_async_context(session), self.adapter.url.rstrip("/"))
        if opened:
            await browser.get("/")
        return browser

    async def shows(self, chat: str, **changes: Any) -> str:
        """A finished picture of job 7 in a conversation; the id of its message."""
        return await self.adapter.send(Address(platform="web", chat=chat), reply(**changes), nonce=f"n{len(chat)}")


@asynccontextmanager
async def site(folder: Path, token: str = "") -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        store = await Store.open(folder / "imago.sqlite")
        stack.push_async_callback(store.close)

        async def metrics() -> tuple[bytes, str]:
            return b"imago_queue_depth 0.0\n", "text/plain; version=0.0.4"

        async def trouble() -> str:
            return ""

        history = StoredHistory(store, PictureStore(folder / "pictures"))
        config = WebConfig(port=0, token=Secret(token))
        adapter = WebAdapter(
            config,
            history,
            Texts().say,
            metrics=metrics,
            trouble=trouble,
            gallery=Gallery("toybox", Texts().say),
            guess_seconds=0.05,
        )
        served = Site(adapter, stack)
        await adapter.start(served.receive)
        stack.push_async_callback(adapter.close)
        yield served


def reply(**changes: Any) -> Reply:
    picture = File(name="7-40.png", content=PNG, media_type="image/png", alt="a star")
    button = Button(action=Action.RERUN, job=7, label="Rerun")
    fields = {"text": "ok", "stage": Stage.DRAWING, "picture": picture, "buttons": (button,), "job": 7, **changes}
    return Reply(**fields)


async def person_id(served: Site, browser: Browser, name: str = "") -> str:
    await browser.says("hello", name)
    return served.heard[-1].person.id


async def test_the_page_comes_with_headers_that_let_nothing_else_in(tmp_path: Path) -> None:
    """Even if markup got into the page, no script of it would run."""
    async with site(tmp_path) as served:
        page = await (await served.browser(opened=False)).get("/")
        assert page.content_type == "text/html" and page.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        cookie = page.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie


async def test_style_script_and_drawings_have_their_types_and_nothing_else_is_served(tmp_path: Path) -> None:
    """With nosniff a script of the wrong type does not run; a path must not lead out of the folder."""
    async with site(tmp_path) as served:
        browser = await served.browser()
        for name, kind in {"app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}.items():
            assert (await browser.get(f"/page/{name}")).content_type == kind
        for name in ("index.html", "..%2fweb.py", "%2e%2e/web.py", "x"):
            assert (await browser.get(f"/page/{name}")).status == 404


async def test_the_page_speaks_the_language_of_the_browser(tmp_path: Path) -> None:
    """By Accept-Language, the best wish first; English for all others."""
    async with site(tmp_path) as served:
        for wish, word in {
            "ru-RU,en;q=0.5": "Что нарисовать?",
            "de,ru;q=0.2,en;q=0.9": "What should I draw?",
            ";;q=x,": "What should I draw?",
        }.items():
            browser = await served.browser(opened=False, **{"Accept-Language": wish})
            assert word in await (await browser.get("/")).text()


@pytest.mark.parametrize("page", ["index.html", "door.html", "words.html"])
def test_every_word_of_a_page_is_in_both_languages(page: str) -> None:
    """A missing one would be a page that does not open."""
    path = Path(__file__).parents[2] / "bot" / "adapters" / "web" / "static" / page
    wanted = {f"page-{word.replace('_', '-')}" for word in words_of(Template(path.read_text()))}
    assert wanted <= sentences("en") and wanted <= sentences("ru")


async def test_what_is_typed_reaches_the_heart_and_stays_on_the_page(tmp_path: Path) -> None:
    """The page is a chat: one's own words are part of it, also after a reload."""
    async with site(tmp_path) as served:
        browser = await served.browser(**{"Accept-Language": "ru"})
        assert await browser.says(" /imagine <b>кот</b>\u202e ", "Анна") == 202
        (heard,) = served.heard
        assert isinstance(heard, TextMessage) and heard.text == "/imagine <b>кот</b>\u202e"
        assert (heard.person.name, heard.person.language) == ("Анна", "ru")
        assert heard.address.chat == heard.person.id
        (shown,) = await browser.transcript("Анна")
        assert shown["mine"] and shown["text"] == heard.text


async def test_the_same_post_twice_is_one_message_with_one_key(tmp_path: Path) -> None:
    """After a lost answer the page sends again, and the core recognizes the key."""
    async with site(tmp_path) as served:
        browser = await served.browser()
        for _ in range(2):
            assert await browser.post("/say", {"key": "the-same-1", "text": "cat"}) == (202, "")
        first, second = served.heard
        assert first.key == second.key
        assert len(await browser.transcript()) == 1


async def test_a_name_that_is_no_text_shuts_nobody_out(tmp_path: Path) -> None:
    """A pasted sign that turns the writing round made all pictures vanish, for good."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        odd = {"who": "", "name": "a\u202eb" * 30}
        form, headers = {"key": "some-key-1", "text": "cat"}, {"Origin": ann.url}
        async with ann.session.post(f"{ann.url}/say", params=odd, data=form, headers=headers) as said:
            assert said.status == 202
        assert served.heard[-1].person.name == "ab" * 20
        assert [shown["text"] for shown in await ann.transcript()] == ["cat"]


async def test_a_post_whose_browser_goes_away_is_done_all_the_same(tmp_path: Path) -> None:
    """Sent, and the page closed at once: the message stood in the conversation and no picture ever came."""
    async with site(tmp_path) as served:
        browser = await served.browser()
        served.gate.clear()
        going = asyncio.create_task(browser.says("a star"))
        await served.waits.wait()
        going.cancel()
        assert served.adapter._runner is not None and served.adapter._runner.server is not None
        async with asyncio.timeout(10):
            while served.adapter._runner.server.connections:
                await asyncio.sleep(0)
        served.gate.set()
        await served.adapter.close()
        assert [heard.text for heard in served.heard if isinstance(heard, TextMessage)] == ["a star"]


async def test_two_profiles_are_two_people_and_the_same_profile_elsewhere_is_a_third(tmp_path: Path) -> None:
    """A name alone opens nobody's conversation: the browser's secret belongs to it."""
    async with site(tmp_path) as served:
        one, other = await served.browser(), await served.browser()
        people = [await person_id(served, b, n) for b, n in ((one, "Ann"), (one, "Bob"), (other, "Ann"), (one, "Ann"))]
        assert people[0] == people[3] and len(set(people)) == 3
        counted = [incoming.person.counted for incoming in served.heard]
        assert counted[0] == counted[1] == counted[3] != counted[2], "limits and bans count browsers"


async def test_a_stranger_can_not_see_press_or_react_to_a_message(tmp_path: Path) -> None:
    """Ids can be guessed, so an id is never enough."""
    async with site(tmp_path) as served:
        ann, eve = await served.browser(), await served.browser()
        message = await served.shows(await person_id(served, ann))
        await person_id(served, eve)
        served.heard.clear()
        for path, form in {"/press": {"action": "rerun"}, "/react": {"emoji": "🔥"}}.items():
            status, sentence = await eve.post(path, {"key": "some-key-1", "message": message} | form)
            assert (status, bool(sentence)) == (404, True)
        assert (await eve.get(f"/pictures/{message}/7-40.png")).status == 404
        assert await eve.says("mine now", remix=message) == 404
        assert served.heard == []
        picture = await ann.get(f"/pictures/{message}/7-40.png")
        assert (picture.status, picture.content_type, await picture.read()) == (200, "image/png", PNG)


async def test_the_preview_before_the_newest_can_still_be_fetched(tmp_path: Path) -> None:
    """A page that was told of it a moment ago may just be asking; older ones are let go."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        message = await served.shows(chat)
        for percent in (50, 60):
            file = File(name=f"7-{percent}.png", content=PNG, media_type="image/png", alt="a star")
            await served.adapter.edit(Address(platform="web", chat=chat), message, reply(picture=file))
        statuses = [(await ann.get(f"/pictures/{message}/7-{percent}.png")).status for percent in (40, 50, 60)]
        assert statuses == [404, 200, 200]


async def test_a_press_means_a_button_that_the_message_has(tmp_path: Path) -> None:
    """The job comes from our own record, never from the browser."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        message = await served.shows(await person_id(served, ann))
        assert await ann.post("/press", {"key": "press-0001", "message": message, "action": "rerun"}) == (202, "")
        pressed = served.heard[-1]
        assert isinstance(pressed, Press) and (pressed.action, pressed.job) == (Action.RERUN, 7)
        for other, action in ((message, "delete"), (message, ""), ("²", "rerun"), ("9" * 5000, "rerun"), ("", "rerun")):
            status, _ = await ann.post("/press", {"key": "press-0002", "message": other, "action": action})
            assert status == 404


async def test_a_remix_carries_the_job_it_comes_from(tmp_path: Path) -> None:
    """So that /show can tell the line of descent."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        message = await served.shows(await person_id(served, ann))
        assert await ann.says("a blue star", remix=message) == 202
        assert isinstance(served.heard[-1], TextMessage) and served.heard[-1].remix_of == 7


async def test_new_words_for_a_drawing_are_shown_as_typed_and_told_with_its_job(tmp_path: Path) -> None:
    """The page knows no job numbers, and of other people's messages nothing."""
    async with site(tmp_path) as served:
        ann, eve = await served.browser(), await served.browser()
        message = await served.shows(await person_id(served, ann))
        assert await ann.says("+ a moon", steer=message) == 202
        assert isinstance(served.heard[-1], TextMessage) and served.heard[-1].text == "/steer 7 + a moon"
        assert await eve.says("+ a moon", steer=message) == 404


async def test_a_reaction_is_told_when_added_stays_over_an_edit_and_is_taken_away_in_silence(tmp_path: Path) -> None:
    """As on the platforms: the core acts on what is new."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        message = await served.shows(chat)
        served.heard.clear()
        form = {"key": "react-0001", "message": message, "emoji": "⬆️"}
        assert await ann.post("/react", form) == (202, "")
        (told,) = served.heard
        assert isinstance(told, Reaction) and (told.emoji, told.message) == ("⬆️", message)
        await served.adapter.edit(told.address, message, reply(text="new"))
        shown = (await ann.transcript())[-1]
        assert (shown["text"], shown["reactions"]) == ("new", ["⬆️"])
        assert await ann.post("/react", form) == (202, "") and len(served.heard) == 1
        assert (await ann.transcript())[-1]["reactions"] == []
        assert (await ann.post("/react", form | {"emoji": "<b>"}))[0] == 400
        assert (await ann.post("/react", form | {"emoji": "👎🏽"}))[0] == 202 and len(served.heard) == 2


async def test_an_old_message_is_pressed_and_edited_like_a_new_one(tmp_path: Path) -> None:
    """Only the newest 200 are shown; one above them once answered 404, and an edit lost its reactions."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        message = await served.shows(chat)
        form = {"key": "react-0001", "message": message, "emoji": "⬆️"}
        for number in range(200):
            await served.adapter.send(Address(platform="web", chat=chat), Reply(text="."), nonce=str(number))
        assert all(str(shown["id"]) != message for shown in await ann.transcript())
        assert await ann.post("/react", form) == (202, "")
        assert await ann.post("/press", {"key": "press-0001", "message": message, "action": "rerun"}) == (202, "")
        assert (await ann.get(f"/pictures/{message}/7-40.png")).status == 200
        await served.adapter.edit(Address(platform="web", chat=chat), message, reply(text="new"))
        kept = await served.adapter._rooms.find(chat, int(message))
        assert kept is not None and json.loads(kept.body)["reactions"] == ["⬆️"]


async def test_the_same_send_twice_is_one_message(tmp_path: Path) -> None:
    """After a crash the core sends what it does not know to have been sent."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        assert await served.shows(chat) == await served.shows(chat)
        assert len(await ann.transcript()) == 2  # what was said, and the answer


async def test_a_message_that_is_gone_says_so_and_takes_its_picture_along(tmp_path: Path) -> None:
    """Delete means that nobody can look at it any more."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        message, address = await served.shows(chat), Address(platform="web", chat=chat)
        for _ in range(2):
            await served.adapter.delete(address, message)
        with pytest.raises(MessageGone):
            await served.adapter.edit(address, message, reply())
        assert (await ann.get(f"/pictures/{message}/7-40.png")).status == 404


async def test_an_open_page_is_told_of_every_change(tmp_path: Path) -> None:
    """The transcript first, then what happens to it."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        async with ann.session.get(ann.url + "/events") as stream:
            assert stream.content_type == "text/event-stream"
            assert [m["text"] for m in (await next_event(stream))["transcript"]] == ["hello"]
            message, address = await served.shows(chat), Address(platform="web", chat=chat)
            shown = (await next_event(stream))["message"]
            assert (shown["id"], shown["mine"], shown["picture"]["alt"]) == (int(message), False, "a star")
            assert shown["buttons"] == [{"action": "rerun", "label": "Rerun"}]
            await served.adapter.edit(address, message, reply(text="</script>\n\ndata: x", percent=50))
            assert (await next_event(stream))["message"]["text"] == "</script>\n\ndata: x"
            await served.adapter.delete(address, message)
            assert (await next_event(stream))["gone"] == int(message)
            await served.adapter.close()
            assert (await stream.content.read()).strip() in (b"", b": still here")  # it ends


async def next_event(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    kind = (await stream.content.readline()).decode().removeprefix("event: ").strip()
    value = json.loads((await stream.content.readline()).decode().removeprefix("data: "))
    assert await stream.content.readline() == b"\n"
    return {kind: value}


async def test_a_slow_page_gets_the_newest_of_each_message_only() -> None:
    """A phone in a tunnel must not make the bot remember every preview."""
    subscriber = Subscriber()
    for percent in (10, 20, 30):
        subscriber.tell(1, {"percent": percent})
    subscriber.tell(2, None)
    assert await subscriber.news(1) == {1: {"percent": 30}, 2: None}
    assert await subscriber.news(0) == {}


async def test_posts_from_other_sites_are_refused(tmp_path: Path) -> None:
    """A page elsewhere could otherwise draw in its visitor's name."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        form = {"key": "some-key-1", "text": "cat"}
        for origin in ("http://evil.example", "null", "", ann.url + ".evil.example", ann.url.replace("127", "128")):
            status, sentence = await ann.post("/say", form, Origin=origin)
            assert status == 403 and "chat page" in sentence
        assert served.heard == []


async def test_a_strange_host_is_refused(tmp_path: Path) -> None:
    """DNS rebinding: another site's name that suddenly means 127.0.0.1."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        for host in ("evil.example", "127.0.0.1.evil.example", "[::1", "", "10.0.0.1:8420"):
            response = await ann.get("/", headers={"Host": host})
            assert response.status in (400, 403) and "Traceback" not in await response.text()
        assert (await ann.get("/", headers={"Host": "localhost:8420"})).status == 200


async def test_with_a_token_nothing_opens_without_it(tmp_path: Path) -> None:
    """Outside of loopback anybody may knock."""
    async with site(tmp_path, TOKEN) as served:
        browser = await served.browser(opened=False)
        door = await browser.get("/")
        assert door.status == 401 and 'type="password"' in await door.text()
        for path in ("/events", "/metrics", "/pictures/1/1.png"):
            assert (await browser.get(path)).status == 401
        assert (await browser.post("/say", {"key": "some-key-1", "text": "cat"}))[0] == 401
        for wrong in ("", TOKEN[:-1], TOKEN + "x", "ключ"):
            assert (await browser.post("/door", {"token": wrong}))[0] == 401
        assert (await browser.get("/healthz")).status == 200
        assert (await browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).status == 200
        assert (await browser.post("/door", {"token": TOKEN}))[0] == 200  # the page, by a redirect
        assert await browser.says("cat") == 202
        assert all(TOKEN not in cookie.value for cookie in browser.session.cookie_jar)


async def test_cookies_stay_on_the_encrypted_way_behind_tls(tmp_path: Path) -> None:
    """One unencrypted request would give them away to everybody on the way."""
    async with site(tmp_path, TOKEN) as served:
        browser = await served.browser(opened=False)
        for proto, secure in (("https", True), ("http", False)):
            headers = {"Origin": browser.url, "X-Forwarded-Proto": proto}
            post = browser.session.post(browser.url + "/door", data={"token": TOKEN}, headers=headers)
            async with post as response:
                cookies = [cookie for r in (*response.history, response) for cookie in r.cookies.values()]
                assert cookies and [bool(cookie["secure"]) for cookie in cookies] == [secure] * len(cookies)


async def test_guesses_of_the_token_take_turns(tmp_path: Path) -> None:
    """One answer a second for all who guess, and no more than a few of them wait."""
    async with site(tmp_path, TOKEN) as served:
        browser = await served.browser(opened=False)
        served.adapter._guard._guesses = MOST_GUESSES
        assert (await browser.post("/door", {"token": TOKEN}))[0] == 429


async def test_bad_posts_get_one_sentence(tmp_path: Path) -> None:
    """And never a traceback."""
    async with site(tmp_path) as served:
        ann, key = await served.browser(), "some-key-1"
        form = "application/x-www-form-urlencoded"
        posts: list[tuple[int, Any, str]] = [
            (400, {"text": "cat"}, form),
            (400, {"key": "no spaces or dots.", "text": "cat"}, form),
            (400, {"key": key, "text": " \n"}, form),
            (400, f"key={key}&text=\xff\xfe".encode("latin-1"), form),
            (415, b'{"text": "cat"}', "application/json"),
            (415, b"cat", "text/plain"),
            (413, {"key": key, "text": "a" * 4001}, form),
            (413, {"key": key, "text": "a" * 1_000_000}, form),
            (400, f"key={key}&text=cat".encode(), form + "; charset=nonsense"),
        ]
        for wanted, body, kind in posts:
            status, sentence = await ann.post("/say", body, **{"Content-Type": kind})
            assert (status, sentence.count("\n")) == (wanted, 0) and len(sentence) > 20, body[:30]
        assert (await ann.post("/say", {"key": key, "text": "cat"}, "n" * 41))[0] == 400
        assert (await ann.post("/say", {"key": key, "text": "cat"}, "a\nb"))[0] == 400
        assert await (await served.browser(opened=False)).says("cat") == 403
        assert (await ann.get("/nowhere")).status == 404 and (await ann.post("/events", {}))[0] == 405
        assert served.heard == []


async def test_no_generated_post_is_a_fault(tmp_path: Path) -> None:
    """Nonsense in any field, in any mixture: refused or taken, never a 500."""
    async with site(tmp_path) as served:
        ann, rng = await served.browser(), random.Random(7)
        message = await served.shows(await person_id(served, ann))
        values = ["", message, "1", "-1", "1e9", "\x00", "\u202e\ufeff", "<script>", "🔥", "delete", "'; --"]
        for number in range(150):
            names = rng.sample(["key", "text", "message", "action", "emoji", "remix", "x"], 3)
            form = {"key": f"random-{number:04}"} | {name: rng.choice(values) for name in names}
            where = "/door" if number % 50 == 0 else rng.choice(["/say", "/press", "/react"])  # guesses are slowed
            status, _ = await ann.post(where, form, rng.choice(["", "Ann"]))
            assert status < 500, form


async def test_a_closed_core_and_a_broken_one_answer_in_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While shutting down the page keeps what was typed; a fault of ours is logged, not shown."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        served.fault = Closed()
        assert await ann.says("cat") == 503
        served.fault = RuntimeError("secret detail")
        status, sentence = await ann.post("/say", {"key": "some-key-1", "text": "cat"})
        assert status == 500 and "secret" not in sentence and "secret detail" in caplog.text


async def test_a_taken_port_is_a_config_error(tmp_path: Path) -> None:
    """Two bots at once is the commonest mistake at the first try."""
    async with site(tmp_path) as served:
        port = int(served.adapter.url.rstrip("/").rpartition(":")[2])
        config = WebConfig(port=port)
        second = WebAdapter(config, None, Texts().say, metrics=None, trouble=None)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=f"port|{port}"):
            await second.start(served.receive)
        await second.close()


def with_pictures(
    *contents: bytes, text: str = "a star", key: str = "picture-01", kind: str = "image/png"
) -> aiohttp.FormData:
    """What the page posts when somebody attached something."""
    form = aiohttp.FormData({"key": key, "text": text})
    for content in contents:
        form.add_field("picture", io.BytesIO(content), filename="C:\\secret\\me.png", content_type=kind)
    return form


async def test_attached_pictures_come_with_the_words(tmp_path: Path) -> None:
    """Byte for byte; the conversation shows how many there were, and no name of a file."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        assert (await ann.post("/say", with_pictures(PNG, b"second")))[0] == 202
        (said,) = served.heard
        assert isinstance(said, TextMessage) and said.text == "a star"
        assert [await fetch() for fetch in said.pictures] == [PNG, b"second"]
        assert [message["text"] for message in await ann.transcript()] == ["a star 📎 📎"]
        assert (await ann.post("/say", with_pictures(b"", key="picture-02")))[0] == 202
        assert isinstance(served.heard[1], TextMessage) and [await f() for f in served.heard[1].pictures] == [b""]
        assert (await ann.post("/say", with_pictures(PNG, key="picture-04", kind="text/plain")))[0] == 202
        assert isinstance(served.heard[2], TextMessage) and [await f() for f in served.heard[2].pictures] == [PNG]
        field = with_pictures(text="a moon", key="picture-03")
        field.add_field("picture", b"", filename="", content_type="application/octet-stream")
        assert (await ann.post("/say", field))[0] == 202, "a form whose field of files was left empty"
        assert isinstance(served.heard[3], TextMessage) and served.heard[3].pictures == ()


async def test_an_upload_that_is_too_large_or_broken_is_refused(tmp_path: Path) -> None:
    """Nothing of it is handed on."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        status, sentence = await ann.post("/say", with_pictures(bytes(20_200_000)))
        assert status == 413 and "20 MB" in sentence
        broken = "multipart/form-data; boundary=x"
        for body in (b"--x\r\n", b"--x\r\nContent-Disposition: nonsense\r\n\r\nabc", b"\xff" * 100):
            assert (await ann.post("/say", body, **{"Content-Type": broken}))[0] == 400
        assert (await ann.post("/press", with_pictures(PNG)))[0] == 415
        assert served.heard == []


async def test_a_button_with_a_number_is_pressed_with_its_number(tmp_path: Path) -> None:
    """And without one it is another button; old messages in the history know no numbers."""
    async with site(tmp_path) as served:
        ann = await served.browser()
        chat = await person_id(served, ann)
        vary = Button(action=Action.VARY, job=7, label="✨ 2", picture=2)
        buttons = (vary, Button(action=Action.RERUN, job=7, label="Rerun"))
        message = await served.shows(chat, buttons=buttons, stage=Stage.FINAL)
        form = {"key": "numbered-1", "message": message, "action": "vary"}
        assert (await ann.post("/press", form))[0] == 404
        assert (await ann.post("/press", form | {"picture": "3"}))[0] == 404
        assert (await ann.post("/press", form | {"picture": "2"}))[0] == 202
        press = served.heard[-1]
        assert isinstance(press, Press) and (press.action, press.job, press.picture) == (Action.VARY, 7, 2)
        assert (await ann.post("/press", form | {"action": "rerun"}))[0] == 202


def test_every_import_of_the_pages_scripts_is_exported_there() -> None:
    """One wrong name and the whole page stays dead, which only a browser would notice."""
    static = Path(__file__).parents[2] / "bot" / "adapters" / "web" / "static"
    scripts = {path.name: path.read_text(encoding="utf-8") for path in static.glob("*.js")}
    for name, script in scripts.items():
        for names, source in re.findall(r'^import \{([^}]*)\} from "\./([^"]+)"', script, re.MULTILINE):
            exported = set(re.findall(r"^export (?:async )?(?:function|const|class) ([\w$]+)", scripts[source], re.M))
            assert {word.strip() for word in names.split(",")} <= exported, f"{name} imports from {source}"
        for source in re.findall(r'^import \* as \w+ from "\./([^"]+)"', script, re.MULTILINE):
            assert source in scripts, f"{name} imports {source}"


async def test_open_pages_have_a_number(tmp_path: Path) -> None:
    """Each holds a conversation in memory: one browser has a dozen, all together 200; a closed one makes room."""
    async with site(tmp_path) as served:
        ann, bob = await served.browser(), await served.browser()
        streams = []
        for _ in range(MOST_STREAMS_EACH):
            streams.append(await ann.session.get(f"{ann.url}/events", params={"who": "", "name": ""}))
        refused = await ann.get("/events")
        assert refused.status == 429 and "error" in await refused.json()
        assert (await bob.transcript()) == []
        streams.pop().close()
        async with asyncio.timeout(20):
            while served.adapter._streams.total() >= MOST_STREAMS_EACH:
                await asyncio.sleep(0.01)
        assert (await ann.transcript()) == []
        for stream in streams:
            stream.close()


async def test_an_upload_over_the_limits_is_refused_before_it_comes(tmp_path: Path) -> None:
    """Sixty of 17 MB were taken and decoded, though their sender was over the limit."""

    async def over(person: Person, address: Address) -> None:
        raise UserError("too-many-queued", limit=3)

    async with site(tmp_path) as served:
        ann = await served.browser()
        served.adapter._check_person = over
        cookies = "; ".join(f"{c.key}={c.value}" for c in ann.session.cookie_jar)
        host, port = ann.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /say?who=&name= HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {ann.url}\r\nCookie: {cookies}\r\n"
        form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 17000000\r\n\r\n--x\r\n"
        writer.write((head + form).encode())
        async with asyncio.timeout(20):
            answer = await reader.readuntil(b"\r\n")
        writer.close()
        assert b" 429 " in answer and served.heard == []


async def test_posts_that_come_too_fast_are_not_kept(tmp_path: Path) -> None:
    """Neither in the conversation nor by the core."""
    said = 0

    def pace(person: Person) -> None:
        nonlocal said
        said += 1
        if said > 2:
            raise UserError("too-fast", limit=2)

    async with site(tmp_path) as served:
        ann = await served.browser()
        served.adapter._pace = pace
        assert [await ann.says("hello") for _ in range(4)] == [202, 202, 429, 429]
        assert (await ann.post("/press", {"key": "press-0001", "message": "1", "action": "rerun"}))[0] == 429
        assert len(served.heard) == 2 and len(await ann.transcript()) == 2
