"""downloads one file over HTTP: resumed, from the first mirror that has it, hashed on the way."""

import hashlib
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from engine.errors import CannotFetch
from engine.model_sets.weights import WeightsFile

CHUNK = 1 << 20
MOST_REDIRECTS = 10
PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP status codes worth a retry


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Timeouts and retries for a mirror."""

    connect: float = 15.0  # seconds
    silence: float = 30.0  # seconds without a byte
    tries: int = 5  # in a row that brought hardly anything new
    window: float = 60.0  # seconds in which `least` bytes must come, be they of the answer's head or of the file
    least: int = 100_000
    pause: Callable[[float], None] = time.sleep

    def before(self, retry: int) -> float:
        """Seconds before each retry."""
        return min(30.0, 2.0 ** (retry - 1))


class _Passing(Exception):
    """A transient failure."""


class _Hopeless(Exception):
    """A permanent failure of a mirror."""


class _Part:
    """The partial file on disk and its running hash."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "r+b" if path.exists() else "w+b", buffering=0)  # nothing is lost when killed
        self._hash = hashlib.sha256()
        self.size = self.came = 0  # bytes that are there; bytes that this process has added
        while chunk := self._file.read(CHUNK):
            self._hash.update(chunk)
            self.size += len(chunk)

    def __enter__(self) -> "_Part":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, chunk: bytes) -> None:
        written = self._file.write(chunk) or 0
        self._hash.update(chunk[:written])
        self.size += written
        self.came += written
        if written < len(chunk):
            self.append(chunk[written:])  # says why there is no more room

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash, self.size = hashlib.sha256(), 0

    def digest(self) -> str:
        """SHA-256 of what is there, hexadecimal."""
        return self._hash.hexdigest()

    def sync(self) -> None:
        """Bring it to the disk."""
        os.fsync(self._file.fileno())


def download(file: WeightsFile, target: Path, patience: Patience | None = None) -> Iterator[int]:
    """Fetch to `target`; yields the bytes that are there. At the end the file is whole and its SHA-256 right.

    Until then it is `target` + `.part`, from which a later call goes on.

    Raises: CannotFetch, with what each mirror did, once none is left.
    """
    if not file.urls:
        raise CannotFetch(
            target,
            f"No address is known for {file.source}: get the file elsewhere and run `imago models add {file.source}`.",
        )
    patience = patience or Patience()
    part = target.with_name(target.name + ".part")
    reasons: list[str] = []
    try:
        with _client(patience) as client, _Part(part) as kept:
            yield kept.size
            for url in file.urls:
                try:
                    yield from _whole(client, url, file, kept, patience)
                except _Hopeless as reason:
                    reasons.append(f"{_host(url)} {reason}")
                    continue
                part.replace(target)
                return
    except OSError as error:
        raise CannotFetch(
            target,
            f"{file.source} cannot be written to {target.parent}: {error.strerror}. Make room or "
            "set IMAGO_MODELS to another folder; what has come is kept.",
        ) from error
    raise CannotFetch(
        target,
        f"{file.source} could not be fetched: {'; '.join(reasons)}. Try again later, it goes on where it "
        f"stopped; or get the file elsewhere and run `imago models add {file.source}`.",
    )


def _client(patience: Patience) -> httpx.Client:
    """With the proxies of the environment."""
    timeout = httpx.Timeout(patience.silence, connect=patience.connect)
    try:
        return httpx.Client(
            verify=_trusted(),
            timeout=timeout,
            follow_redirects=True,
            max_redirects=MOST_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
            event_hooks={"request": [_forbid_inward]},
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise CannotFetch(
            Path(),
            "The proxy in the environment cannot be used: set HTTPS_PROXY to an address such as "
            "http://proxy.example:3128.",
        ) from error


@cache
def _trusted() -> ssl.SSLContext:
    """Whom a client believes: to read the list of authorities takes 30 ms each time."""
    return httpx.create_ssl_context()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "an address without a host"
    except ValueError:
        return "an address that is none"


def _forbid_inward(request: httpx.Request) -> None:
    """What the world says must not lead to what only this machine or its network can reach.

    Each request of a redirect passes here; the first has said whether the set itself names a place of ours.
    """
    host = request.url.host
    first = request.extensions.setdefault("imago", {}).setdefault("first", host)
    if host != first and _is_inside(host) and not _is_inside(first):
        raise _Hopeless("leads to an address of a private network")


def _is_inside(host: str) -> bool:
    """Whether a name leads to this machine or to a private network; False when it leads nowhere."""
    only_numbers = socket.AI_NUMERICHOST if getproxies() else 0  # behind a proxy names are its business
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=only_numbers)
    except (OSError, UnicodeError):
        return host == "localhost"
    return not all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found)


class _Watch:
    """Hangs up on a server that sends, but so little that no time-out of a single read ever ends it."""

    def __init__(self, part: _Part, patience: Patience) -> None:
        self.slow = False
        self._part, self._patience = part, patience
        self._socket: socket.socket | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """httpcore's account of what it does: the newest connection is the one that is watched."""
        if event.endswith("connect_tcp.complete"):
            self._socket = info["return_value"].get_extra_info("socket")

    def _watch(self) -> None:
        before = self._part.came
        while not self._done.wait(self._patience.window):
            if self._part.came - before < self._patience.least:
                self.slow = True
                if self._socket is not None:
                    with suppress(OSError):
                        self._socket.shutdown(socket.SHUT_RDWR)
            before = self._part.came


def _whole(client: httpx.Client, url: str, file: WeightsFile, part: _Part, patience: Patience) -> Iterator[int]:
    """Try one mirror until the file is right; raises _Hopeless."""
    best, failed, anew = part.size, 0, not part.size
    while part.digest() != file.sha256:
        try:
            yield from _try(client, url, file, part, patience)
        except _Passing as reason:
            failed = 1 if part.size >= best + min(patience.least, 1 + file.bytes // 10) else failed + 1
            best = max(best, part.size)
            if failed >= patience.tries:
                raise _Hopeless(str(reason)) from reason
            patience.pause(patience.before(failed))
        else:
            if part.digest() != file.sha256:
                part.restart()
                if anew:
                    raise _Hopeless("has another file (wrong SHA-256)")
                best, anew = 0, True  # what was there before may have come from another mirror, or be damaged
    part.sync()


def _try(client: httpx.Client, url: str, file: WeightsFile, part: _Part, patience: Patience) -> Iterator[int]:
    """One request for what is missing; _Passing when it ends early, _Hopeless for another file."""
    if file.exact and part.size >= file.bytes:
        part.restart()  # as long as the file, and not the file
    with _Watch(part, patience) as watch:
        try:
            yield from _body(client, url, file, part, watch)
        except httpx.TimeoutException as error:
            raise _Passing("stopped answering") from error
        except httpx.ConnectError as error:
            raise _Passing("cannot be reached") from error
        except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError) as error:
            raise _Hopeless("leads nowhere") from error
        except httpx.ProxyError as error:
            raise _Passing("is not let through by the proxy") from error
        except httpx.HTTPError as error:
            raise _Passing("sends too slowly" if watch.slow else "broke off") from error


def _body(client: httpx.Client, url: str, file: WeightsFile, part: _Part, watch: _Watch) -> Iterator[int]:
    headers = {"Range": f"bytes={part.size}-"} if part.size else {}
    with client.stream("GET", url, headers=headers, extensions={"trace": watch.trace}) as response:
        total = _accept(response, part)
        if total is not None and not file.fits(total):
            raise _Hopeless(f"has another file ({total} bytes in place of {file.bytes})")
        for chunk in response.iter_raw():
            part.append(chunk)
            if part.size > file.bytes and not file.fits(part.size):
                part.restart()
                raise _Hopeless("sends more than the file has")
            yield part.size
        if file.exact and part.size < file.bytes:
            raise _Passing("sends too slowly" if watch.slow else "broke off")


def _accept(response: httpx.Response, part: _Part) -> int | None:
    """Prepare `part` for the body of an answer; the size of the whole file, where the answer tells."""
    code = response.status_code
    if code == 416 and part.size:
        part.restart()  # more is here than there: it was another file
        raise _Passing("answered 416")
    if code in PASSING:
        raise _Passing(f"answered {code}")
    if code not in (200, 206) or response.headers.get("Content-Encoding", "identity") != "identity":
        raise _Hopeless(f"answered {code}" if code not in (200, 206) else "packs the file in a way of its own")
    if code == 206:
        unit, _, span = response.headers.get("Content-Range", "").partition(" ")
        start, _, total = span.partition("-")[0], *span.partition("/")[1:]
        if unit != "bytes" or start != str(part.size):
            part.restart()
            raise _Passing("sent another part than was asked for")
        return _number(total)
    part.restart()  # it knows no ranges, or the file is asked for from its beginning
    return _number(response.headers.get("Content-Length", ""))


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None
