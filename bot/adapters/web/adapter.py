"""the chat page: HTTP in, server-sent events out."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import web

from bot.adapters.base import Connection, History, Receive
from bot.adapters.http import listen
from bot.adapters.web.conversations import Body, Rooms, as_event, transcript_event
from bot.adapters.web.gallery import Gallery
from bot.adapters.web.guard import (
    BROWSER,
    DOOR,
    GUESS_SECONDS,
    HEADERS,
    MAX_BODY,
    Guard,
    Handler,
    Refused,
    browser_of,
    form_of,
    form_with_pictures,
    has_browser,
    key_of,
    language_of,
    new_browser,
    person_of,
    set_cookie,
    thumbs_of,
)
from bot.adapters.web.page import Say, asset, html
from bot.config import WebConfig
from bot.errors import Closed, MessageGone, NotStored, UserError
from bot.messages import (
    REACTIONS,
    Action,
    Address,
    Fetch,
    Incoming,
    Person,
    Press,
    Reaction,
    Reply,
    TextMessage,
    plain_emoji,
)

MAX_TEXT = 4000  # characters of a message
MOST_STREAMS, MOST_STREAMS_EACH = 200, 12  # open pages, of all browsers and of one
UPLOADS = 3  # posts with pictures that are in memory at the same time, one of each browser; the others wait their turn
PULSE = 15.0  # seconds between signs of life on a stream on which nothing happens

log = logging.getLogger(__name__)


async def nobody_is_over(person: Person, address: Address) -> None:
    """Without limits."""


def nobody_is_too_fast(person: Person) -> None:
    """Without limits."""


class WebAdapter:
    """A small chat platform: it keeps the conversations (in History), shows them, and passes on what people do."""

    platform = "web"
    gif_apart = False

    def __init__(
        self,
        config: WebConfig,
        history: History,
        say: Say,
        *,
        metrics: Callable[[], Awaitable[tuple[bytes, str]]],
        trouble: Callable[[], Awaitable[str]],
        check_limits: Callable[[Person, Address], Awaitable[None]] = nobody_is_over,
        pace: Callable[[Person], None] = nobody_is_too_fast,
        gallery: Gallery | None = None,
        guess_seconds: float = GUESS_SECONDS,
    ) -> None:
        """`metrics` gives the text for Prometheus and its media type; `trouble` what is wrong, or an empty text.

        `check_limits` raises the UserError that a drawing asked for now would raise; `pace` counts a post, and raises
        one for too many; `guess_seconds` is how long the answer to a wrong token is held back.
        """
        self.connection = Connection()
        self._config = config
        self._say = say
        self._metrics = metrics
        self._trouble = trouble
        self._gallery = gallery
        self._guard = Guard(config.token.value, guess_seconds)
        self._rooms = Rooms(history)
        self._runner: web.AppRunner | None = None
        self._receive: Receive
        self._check_person, self._pace = check_limits, pace
        self._streams: Counter[str] = Counter()  # that are open, by browser
        self._taking: set[asyncio.Task[web.Response]] = set()  # posts whose effect must be whole
        self._uploads = asyncio.Semaphore(UPLOADS)
        self._uploading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by browser

    # Called by the core

    async def start(self, receive: Receive) -> None:
        """Listen on the configured address; raises ConfigError when it is taken or not ours."""
        self._receive = receive
        self._runner = await listen(self._app(), "web", self._config.host, self._config.port, cancel_handlers=True)
        log.info("The chat page is at %s", self.url)

    @property
    def url(self) -> str:
        """An address that a browser on this machine can open, once the page listens."""
        assert self._runner is not None, "not started"
        host, port = self._runner.addresses[0][:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def send(self, address: Address, reply: Reply, *, nonce: str, answers: str = "") -> str:
        """A new message of the bot; the same nonce again gives the message that is there."""
        return str(await self._rooms.answer(address.chat, nonce, reply, answers))

    async def edit(self, address: Address, message: str, reply: Reply) -> None:
        """Replace everything a message shows. Raises MessageGone."""
        if not await self._rooms.show(address.chat, int(message), reply):
            raise MessageGone(message)

    async def delete(self, address: Address, message: str) -> None:
        """Take a message of the bot away."""
        await self._rooms.remove(address.chat, int(message))

    async def close(self) -> None:
        """Send the open pages away (they come back by themselves) and stop listening."""
        self._rooms.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.gather(*self._taking, return_exceptions=True)

    # HTTP handlers

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._answer_well])
        app.add_routes(
            [
                web.get("/", self._get_page),
                web.get("/page/{name}", self._get_asset),
                web.post("/door", self._post_door),
                web.get("/events", self._get_events),
                web.get("/pictures/{entry:[0-9]{1,15}}/{name}", self._get_picture),
                web.post("/say", self._post_text),
                web.post("/press", self._post_press),
                web.post("/react", self._post_reaction),
                web.get("/healthz", self._get_health),
                web.get("/metrics", self._get_metrics),
            ]
        )
        if self._gallery is not None:
            app.add_routes(self._gallery.routes())
        return app

    @web.middleware
    async def _answer_well(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check who calls; make one sentence of every error."""
        open_to_all = request.path in ("/door", "/healthz") or request.path.startswith("/page/")
        try:
            self._guard.check_request(request, open_to_all=open_to_all)
            response = await handler(request)
        except Refused as refused:
            if refused.status == 401 and ("Authorization" in request.headers or request.path == "/door"):
                await self._guard.slow_down()
            response = self._refusal(request, refused.status, refused.text, **refused.values)
        except web.HTTPException as error:
            texts = {404: "web-not-found", 405: "web-not-found", 413: "web-too-large"}
            response = self._refusal(request, error.status, texts.get(error.status, "web-bad-request"))
        except Closed:
            response = self._refusal(request, 503, "web-closed")
        except NotStored as error:
            log.warning("The chat page refuses a post: %s", error)
            response = self._refusal(request, 503, "not-stored")
        except Exception:
            log.exception("The chat page failed to answer %s %s", request.method, request.path)
            response = self._refusal(request, 500, "web-failed")
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    def _refusal(self, request: web.Request, status: int, text: str, **values: str | int | float) -> web.Response:
        """A page with a field for the token, for a person who opens the page without it; else JSON."""
        if status == 401 and request.path in ("/", "/door"):
            return html("door.html", request, self._say, status)
        return web.json_response({"error": self._say(language_of(request), text, **values)}, status=status)

    async def _get_page(self, request: web.Request) -> web.Response:
        response = html("index.html", request, self._say)
        if not has_browser(request):
            set_cookie(request, response, BROWSER, new_browser())
        return response

    async def _post_door(self, request: web.Request) -> web.Response:
        form = await form_of(request)
        if not self._guard.opens(form.get("token", "")):
            raise Refused(401, "web-token-needed")
        response = web.Response(status=303, headers={"Location": "/"})
        set_cookie(request, response, DOOR, self._guard.door_cookie())
        return response

    async def _get_asset(self, request: web.Request) -> web.Response:
        return asset(request.match_info["name"])

    def _person(self, request: web.Request) -> Person:
        """Who calls, with the limits of the page. Raises Refused."""
        person, limits = person_of(request), self._config
        return replace(person, server="page", server_queued=limits.queued, server_today=limits.per_day)

    async def _get_events(self, request: web.Request) -> web.StreamResponse:
        """The conversation as it is, then every change, for as long as the page is open."""
        chat = self._person(request).id
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers | HEADERS)
        browser = browser_of(request)
        if self._streams.total() >= MOST_STREAMS or self._streams[browser] >= MOST_STREAMS_EACH:
            raise Refused(429, "web-busy")
        self._streams[browser] += 1
        subscriber = self._rooms.listen(chat)  # before the transcript is read, so that nothing falls between
        try:
            await response.prepare(request)
            await response.write(transcript_event(await self._rooms.transcript(chat)))
            while not subscriber.closed:
                news = await subscriber.news(PULSE)
                events = [as_event("message", m) if m else as_event("gone", entry) for entry, m in news.items()]
                await response.write(b"".join(events) or b": still here\n\n")
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            self._rooms.leave(chat, subscriber)
            self._streams[browser] -= 1
            self._streams += Counter()  # forgets those that have none
        return response

    async def _get_picture(self, request: web.Request) -> web.Response:
        chat, entry = self._person(request).id, int(request.match_info["entry"])
        try:
            content, media_type = await self._rooms.picture(chat, entry, request.match_info["name"])
        except KeyError as error:
            raise Refused(404, "web-not-found") from error
        # The same name always means the same pixels: a job is drawn once.
        headers = {"Cache-Control": "private, max-age=31536000, immutable"}
        return web.Response(body=content, content_type=media_type, headers=headers)

    async def _post_text(self, request: web.Request) -> web.Response:
        person = self._caller(request)
        if request.content_type != "multipart/form-data":
            return await self._finish(self._take_text(person, await form_of(request), []))
        await self._check_limits(request)  # before a byte of a picture is read
        turn = self._uploading.setdefault(browser_of(request), asyncio.Lock())
        async with turn, self._uploads:
            return await self._finish(self._take_text(person, *await form_with_pictures(request)))

    async def _finish(self, taking: Coroutine[Any, Any, web.Response]) -> web.Response:
        """Go on with it when the browser goes away: a message on the page must not stay without its picture."""
        task = asyncio.create_task(taking)
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        return await asyncio.shield(task)

    def _caller(self, request: web.Request) -> Person:
        """Who posts something. Raises Refused, for too many posts too: nothing of them is kept."""
        person = self._person(request)
        try:
            self._pace(person)
        except UserError as error:
            raise Refused(429, error.text, **error.values) from error
        return person

    async def _check_limits(self, request: web.Request) -> None:
        """Raises Refused for somebody who may ask for nothing now."""
        try:
            person = self._person(request)
            await self._check_person(person, _address(person))
        except UserError as error:
            raise Refused(429, error.text, **error.values) from error

    async def _take_text(self, person: Person, form: dict[str, str], pictures: list[bytes]) -> web.Response:
        key, text = key_of(form), form.get("text", "").strip()
        if not text:
            raise Refused(400, "web-empty")
        if len(text) > MAX_TEXT:
            raise Refused(413, "web-too-large")
        steered = (await self._message(person, form["steer"]))["job"] if form.get("steer") else None
        remix = (await self._message(person, form["remix"]))["job"] if form.get("remix") else None
        said = text + " 📎" * (len(pictures) - len(thumbs := thumbs_of(form)))
        entry = await self._rooms.say(person.id, key, person.key, said, thumbs)
        return await self._hand_on(
            TextMessage(
                key=f"{person.id}:{key}",
                person=person,
                address=_address(person),
                text=text if steered is None else f"/{Action.STEER} {steered} {text}",
                message=str(entry),
                remix_of=remix,
                without=frozenset(form.get("without", "").split(",")),
                pictures=tuple(_as_fetch(content) for content in pictures),
            )
        )

    async def _post_press(self, request: web.Request) -> web.Response:
        person, form = self._caller(request), await form_of(request)
        shown = await self._message(person, form.get("message", ""))
        wanted = form.get("action"), form.get("picture", "")
        found = (b for b in shown["buttons"] if (b["action"], str(b.get("picture") or "")) == wanted)
        button = next(found, None)
        if button is None:
            raise Refused(404, "web-not-found")
        return await self._hand_on(
            Press(
                key=f"{person.id}:{key_of(form)}",
                person=person,
                address=_address(person),
                action=Action(button["action"]),
                job=button["job"],
                message=form["message"],
                picture=button.get("picture"),
            )
        )

    async def _post_reaction(self, request: web.Request) -> web.Response:
        """Add a reaction, which the core is told, or remove it, which it is not."""
        person, form = self._caller(request), await form_of(request)
        key, message, emoji = key_of(form), form.get("message", ""), form.get("emoji", "")
        if plain_emoji(emoji) not in REACTIONS:
            raise Refused(400, "web-bad-request")
        await self._message(person, message)
        if not await self._rooms.toggle_reaction(person.id, int(message), emoji):
            return web.json_response({}, status=202)
        return await self._hand_on(
            Reaction(
                key=f"{person.id}:{key}",
                person=person,
                address=_address(person),
                message=message,
                emoji=emoji,
            )
        )

    async def _message(self, person: Person, message: str) -> Body:
        """What a message of the bot in this person's conversation shows; 404 for all others."""
        try:
            return await self._rooms.bot_message(person.id, int(message))
        except (ValueError, KeyError) as error:
            raise Refused(404, "web-not-found") from error

    async def _hand_on(self, incoming: Incoming) -> web.Response:
        await self._receive(incoming)
        return web.json_response({}, status=202)

    async def _get_health(self, request: web.Request) -> web.Response:
        trouble = await self._trouble()
        return web.Response(text=trouble or "ok", status=503 if trouble else 200)

    async def _get_metrics(self, request: web.Request) -> web.Response:
        body, media_type = await self._metrics()
        return web.Response(body=body, headers={"Content-Type": media_type})


def _as_fetch(content: bytes) -> Fetch:
    """A picture that has come with the post."""

    async def fetch() -> bytes:
        return content

    return fetch


def _address(person: Person) -> Address:
    return Address(platform="web", chat=person.id)
