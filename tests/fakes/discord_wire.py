"""a small Discord on loopback: HTTP and gateway over SimCord's world, every body checked against the OpenAPI file."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
import jsonschema
import referencing
from aiohttp import WSMsgType, web
from referencing.jsonschema import DRAFT202012
from simcord import intents, interactions
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError
from simcord.http import router
from simcord.http import routes as _routes  # noqa: F401  importing it registers the routes

from bot.messages import Action
from tests.fakes.discord_sim import CUSTOM_ID, as_shown, ids
from tests.fakes.scenario import Shown

TOKEN = "a.wire.token"
PREFIX = "/api/v10"
NONCE_LIFE = 180.0  # seconds: "the past few minutes"
SPEC = json.loads((Path(__file__).parent / "specs" / "discord.json").read_text(encoding="utf-8"))


class RealClock(Clock):
    """The machine's time, shifted as a test likes."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.shift)

    def advance(self, seconds: float) -> None:
        self.shift += seconds


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One call of the bot."""

    method: str
    path: str
    body: Any
    status: int
    at: float  # monotonic


@dataclass
class Wire:
    """The server: what people do goes in by methods, what the bot does is kept."""

    backend: Backend = field(default_factory=lambda: Backend(clock=RealClock()))
    limit: Callable[[str, str], float | None] = lambda method, path: None  # seconds to refuse a call for
    refuse: Callable[[str, str], BackendError | None] = lambda method, path: None  # any other refusal
    largest: int = 25 * 1024 * 1024  # bytes a file
    locale: str = "en-US"  # of those who use commands
    extra: dict[str, Any] = field(default_factory=dict)  # of every interaction
    sent: list[Sent] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)  # what the OpenAPI file says against a body
    states: list[Shown] = field(default_factory=list)  # of messages that all can see
    private: list[str] = field(default_factory=list)  # texts that one person alone sees
    responses: dict[int, float] = field(default_factory=dict)  # interaction → seconds to its first response
    news: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    checks: bool = True  # bodies against the OpenAPI file
    token: str = TOKEN  # that the gateway knows
    shards: int = 1  # that it wants
    starts: list[int] = field(default_factory=lambda: [1000])  # identifies left, as told one time after the other
    concurrency: int = 16
    identified: list[tuple[int, int]] = field(default_factory=list)  # (shard, of how many)

    async def start(self) -> "Wire":
        app = web.Application(client_max_size=30 * 1024 * 1024)
        app.router.add_route("GET", "/gateway", self._gateway)
        app.router.add_route("*", PREFIX + "/{path:.*}", self._call)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        self._wanted: Any = None
        self._sockets: dict[web.WebSocketResponse, Any] = {}
        self._shard_of: dict[web.WebSocketResponse, int] = {}
        self._nonces: dict[tuple[str, str], tuple[int, float]] = {}
        self._begun: dict[int, float] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self.backend.subscribers.append(self._emitted)
        self.guild = self.backend.create_guild("Art")
        self.channel = self.backend.create_channel(self.guild.id, "art").id
        self.ann = self.join("ann")
        return self

    async def stop(self) -> None:
        for socket in list(self._sockets):
            await socket.close()
        await self._runner.cleanup()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Wire"]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway"

    def join(self, name: str) -> int:
        """Somebody comes into the server."""
        user = self.backend.make_user(name)
        self.backend.add_member(self.guild.id, user.id)
        return int(user.id)

    @property
    def connected(self) -> bool:
        return bool(self._sockets)

    # What people do

    def slash(self, name: str, *, who: int = 0, channel: int = 0, **options: Any) -> int:
        """A slash command; the id of the interaction. KeyError before the bot has told its commands."""
        command = self.backend.commands[None][(name, 1)]
        kinds = {option["name"]: option["type"] for option in command["options"]}
        values = [{"name": key, "type": kinds[key], "value": value} for key, value in options.items()]
        data = {"id": command["id"], "name": name, "type": 1, "options": values}
        return self._interact(2, data, who, channel)

    def menu(self, name: str, message: int, *, who: int = 0) -> int:
        """A message command."""
        command = self.backend.commands[None][(name, 3)]
        stored = dict(serializers.message_payload(self.backend, self.backend.get_message(self.channel, message)))
        data = {
            "id": command["id"],
            "name": name,
            "type": 3,
            "target_id": str(message),
            "resolved": {"messages": {str(message): stored}},
        }
        return self._interact(2, data, who, 0)

    def press(self, action: Action, job: int, *, who: int = 0) -> int:
        """A button under the job's message."""
        stored = self.message(job)
        data = {"component_type": 2, "custom_id": f"imago:{action}:{job}"}
        return self._interact(3, data, who, stored.channel_id, message=stored)

    def submit(self, custom_id: str, words: str, *, who: int = 0) -> int:
        """A modal with one field."""
        part = {"type": 18, "id": 1, "component": {"type": 4, "id": 2, "custom_id": "words", "value": words}}
        return self._interact(5, {"custom_id": custom_id, "components": [part]}, who, 0)

    def react(self, emoji: str, job: int, *, who: int = 0, on: bool = True) -> None:
        """An emoji under the job's message, or its removal."""
        stored = self.message(job)
        self.backend.set_reaction(stored.channel_id, stored.id, emoji, who or self.ann, on)

    def message(self, job: int) -> Any:
        """The stored message of a job."""
        return next(
            m
            for stored in self.backend.messages.values()
            for m in stored.values()
            if any((match := CUSTOM_ID.fullmatch(i)) and match[2] == str(job) for i in ids(m.components))
        )

    def _interact(self, kind: int, data: dict[str, Any], who: int, channel: int, message: Any = None) -> int:
        where = channel or self.channel
        guild = self.backend.get_channel(where).guild_id
        record, payload = interactions.base_payload(
            self.backend, type=kind, channel_id=where, guild_id=guild, user_id=who or self.ann, data=data
        )
        if message is not None:
            payload["message"] = dict(serializers.message_payload(self.backend, message))
            record.source_message_id = message.id
        payload |= {"locale": self.locale, "attachment_size_limit": self.largest, **self.extra}
        self._begun[record.id] = time.monotonic()
        self.backend.emit("INTERACTION_CREATE", payload)
        return int(record.id)

    # HTTP

    async def _call(self, request: web.Request) -> web.Response:
        body, files = await self._read(request)
        path = "/" + request.match_info["path"]
        response = self._answer(request, path, body, files)
        self.sent.append(Sent(method=request.method, path=path, body=body, status=response.status, at=time.monotonic()))
        return response

    async def _read(self, request: web.Request) -> tuple[Any, list[Any]]:
        if request.content_type != "multipart/form-data":
            text = await request.text()
            return (json.loads(text) if text else None), []
        form = await request.post()
        body = json.loads(str(form["payload_json"]))
        about = {int(a["id"]): a for a in body.get("attachments", ())}
        files = []
        for name, part in form.items():
            if isinstance(part, web.FileField):
                number = int(name.removeprefix("files[").removesuffix("]"))
                described = about.get(number, {}).get("description")
                content = io.BytesIO(part.file.read())
                files.append(SimpleNamespace(fp=content, filename=part.filename, description=described))
        return body, files

    def _answer(self, request: web.Request, path: str, body: Any, files: list[Any]) -> web.Response:
        method = request.method
        if path == "/gateway/bot":
            return self._gateway_bot()
        if self.checks and (fault := invalid(method, path, body)) is not None:
            self.invalid.append(f"{method} {path}: {fault}")
        by_token = path.startswith(("/interactions", "/webhooks"))
        if request.headers.get("Authorization") != f"Bot {TOKEN}" and not by_token:
            return _json({"message": "401: Unauthorized", "code": 0}, status=401)
        if (seconds := self.limit(method, path)) is not None:
            headers = {"Via": "1.1 wire", "Retry-After": str(seconds)}
            said = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
            return _json(said, status=429, headers=headers)
        try:
            if (refusal := self.refuse(method, path)) is not None:
                raise refusal
            if any(len(f.fp.getbuffer()) > self.largest for f in files):
                raise BackendError(413, 40005, "Request entity too large")
            return self._dispatched(method, path, body, files, dict(request.query))
        except BackendError as error:
            return _json(error.to_json(), status=error.status)

    def _gateway_bot(self) -> web.Response:
        remaining = self.starts.pop(0) if len(self.starts) > 1 else self.starts[0]
        limit = {"total": 1000, "remaining": remaining, "reset_after": 50, "max_concurrency": self.concurrency}
        return _json({"url": self.gateway_url, "shards": self.shards, "session_start_limit": limit})

    def _dispatched(self, method: str, path: str, body: Any, files: list[Any], query: dict[str, str]) -> web.Response:
        nonce = (path, str(body["nonce"])) if isinstance(body, dict) and body.get("enforce_nonce") else None
        now = self.backend.clock.now().timestamp()
        if nonce in self._nonces and now < self._nonces[nonce][1] + NONCE_LIFE:
            channel = int(path.split("/")[2])
            stored = self.backend.messages[channel].get(self._nonces[nonce][0])
            if stored is not None:
                return _json(dict(serializers.message_payload(self.backend, stored)))
        result = router.dispatch(self.backend, method, path, json=body, params=query, files=files)
        if nonce is not None:
            self._nonces[nonce] = int(result["id"]), now
        if path.startswith("/interactions/"):
            number = int(path.split("/")[2])
            self.responses.setdefault(number, time.monotonic() - self._begun[number])
        return _json(result) if result is not None else web.Response(status=204)

    # The gateway

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41250}, "s": None, "t": None})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            if frame["op"] == 1:
                await socket.send_json({"op": 11, "d": None, "s": None, "t": None})
            elif frame["op"] == 6:  # nothing that was missed is told again
                await socket.send_json({"op": 0, "t": "RESUMED", "s": 3, "d": {}})
                self._sockets[socket] = self._wanted
            elif frame["op"] == 2:
                if frame["d"]["token"] != self.token:
                    await socket.close(code=4004)
                    break
                shard, shards = frame["d"]["shard"]
                self.identified.append((shard, shards))
                self._shard_of[socket] = shard
                await self._welcome(socket, discord.Intents._from_value(frame["d"]["intents"]))
        self._sockets.pop(socket, None)
        return socket

    async def _welcome(self, socket: web.WebSocketResponse, wanted: discord.Intents) -> None:
        shard = self._shard_of[socket]
        guilds = {number: guild for number, guild in self.backend.guilds.items() if self.shard_of(number) == shard}
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(self.backend.bot_user)),
            "session_id": "wire",
            "guilds": [{"id": str(guild), "unavailable": True} for guild in guilds],
            "resume_gateway_url": self.gateway_url,
            "shard": [shard, self.shards],
            "application": {"id": str(self.backend.application_id), "flags": 0},
        }
        await socket.send_json({"op": 0, "t": "READY", "s": 1, "d": ready})
        for guild in guilds.values():
            payload = dict(serializers.guild_create_payload(self.backend, guild))
            intents.prune_guild_create(payload, wanted, self.backend.bot_user.id)
            await socket.send_json({"op": 0, "t": "GUILD_CREATE", "s": 2, "d": payload})
        self._sockets[socket] = self._wanted = wanted
        self.news.set()

    def shard_of(self, guild: int) -> int:
        """The shard that hears of a server; of direct messages, 0, it is the first."""
        return (guild >> 22) % self.shards

    def _emitted(self, event: str, payload: Mapping[str, Any]) -> None:
        if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            self._note(payload)
        gate = intents.required_intent(event, payload)
        frame = json.loads(json.dumps({"op": 0, "t": event, "s": 3, "d": payload}))
        shard = self.shard_of(int(frame["d"].get("guild_id") or 0)) if isinstance(frame["d"], dict) else 0
        for socket, wanted in self._sockets.items():
            if self._shard_of.get(socket, 0) == shard and (gate is None or getattr(wanted, gate)):
                if event.startswith("MESSAGE_") and "author" in frame["d"] and not wanted.message_content:
                    intents.censor_message(frame["d"], self.backend.bot_user.id, backend=self.backend)
                task = asyncio.create_task(socket.send_json(frame))
                self._writing.add(task)
                task.add_done_callback(self._writing.discard)

    def _note(self, payload: Mapping[str, Any]) -> None:
        stored = self.backend.messages[int(payload["channel_id"])][int(payload["id"])]
        if stored.author_id == self.backend.bot_user.id and not stored.is_ephemeral:
            self.states.append(as_shown(self.backend, stored))
        self.news.set()

    # What tests look at

    def whispers(self) -> list[str]:
        """The texts that one person alone sees: ephemeral ones and direct messages."""
        found = []
        for channel, stored in self.backend.messages.items():
            direct = self.backend.get_channel(channel).guild_id is None
            mine = (m for m in stored.values() if m.author_id == self.backend.bot_user.id)
            found += [m.content for m in mine if direct or m.is_ephemeral]
        return found

    async def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.005)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """discord.py reads no JSON whose type names a charset."""
    body = json.dumps(content).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def invalid(method: str, path: str, body: Any) -> str | None:
    """What the OpenAPI file says against a call; None when it has nothing against it."""
    for template, methods in SPEC["paths"].items():
        parts, wanted = path.strip("/").split("/"), template.strip("/").split("/")
        fits = len(parts) == len(wanted) and all(w[0] == "{" or w == p for p, w in zip(parts, wanted, strict=True))
        if fits and method.lower() in methods:
            return _invalid_body(template, method.lower(), json.dumps(body))
    return "the file knows no such call"


@cache  # each start of a bot sends the same long list of commands
def _invalid_body(template: str, method: str, text: str) -> str | None:
    if (body := json.loads(text)) is None:
        return None
    content = SPEC["paths"][template][method].get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return "the call takes no body"
    fault = jsonschema.exceptions.best_match(_validator(template, method).iter_errors(body))
    return None if fault is None else f"{fault.json_path}: {fault.message[:300]}"


@cache
def _validator(template: str, method: str) -> Any:
    resource = referencing.Resource(contents=_numbers_for_ids(SPEC), specification=DRAFT202012)
    registry = referencing.Registry().with_resource("urn:discord", resource)
    content = SPEC["paths"][template][method]["requestBody"]["content"]
    return jsonschema.Draft202012Validator(_with_base(content["application/json"]["schema"]), registry=registry)


def _with_base(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_base(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {k: f"urn:discord{v}" if k == "$ref" and isinstance(v, str) else _with_base(v) for k, v in part.items()}


def _numbers_for_ids(spec: Any) -> Any:
    """Discord takes ids as numbers too, and discord.py sends them so."""
    schemas = {**spec["components"]["schemas"], "SnowflakeType": {"type": ["string", "integer"]}}
    return {**spec, "components": {"schemas": schemas}}
