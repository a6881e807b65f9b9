"""who may talk to the page: token, Host, Origin, the browser's secret, and headers that give nothing away."""

import asyncio
import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from bot.config import is_loopback
from bot.messages import Person
from engine import MAX_PICTURE_BYTES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LANGUAGES = ("en", "ru")
MAX_THUMBS, MAX_THUMB = 4, 12_000  # per message, and characters of each
THUMB = re.compile(r"data:image/jpeg;base64,[A-Za-z0-9+/]+=*")
MAX_NAME = 40  # characters
KEY = re.compile(r"[A-Za-z0-9_-]{8,20}")  # the page's own name for one press of Enter, so that a repeat is known
BROWSER = "imago_browser"  # cookie: the secret that all people of one browser are derived from
DOOR = "imago_door"  # cookie: proof that this browser knew the token
MAX_BODY = 64 * 1024  # bytes of a post without pictures
BODY_SECONDS, UPLOAD_SECONDS = 20.0, 120.0  # in which a post must have come, without and with pictures
GUESS_SECONDS, MOST_GUESSES = 1.0, 20
YEAR = 365 * 24 * 3600  # seconds a browser keeps them
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(Exception):
    """The call is not answered; `text` is the id of the sentence that says why and what to do."""

    def __init__(self, status: int, text: str, **values: str | int | float) -> None:
        super().__init__(text)
        self.status, self.text, self.values = status, text, values


def language_of(request: web.Request) -> str:
    """The language of LANGUAGES that the browser likes best, by Accept-Language; `en` when it names none of them."""
    wishes: list[tuple[float, str]] = []
    for item in request.headers.get("Accept-Language", "")[:500].split(","):
        tag, _, quality = item.strip().partition(";q=")
        try:
            wishes.append((float(quality or 1), tag.lower().partition("-")[0]))
        except ValueError:
            continue
    known = [wish for wish in wishes if wish[1] in LANGUAGES and wish[0] > 0]
    return max(known, key=lambda wish: wish[0])[1] if known else "en"


class Guard:
    """Decides for each call; with a token it asks for the token, without one it answers only this machine's names."""

    def __init__(self, token: str, guess_seconds: float = GUESS_SECONDS) -> None:
        """`guess_seconds`: how long the answer to a wrong token is held back."""
        self._token, self._guess_seconds = token.encode(), guess_seconds
        self._guessing = asyncio.Lock()
        self._guesses = 0  # that wait for their answer

    async def slow_down(self) -> None:
        """Before a wrong token is answered: whoever guesses gets one answer a second, all together."""
        self._guesses += 1
        try:
            async with self._guessing:
                await asyncio.sleep(self._guess_seconds)
        finally:
            self._guesses -= 1

    def check_request(self, request: web.Request, *, open_to_all: bool = False) -> None:
        """Raises Refused (401 without the token, 403 for a strange Host, or for a post from another site)."""
        if not self._token and not is_loopback(_host_name(request.host)):
            # A page elsewhere may have pointed its own name at 127.0.0.1 (DNS rebinding).
            raise Refused(403, "web-wrong-host")
        if request.method != "GET" and not _same_origin(request):
            raise Refused(403, "web-wrong-origin")
        if self._token and not open_to_all and not self._knows_token(request):
            raise Refused(401, "web-token-needed")

    def opens(self, token: str) -> bool:
        """Whether this is the token, compared in constant time. Raises Refused while too many are guessing."""
        if self._guesses >= MOST_GUESSES:
            raise Refused(429, "web-busy")
        return bool(self._token) and hmac.compare_digest(token.encode("utf-8", "replace"), self._token)

    def door_cookie(self) -> str:
        """What a browser keeps in place of the token itself."""
        return hmac.new(self._token, b"imago door", hashlib.sha256).hexdigest()

    def _knows_token(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.opens(bearer.strip())
        cookie = request.cookies.get(DOOR, "").encode("utf-8", "replace")
        return hmac.compare_digest(cookie, self.door_cookie().encode())


def _host_name(host: str) -> str:
    """The Host header without its port; empty when it is nonsense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _same_origin(request: web.Request) -> bool:
    """Browsers send Origin with every post; the scheme is left out, for a proxy may end TLS in front of us."""
    _, _, origin = request.headers.get("Origin", "").partition("://")
    return origin == request.host


def new_browser() -> str:
    """A fresh secret for a browser."""
    return secrets.token_urlsafe(24)


def set_cookie(request: web.Request, response: web.Response, name: str, value: str) -> None:
    """One that no script can read and no other site's page brings along."""
    secure = request.secure or request.headers.get("X-Forwarded-Proto", "").lower().startswith("https")
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="Strict", secure=secure)


def has_browser(request: web.Request) -> bool:
    """Whether the browser already keeps a secret of ours."""
    return len(request.cookies.get(BROWSER, "")) == len(new_browser())


def person_of(request: web.Request) -> Person:
    """Who calls: a browser's secret and the profile `who` in the query make one person, whom nobody else can guess.

    The `name` only labels them, so it shuts nobody out: what is no text in it is left out. Raises Refused: 403 without
    the secret, 400 for a profile that is none.
    """
    if not has_browser(request):
        raise Refused(403, "web-no-browser")
    who, name = (unicodedata.normalize("NFC", request.query.get(key, "")).strip() for key in ("who", "name"))
    if len(who) > MAX_NAME or not who.isprintable():
        raise Refused(400, "web-bad-name")
    name = "".join(letter for letter in name if letter.isprintable())[:MAX_NAME]
    secret = request.cookies[BROWSER].encode("utf-8", "replace")
    identity = hmac.new(secret, who.encode(), hashlib.sha256).hexdigest()[:32]
    account = f"browser-{browser_of(request)}"
    return Person(platform="web", id=identity, name=name, language=language_of(request), account=account)


def browser_of(request: web.Request) -> str:
    """One name for all people of one browser, from which its secret cannot be told."""
    return hashlib.sha256(b"browser " + request.cookies.get(BROWSER, "").encode("utf-8", "replace")).hexdigest()[:32]


async def form_of(request: web.Request) -> dict[str, str]:
    """The fields of a form post, all text. Raises Refused for anything else: files, broken UTF-8, other types."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused(415, "web-bad-request")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            form = await request.post()
    except TimeoutError as error:
        raise Refused(408, "web-bad-request") from error
    except (UnicodeError, ValueError, LookupError) as error:
        raise Refused(400, "web-bad-request") from error
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def form_with_pictures(request: web.Request) -> tuple[dict[str, str], list[bytes]]:
    """The fields of a form post that may bring pictures along, in fields named `picture`. Raises Refused."""
    if request.content_type != "multipart/form-data":
        return await form_of(request), []
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            form = await request.clone(client_max_size=MAX_PICTURE_BYTES + MAX_BODY).post()
    except TimeoutError as error:
        raise Refused(408, "web-bad-request") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(413, "picture-bytes") from error
    except (UnicodeError, ValueError, LookupError, AssertionError) as error:
        raise Refused(400, "web-bad-request") from error
    pictures: list[bytes] = []
    for name, value in form.items():
        if isinstance(value, web.FileField):
            with value.file as file:
                content = file.read()
            if name == "picture" and (content or value.filename):  # a field that was left empty has neither
                pictures.append(content)
    return {name: value for name, value in form.items() if isinstance(value, str)}, pictures


def key_of(form: dict[str, str]) -> str:
    """The page's name for this post. Raises Refused."""
    key = form.get("key", "")
    if not KEY.fullmatch(key):
        raise Refused(400, "web-bad-request")
    return key


def thumbs_of(form: dict[str, str]) -> list[str]:
    """Small pictures that the page made of the attached ones, as data addresses; what is none is left out."""
    try:
        thumbs = json.loads(form.get("thumbs", "[]"))
    except (ValueError, RecursionError):
        return []
    if not isinstance(thumbs, list):
        return []
    return [t for t in thumbs[:MAX_THUMBS] if isinstance(t, str) and len(t) <= MAX_THUMB and THUMB.fullmatch(t)]
