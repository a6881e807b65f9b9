"""the page that shows what can be drawn by name: groups, a search, and the pictures that the models drew of each."""

import asyncio
from typing import Any

from aiohttp import web

from bot.adapters.web.guard import language_of
from bot.adapters.web.page import Say, html
from bot.language import understood

LONGEST_SEARCH = 60  # characters


class Gallery:
    """Of the model set that is drawn with where nobody names one."""

    def __init__(self, models: str, say: Say) -> None:
        self._models, self._say = models, say

    def routes(self) -> list[web.RouteDef]:
        """The page, its list, its pictures."""
        return [
            web.get("/words", self._get_page),
            web.get("/words.json", self._get_list),
            web.get("/words.webp", self._get_pictures),
        ]

    async def _get_page(self, request: web.Request) -> web.Response:
        return html("words.html", request, self._say)

    async def _get_list(self, request: web.Request) -> web.Response:
        """Groups with their names; a thing has the number of its tile among the pictures."""
        search, language = request.query.get("search", "")[:LONGEST_SEARCH], language_of(request)
        groups = await asyncio.to_thread(understood.find_names, self._models, search)
        things = [each.id for each in understood.vocabulary(self._models) if each.kind == "thing"]
        tiles = {name: number for number, name in enumerate(things)}
        shown: list[dict[str, Any]] = [
            {
                "title": self._say(language, "words-title", group=group),
                "names": [{"name": understood.name_of(each, language), "tile": tiles.get(each.id)} for each in those],
            }
            for group, those in groups.items()
        ]
        return web.json_response({"groups": shown, "any": not things})

    async def _get_pictures(self, request: web.Request) -> web.Response:
        picture = await asyncio.to_thread(understood.pictures, self._models)
        if picture is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "private, max-age=3600"}
        return web.Response(body=picture, content_type="image/webp", headers=headers)
