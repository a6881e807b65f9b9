"""Discord's REST API: never sleeps on a rate limit but reports it, and maps every failure to our errors."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, MultipartParameters, Ratelimit, Route

from bot.adapters.discord.interactions import InteractionRef
from bot.errors import AdapterError, AddressGone, MessageGone, NotDelivered, Refused, RetryAfter

FAULTS = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
INVALID_WINDOW, MOST_INVALID = 600.0, 3000  # Discord bans after 10,000 refused calls in 10 minutes
LONG_PAUSE = 60.0  # seconds to wait where Discord does not say how long
UNKNOWN_MESSAGE, ARCHIVED, TOO_MANY_EDITS, NO_PERMISSION = 10008, 50083, 30046, 50013
TOKEN_GONE = {10015, 50027}  # unknown webhook, invalid webhook token
TOO_LARGE = {40005}


class TokenGone(AdapterError):
    """The interaction's token has expired."""


class Archived(AddressGone):
    """The thread is archived; an important message may unarchive it."""


class NotAllowed(AddressGone):
    """A permission is missing: for the files, perhaps, and not for words."""


class TooLarge(AdapterError):
    """The files exceed the upload limit of the channel."""


class _Foreseen(discord.RateLimited):
    """A rate limit known without calling."""


class Bucket(Ratelimit):
    """Raises the waiting time where discord.py would sleep: by then a newer preview may be due."""

    async def acquire(self) -> None:
        now = self._last_request = self._loop.time()
        if self.is_expired():
            self.reset()  # type: ignore[no-untyped-call]
        if self.remaining <= 0 and self.expires is not None:
            raise _Foreseen(max(self.expires - now, 0.01))
        self.remaining -= 1
        self.outgoing += 1

    async def __aexit__(self, *error: object) -> None:
        self.outgoing -= 1


class ServerFault(aiohttp.ClientError):
    """A status of 500 or more."""


def tell_faults_at_once() -> aiohttp.TraceConfig:
    """discord.py would try such a call again by itself, for up to 25 s in which the chat is shown nothing else."""

    async def look(session: aiohttp.ClientSession, context: Any, end: aiohttp.TraceRequestEndParams) -> None:
        if end.response.status >= 500:
            end.response.release()
            raise ServerFault(f"Discord answered {end.response.status}")

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(look)
    return trace


def never_wait(http: HTTPClient) -> None:
    """Make a client raise RateLimited at once instead of sleeping."""
    buckets: dict[str, Bucket] = {}

    def get_ratelimit(key: str) -> Bucket:
        if key not in buckets:
            for idle in [k for k, bucket in buckets.items() if bucket.is_inactive()] if len(buckets) > 256 else []:
                del buckets[idle]
            buckets[key] = Bucket(None)
        return buckets[key]

    http.get_ratelimit = get_ratelimit  # type: ignore[method-assign]
    http.max_ratelimit_timeout = 1e-9


class DiscordApi:
    """One method per API call. Raises RetryAfter, MessageGone, AddressGone, NotDelivered and the errors above."""

    def __init__(self, client: discord.Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._invalid: deque[float] = deque()  # when calls were rejected

    async def post(self, channel: int, params: MultipartParameters) -> str:
        """Send a message; returns its id."""
        path = "/channels/{channel_id}/messages"
        return str((await self._call("POST", path, params, channel_id=channel))["id"])

    async def edit(self, channel: int, message: str, params: MultipartParameters) -> str:
        """Edit a message of the bot; returns its id."""
        path = "/channels/{channel_id}/messages/{message_id}"
        return str((await self._call("PATCH", path, params, channel_id=channel, message_id=message))["id"])

    async def delete(self, channel: int, message: str) -> None:
        """Delete a message."""
        path = "/channels/{channel_id}/messages/{message_id}"
        await self._call("DELETE", path, channel_id=channel, message_id=message)

    async def edit_answer(self, ref: InteractionRef, params: MultipartParameters) -> str:
        """Edit the response to an interaction; returns its id."""
        return str((await self._webhook("PATCH", "/messages/@original", ref, params))["id"])

    async def delete_answer(self, ref: InteractionRef) -> None:
        """Delete the response to an interaction."""
        await self._webhook("DELETE", "/messages/@original", ref)

    async def follow(self, ref: InteractionRef, params: MultipartParameters) -> str:
        """Send a follow-up message; returns its id."""
        return str((await self._webhook("POST", "", ref, params))["id"])

    async def send_direct(self, user: str, params: MultipartParameters) -> str:
        """Send a direct message; returns its id."""
        channel = await self._call("POST", "/users/@me/channels", json={"recipient_id": user})
        return await self.post(int(channel["id"]), params)

    async def react(self, channel: int, message: str, emoji: str) -> None:
        """Add a reaction."""
        path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
        await self._call("PUT", path, channel_id=channel, message_id=message, emoji=emoji)

    async def newest(self, channel: int, limit: int) -> list[dict[str, Any]]:
        """The newest messages of a channel."""
        http = self._client.http
        try:
            return [dict(message) for message in await http.logs_from(channel, limit)]
        except FAULTS as error:
            raise self._meaning(error) from error

    async def wake(self, thread: int) -> None:
        """Unarchive a thread."""
        await self._call("PATCH", "/channels/{channel_id}", json={"archived": False}, channel_id=thread)

    async def _webhook(
        self, method: str, path: str, ref: InteractionRef, params: MultipartParameters | None = None
    ) -> Any:
        path = "/webhooks/{webhook_id}/{webhook_token}" + path
        ids = {"webhook_id": self._client.application_id, "webhook_token": ref.token}
        return await self._call(method, path, params, **ids)

    async def _call(
        self, method: str, path: str, params: MultipartParameters | None = None, *, json: Any = None, **ids: Any
    ) -> Any:
        self._check_flood()
        route, http = Route(method, path, **ids), self._client.http
        try:
            if params is not None and params.files:
                return await http.request(route, files=params.files, form=params.multipart)
            body = params.payload if params is not None else json
            return await (http.request(route, json=body) if body is not None else http.request(route))
        except FAULTS as error:
            raise self._meaning(error) from error

    def _check_flood(self) -> None:
        """Stop calling well before Discord would ban the bot for invalid requests."""
        while self._invalid and self._invalid[0] < self._clock() - INVALID_WINDOW:
            self._invalid.popleft()
        if len(self._invalid) >= MOST_INVALID:
            raise RetryAfter(LONG_PAUSE)

    def _meaning(self, error: Exception) -> AdapterError:
        """Map an exception to our own error; its text contains no token."""
        if isinstance(error, discord.RateLimited):
            if not isinstance(error, _Foreseen):
                self._invalid.append(self._clock())
            return RetryAfter(error.retry_after)
        if not isinstance(error, discord.HTTPException):
            return NotDelivered(type(error).__name__)
        if error.status in (401, 403, 429):
            self._invalid.append(self._clock())
        return _meaning_of_code(error.status, error.code)


def _meaning_of_code(status: int, code: int) -> AdapterError:
    text = f"Discord answered {status}, code {code}"
    if status == 429 or code == TOO_MANY_EDITS:
        return RetryAfter(LONG_PAUSE)
    if code in TOKEN_GONE:
        return TokenGone(text)
    if code == UNKNOWN_MESSAGE:
        return MessageGone(text)
    if code == ARCHIVED:
        return Archived(text)
    if status == 413 or code in TOO_LARGE:
        return TooLarge(text)
    if code == NO_PERMISSION:
        return NotAllowed(text)
    if status in (403, 404):  # kicked, no permission, channel deleted, direct messages closed
        return AddressGone(text)
    if 400 <= status < 500 and status not in (401, 408):
        return Refused(text)
    return NotDelivered(text)


async def until_taken(call: Callable[[], Any], tries: int = 5) -> None:
    """Make a best-effort call: wait for rate limits, give up silently on errors."""
    for _ in range(tries):
        try:
            await call()
            return
        except RetryAfter as answer:
            await asyncio.sleep(answer.seconds)
        except AdapterError:
            return
