"""a Bot API server for the tests: people on one side, HTTP on the other, updates and flood control in between."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

from tests.fakes.botapi_chats import ME, TOKEN, ApiError, Chat, Chats, Json, person
from tests.fakes.botapi_spec import Invalid, Spec

DAY = 86400.0  # seconds that an update is kept
OFF_BY_DEFAULT = {"message_reaction", "message_reaction_count", "chat_member"}
TYPE_OF = {
    "message": "Message",
    "edited_message": "Message",
    "channel_post": "Message",
    "callback_query": "CallbackQuery",
    "message_reaction": "MessageReactionUpdated",
}


class Server(Chats):
    """People's side are its methods; the bot's side is HTTP at `url`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        per_minute: int = 0,
        latency: float = 0.0,
        privacy: bool = True,
    ) -> None:
        """`per_minute`: calls that a group takes, 0 for any number; `latency`: seconds between doing and answering."""
        super().__init__(clock)
        self.per_minute, self.latency, self.privacy = per_minute, latency, privacy
        self.token, self.url, self.spec = TOKEN, "", Spec()
        self.calls: list[tuple[float, str, Json]] = []  # every valid call that was not refused for flood
        self.invalid: list[str] = []  # whatever was not as the description says
        self.refused = 0  # by flood control
        self.files: dict[str, bytes] = {}  # what people have sent, by file_id
        self.refuse: Callable[[str, Json], ApiError | None] = lambda method, parameters: None  # troubles of the tests
        self.uploaded: list[bytes] = []  # the files of the call that is answered
        self.moved = asyncio.Event()
        self._updates: list[tuple[float, Json]] = []
        self._next_update = 1
        self._polls = 0
        self._told = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Server"]:
        """Answer at `url`, on loopback."""
        app = web.Application(client_max_size=100_000_000)
        app.add_routes(
            [
                web.route("*", "/bot{token}/{method}", self._answer),
                web.get("/file/bot{token}/{path:.+}", self._give_file),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = "http://127.0.0.1:{1}".format(*runner.addresses[0])
        try:
            yield self
        finally:
            self._tell_polls()
            await runner.cleanup()

    # What people do

    def chat(self, number: int, kind: str = "private", **more: Any) -> Chat:
        """A new chat; the bot is in it."""
        self.chats[number] = Chat(number, kind, **more)
        return self.chats[number]

    def says(self, chat: int, text: str = "", *, who: int = 77, language: str = "en", **fields: Any) -> Json:
        """Somebody writes; `fields` of Message go in as they are."""
        here = self.chats.get(chat) or self.chat(chat)
        author = {"from": person(who, language)} if here.type != "channel" else {"sender_chat": here.json()}
        message = self._new(here, {**author, **({"text": text} if text else {}), **fields})
        if self._told_to_bots(here, message):
            self.update("channel_post" if here.type == "channel" else "message", message)
        return message

    def presses(self, chat: int, number: int, data: str, *, who: int = 77, language: str = "en") -> str:
        """Somebody presses a button; the id of the press."""
        query = f"press{self._next_update}"
        shown = self.chats[chat].messages[number]
        values = {"id": query, "from": person(who, language), "message": shown, "chat_instance": "1", "data": data}
        self.update("callback_query", values)
        return query

    def reacts(self, chat: int, number: int, new: str, *, old: str = "", who: int = 77) -> None:
        """Somebody has changed the reactions on a message; an emoji each letter."""
        here = self.chats[chat]
        if ME["id"] in here.admins:  # in private chats it is not certain, so here they never come
            lists = [[{"type": "emoji", "emoji": emoji} for emoji in emojis] for emojis in (old, new)]
            self.update(
                "message_reaction",
                {
                    "chat": here.json(),
                    "message_id": number,
                    "user": person(who),
                    "date": int(self.clock()),
                    "old_reaction": lists[0],
                    "new_reaction": lists[1],
                },
            )

    def moves(self, chat: int, new: int) -> None:
        """A group becomes a supergroup: another id, and the old messages stay behind."""
        self.chats[chat].moved_to = new
        self.chat(new, "supergroup", admins=self.chats[chat].admins)
        self.says(chat, migrate_to_chat_id=new)
        self.says(new, migrate_from_chat_id=chat)

    def update(self, kind: str, value: Json) -> None:
        """Keep an update for the bot, if it wants such."""
        self.spec.value(value, [TYPE_OF[kind]], kind)
        wanted = kind in self.allowed if self.allowed is not None else kind not in OFF_BY_DEFAULT
        if wanted:
            self._updates.append((self.clock(), {"update_id": self._next_update, kind: value}))
            self._next_update += 1
            self._tell_polls()

    async def until(self, found: Callable[[], Any], seconds: float = 20.0) -> Any:
        """What `found` finds, once it finds something; it looks again after each call and confirmation."""
        async with asyncio.timeout(seconds):
            while not (result := found()):
                self.moved.clear()
                await self.moved.wait()
        return result

    def waiting(self) -> list[Json]:
        """Updates that are not confirmed, nor older than a day."""
        self._updates = [(at, update) for at, update in self._updates if at > self.clock() - DAY]
        return [update for _, update in self._updates]

    async def post_updates(self, port: int, *, secret: str | None = None) -> list[int]:
        """Post what waits to the webhook, at its port on loopback; what is not answered with 200 goes on waiting."""
        assert self.webhook is not None, "no webhook is set"
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"] if secret is None else secret}
        statuses = []
        async with ClientSession() as session:
            for update in self.waiting():
                async with session.post(f"http://127.0.0.1:{port}/hook", json=update, headers=headers) as answer:
                    statuses.append(answer.status)
                if answer.status == 200:
                    self._confirm(update["update_id"])
        return statuses

    # What the bot sees

    async def _answer(self, request: web.Request) -> web.Response:
        method, form, uploads = request.match_info["method"], {}, {}
        try:
            if request.match_info["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    uploads[name] = value.file.read()
                else:
                    form[name] = value
            result = await self._call(method, form, uploads)
            return web.json_response({"ok": True, "result": result})
        except Invalid as fault:
            self.invalid.append(str(fault))
            return _refusal(ApiError(400, f"Bad Request: {fault}"))
        except ApiError as error:
            return _refusal(error)
        except ConnectionResetError:  # the bot was killed in the middle of a call
            return web.Response(status=400)
        finally:
            self.moved.set()

    async def _call(self, method: str, form: dict[str, str], uploads: dict[str, bytes]) -> object:
        parameters, self.uploaded = self.spec.request(method, form, uploads), list(uploads.values())
        if trouble := self.refuse(method, parameters):
            raise trouble
        if chat := self.chats.get(parameters.get("chat_id", 0)):
            self._let_in(chat, method)
        elif "chat_id" in parameters:
            raise ApiError(400, "Bad Request: chat not found")
        self.calls.append((self.clock(), method, parameters))
        if method == "getUpdates":
            return await self._get_updates(**parameters)
        media = parameters.get("media")
        if media:
            parameters = {**parameters, "content": uploads[media["media"].removeprefix("attach://")]}
        result = getattr(self, f"_{method}")(**parameters)
        self.spec.result(method, result)
        if self.latency:
            await asyncio.sleep(self.latency)
        return result

    def _getFile(self, file_id: str) -> Json:
        if file_id not in self.files:
            raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        path = f"photos/{file_id}.jpg"
        return {"file_id": file_id, "file_unique_id": file_id, "file_size": len(self.files[file_id]), "file_path": path}

    async def _give_file(self, request: web.Request) -> web.Response:
        name = request.match_info["path"].removeprefix("photos/").removesuffix(".jpg")
        if request.match_info["token"] != self.token or name not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[name])

    def _let_in(self, chat: Chat, method: str) -> None:
        """Refuse what the chat or the flood control does not allow."""
        if chat.moved_to:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, words, migrate_to_chat_id=chat.moved_to)
        if chat.gone:
            raise ApiError(403, f"Forbidden: {chat.gone}")
        if self.per_minute and chat.type != "private" and method.startswith(("send", "edit", "delete")):
            now = self.clock()
            while chat.calls and chat.calls[0] <= now - 60:
                chat.calls.popleft()
            if len(chat.calls) >= self.per_minute:
                self.refused += 1
                seconds = math.ceil(chat.calls[0] + 60 - now)
                raise ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=max(1, seconds))
            chat.calls.append(now)

    async def _get_updates(
        self, offset: int = 0, limit: int = 100, timeout: int = 0, allowed_updates: list[str] | None = None
    ) -> list[Json]:
        if self.webhook:
            raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active")
        if allowed_updates is not None:
            self.allowed = set(allowed_updates) or None
        self._confirm(offset - 1)
        self._polls = poll = self._polls + 1
        self._tell_polls()
        if not self.waiting() and timeout:
            self._told = asyncio.Event()
            try:
                await asyncio.wait_for(self._told.wait(), timeout)
            except TimeoutError:
                pass
        if poll != self._polls:
            raise ApiError(409, "Conflict: terminated by other getUpdates request")
        updates = self.waiting()[:limit]
        self.spec.result("getUpdates", updates)
        return updates

    # Updates

    def _told_to_bots(self, chat: Chat, message: Json) -> bool:
        """In groups, bots in privacy mode are only told commands, answers to their messages and service messages."""
        if chat.type in ("private", "channel") or ME["id"] in chat.admins or not self.privacy:
            return True
        text = message.get("text", "") or message.get("caption", "")
        answered = message.get("reply_to_message", {}).get("from") == ME
        return text.startswith("/") or answered or not text

    def _confirm(self, number: int) -> None:
        self._updates = [(at, update) for at, update in self._updates if update["update_id"] > number]
        self.moved.set()  # the poll that confirms goes on for long after

    def _tell_polls(self) -> None:
        self._told.set()


def _refusal(error: ApiError) -> web.Response:
    body: Json = {"ok": False, "error_code": error.code, "description": error.words}
    if error.more:
        body["parameters"] = error.more
    return web.json_response(body, status=error.code)
