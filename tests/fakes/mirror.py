"""a mirror on the loopback that serves one file and plays every fault a download can meet."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from engine.model_sets.download import Patience
from engine.model_sets.weights import WeightsFile

CONTENT = hashlib.shake_256(b"weights").digest(300_000)
HURRIED = Patience(connect=5.0, silence=0.3, tries=3, window=0.4, least=1000, pause=lambda seconds: None)


@dataclass
class Mirror:
    """What was asked for and how much was sent; `content` is what it serves."""

    address: str
    content: bytes
    asked: list[str] = field(default_factory=list)  # path, and Range where there was one
    sent: int = 0  # bytes of bodies
    gone: threading.Event = field(default_factory=threading.Event)  # set at the end: whoever stalls may stop

    def file(self, path: Path, *faults: str, exact: bool = True) -> WeightsFile:
        """The file, to be had at an address for each fault."""
        return WeightsFile(
            path=path,
            bytes=len(self.content),
            sha256=hashlib.sha256(self.content).hexdigest(),
            kind="upscaler",
            source=path.name,
            exact=exact,
            set_name="test",
            urls=tuple(f"{self.address}/{fault}" for fault in faults),
        )


class Handler(BaseHTTPRequestHandler):
    """The path says which fault; the first request of a kind may be treated otherwise than the next."""

    protocol_version = "HTTP/1.1"
    mirror: Mirror

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        fault = self.path.rsplit("/", 1)[-1].partition("?")[0]
        first = not any(line.startswith(self.path) for line in self.mirror.asked)
        self.mirror.asked.append(" ".join(filter(None, [self.path, self.headers.get("Range")])))
        try:
            FAULTS[fault].play(self, first)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    @property
    def start(self) -> int:
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def head(self, code: int, length: int | None, **headers: str) -> None:
        self.send_response(code)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()
        self.mirror.sent += len(content)

    def serve(
        self,
        content: bytes | None = None,
        *,
        until: int | None = None,
        ranges: bool = True,
        claimed_start: int | None = None,
    ) -> None:
        """The file as a good mirror would; `until` breaks off there, `claimed_start` lies in Content-Range."""
        content = self.mirror.content if content is None else content
        start = self.start if ranges else 0
        if start >= len(content) and start:
            self.head(416, 0, Content_Range=f"bytes */{len(content)}")
            return
        if start:
            shown = start if claimed_start is None else claimed_start
            self.head(206, len(content) - start, Content_Range=f"bytes {shown}-{len(content) - 1}/{len(content)}")
        else:
            self.head(200, len(content))
        self.body(content[start:until])
        if until is not None:
            self.close_connection = True

    def stall(self) -> None:
        """Half of the file, and then nothing."""
        self.head(200, len(self.mirror.content))
        self.body(self.mirror.content[: len(self.mirror.content) // 2])
        self.mirror.gone.wait(30)
        self.close_connection = True


@dataclass(frozen=True)
class Fault:
    """How a mirror misbehaves, and whether a file can be had from it all the same."""

    play: Callable[[Handler, bool], None]
    curable: bool
    says: str = ""  # in the error, when it is not


def _half(handler: Handler) -> int:
    return len(handler.mirror.content) // 2


def _flipped(handler: Handler) -> bytes:
    content = bytearray(handler.mirror.content)
    content[-1000] ^= 1
    return bytes(content)


def _endless(handler: Handler) -> None:
    handler.protocol_version = "HTTP/1.0"
    handler.head(200, None, Connection="close")
    handler.body(handler.mirror.content + b"more")
    handler.close_connection = True


def _silently_short(handler: Handler, first: bool) -> None:
    if not first:
        return handler.serve()
    handler.head(200, None, Connection="close")
    handler.body(handler.mirror.content[: _half(handler)])
    handler.close_connection = True


def _drip(handler: Handler, *, head: bool) -> None:
    """A byte now and then, so that no single wait is long: of the answer's head, or of the file."""
    if head:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    else:
        handler.head(200, len(handler.mirror.content))
    while not handler.mirror.gone.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


FAULTS = {
    "none": Fault(lambda h, first: h.serve(), True),
    "cut off": Fault(lambda h, first: h.serve(until=_half(h) if first else None), True),
    "cut off without a word": Fault(_silently_short, True),
    "always cut off": Fault(lambda h, first: h.serve(until=h.start + 1000 if first else h.start), False, "broke off"),
    "wrong bytes": Fault(lambda h, first: h.serve(_flipped(h)), False, "wrong SHA-256"),
    "404": Fault(lambda h, first: h.head(404, 0), False, "answered 404"),
    "416": Fault(lambda h, first: h.head(416, 0) if h.start else h.serve(until=_half(h) if first else None), True),
    "503 at first": Fault(lambda h, first: h.head(503, 0) if first else h.serve(), True),
    "slow": Fault(lambda h, first: h.stall() if first else h.serve(), True),
    "redirect": Fault(lambda h, first: h.head(302, 0, Location="/none"), True),
    "redirect in a circle": Fault(lambda h, first: h.head(302, 0, Location=h.path), False, "leads nowhere"),
    "no Range": Fault(lambda h, first: h.serve(until=_half(h) if first else None, ranges=False), True),
    "another range": Fault(lambda h, first: h.serve(until=_half(h) if first else None, claimed_start=7), True),
    "a shorter file": Fault(lambda h, first: h.serve(b"a login page"), False, "12 bytes in place of"),
    "a longer file": Fault(lambda h, first: _endless(h), False, "more than the file has"),
    "a dripping head": Fault(lambda h, first: _drip(h, head=True), False, "sends too slowly"),
    "a dripping body": Fault(lambda h, first: _drip(h, head=False), False, "sends too slowly"),
    "a size without end": Fault(lambda h, first: h.head(200, None, Content_Length="9" * 5000), False, "broke off"),
    "redirect to a file": Fault(lambda h, first: h.head(302, 0, Location="file:///etc/passwd"), False, "leads nowhere"),
    "redirect to nonsense": Fault(lambda h, first: h.head(302, 0, Location="http://[::1"), False, "broke off"),
    "packed": Fault(lambda h, first: h.head(200, 0, Content_Encoding="gzip"), False, "way of its own"),
}
FAULTS = {name.replace(" ", "-"): fault for name, fault in FAULTS.items()}


@contextmanager
def mirror(content: bytes = CONTENT) -> Iterator[Mirror]:
    """Serve until the end of the block."""
    handler = type("MirrorHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    served = handler.mirror = Mirror(address=f"http://127.0.0.1:{server.server_port}", content=content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.gone.set()
        server.shutdown()
        server.server_close()
        thread.join()
