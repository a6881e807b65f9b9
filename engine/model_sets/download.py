"""downloads one file over HTTP: resumed, from the first mirror that has it, hashed on the way."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from engine.errors import CannotFetch
from engine.model_sets.weights import WeightsFile

CHUNK = 1 << 20
PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP status codes worth a retry


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Timeouts and retries for a mirror."""

    connect: float = 15.0  # seconds
    silence: float = 30.0  # seconds without a byte
    tries: int = 5  # in a row that brought nothing new
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
        self.size = 0
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
                    reasons.append(f"{urlsplit(url).hostname} {reason}")
                    continue
                part.replace(target)
                return
    except OSError as error:
        raise CannotFetch(
            target,
            f"{file.source} cannot be written to {target.parent}: {error.strerror}. Make room or "
            "set IMAGO_MODELS to another folder; what has come is kept.",
        ) from error
    why = "; ".join(reasons) or "the model set names no address for it"
    raise CannotFetch(
        target,
        f"{file.source} could not be fetched: {why}. Try again later, it goes on where it "
        f"stopped; or get the file elsewhere and run `imago models add {file.source}`.",
    )


def _client(patience: Patience) -> httpx.Client:
    """With the proxies of the environment."""
    timeout = httpx.Timeout(patience.silence, connect=patience.connect)
    try:
        return httpx.Client(timeout=timeout, follow_redirects=True, headers={"Accept-Encoding": "identity"})
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise CannotFetch(
            Path(),
            "The proxy in the environment cannot be used: set HTTPS_PROXY to an address such as "
            "http://proxy.example:3128.",
        ) from error


def _whole(client: httpx.Client, url: str, file: WeightsFile, part: _Part, patience: Patience) -> Iterator[int]:
    """Try one mirror until the file is right; raises _Hopeless."""
    best, failed = part.size, 0
    while part.digest() != file.sha256:
        try:
            yield from _try(client, url, file, part)
        except _Passing as reason:
            failed = 1 if part.size > best else failed + 1
            best = max(best, part.size)
            if failed >= patience.tries:
                raise _Hopeless(str(reason)) from reason
            patience.pause(patience.before(failed))
        else:
            if part.digest() != file.sha256:
                part.restart()
                raise _Hopeless("has another file (wrong SHA-256)")
    part.sync()


def _try(client: httpx.Client, url: str, file: WeightsFile, part: _Part) -> Iterator[int]:
    """One request for what is missing; _Passing when it ends early, _Hopeless for another file."""
    if file.exact and part.size >= file.bytes:
        part.restart()  # as long as the file, and not the file
    headers = {"Range": f"bytes={part.size}-"} if part.size else {}
    try:
        with client.stream("GET", url, headers=headers) as response:
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
                raise _Passing("broke off")
    except httpx.TimeoutException as error:
        raise _Passing("stopped answering") from error
    except httpx.ConnectError as error:
        raise _Passing("cannot be reached") from error
    except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _Hopeless("leads nowhere") from error
    except httpx.ProxyError as error:
        raise _Passing("is not let through by the proxy") from error
    except httpx.TransportError as error:
        raise _Passing("broke off") from error


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
        return int(total) if total.isdecimal() else None
    part.restart()  # it knows no ranges, or the file is asked for from its beginning
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None
