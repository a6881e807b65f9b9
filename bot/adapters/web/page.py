"""serves the static files of the chat page, with its texts in the browser's language."""

from collections.abc import Callable
from html import escape
from importlib import resources
from string import Template

from aiohttp import web

from bot.adapters.web.guard import Refused, language_of

Say = Callable[..., str]  # language, id of a sentence, its values → the sentence
ASSETS = {
    "style.css": "text/css; charset=utf-8",
    **{
        f"{name}.js": "text/javascript; charset=utf-8"
        for name in ("app", "composer", "lightbox", "me", "messages", "outbox", "server", "toast", "dom", "words")
    },
    "icon.svg": "image/svg+xml",
    "noise.png": "image/png",
}


def asset(name: str) -> web.Response:
    """Style, script or drawing of the page. Raises Refused for any other name."""
    if name not in ASSETS:
        raise Refused(404, "web-not-found")
    headers = {"Content-Type": ASSETS[name], "Cache-Control": "no-cache"}
    return web.Response(body=_read(name), headers=headers)


def html(name: str, request: web.Request, say: Say, status: int = 200) -> web.Response:
    """A page whose `$some_word` is the sentence `page-some-word`."""
    template, language = Template(_read(name).decode()), language_of(request)
    words = {word: escape(say(language, f"page-{word.replace('_', '-')}")) for word in words_of(template)}
    return web.Response(
        text=template.substitute(words | {"lang": language}),
        content_type="text/html",
        status=status,
        headers={"Cache-Control": "no-store", "Vary": "Accept-Language"},
    )


def words_of(template: Template) -> list[str]:
    """The words that a page wants in the reader's language."""
    return [word for word in template.get_identifiers() if word != "lang"]


def _read(name: str) -> bytes:
    return (resources.files("bot.adapters.web") / "static" / name).read_bytes()
