"""`python -m tests.bench.bot.download`: every fault of a mirror, and 2.2 GB that are cut off half-way."""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from engine.errors import CannotFetch
from engine.model_sets.download import download
from tests.fakes.mirror import CONTENT, FAULTS, HURRIED, mirror

SIZE = 2_211_383_297  # of the 256 network
CHILD = """
import pathlib, sys
from engine.model_sets.download import download
from engine.model_sets.weights import WeightsFile
path, size, sha256, url = sys.argv[1:]
file = WeightsFile(path=pathlib.Path(path), bytes=int(size), sha256=sha256, source="net.pt", urls=(url,))
for done in download(file, file.path):
    pass
"""


def faults(folder: Path) -> dict[str, str]:
    """Fault → how it ended: the right file, one clear error, or what went wrong."""
    found = {}
    for number, (name, fault) in enumerate(FAULTS.items()):
        target = folder / f"{number}.pt"
        with mirror() as served:
            try:
                list(download(served.file(target, name), target, HURRIED))
                ended = "the right file" if target.read_bytes() == CONTENT else "WRONG FILE"
            except CannotFetch as error:
                ended = "WRONG: a file in spite of the error" if target.exists() else f"one error: {error}"
        as_expected = ended.startswith("the right" if fault.curable else "one error")
        found[name] = ended if as_expected else f"UNEXPECTED {ended}"
    return found


class Zeros(BaseHTTPRequestHandler):
    """Serves a sparse file of `SIZE` zeros, with ranges; counts what it sends, and calls `watch` as it does."""

    protocol_version = "HTTP/1.1"
    source: Path
    sent: list[int]
    watch: Callable[[int], None]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(SIZE - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{SIZE - 1}/{SIZE}")
        self.end_headers()
        try:
            with open(self.source, "rb") as file:
                while start < SIZE:
                    count = os.sendfile(self.connection.fileno(), file.fileno(), start, min(1 << 20, SIZE - start))
                    start += count
                    self.sent[-1] += count
                    self.watch(start)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def resume(folder: Path) -> dict[str, int]:
    """Kill the fetching process half-way, start it again: bytes that were on disk, and bytes sent before and after."""
    source, target = folder / "zeros", folder / "net.pt"
    source.touch()
    os.truncate(source, SIZE)
    with open(source, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    half = threading.Event()
    handler = type(
        "ZerosHandler",
        (Zeros,),
        {"source": source, "sent": [0], "watch": staticmethod(lambda at: half.set() if at > SIZE // 2 else None)},
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [sys.executable, "-c", CHILD, str(target), str(SIZE), sha256, f"http://127.0.0.1:{server.server_port}/"]
    first = subprocess.Popen(command)
    half.wait()
    first.kill()
    first.wait()
    kept = (folder / "net.pt.part").stat().st_size
    handler.sent.append(0)
    subprocess.run(command, check=True)
    server.shutdown()
    return {
        "size": SIZE,
        "on disk when killed": kept,
        "sent after it": handler.sent[-1],
        "whole": int(target.stat().st_size == SIZE and not (folder / "net.pt.part").exists()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bot.download", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the 2.2 GB")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        found = faults(Path(folder))
        for name, ended in found.items():
            print(f"{name:24} {ended}")
        good = sum(ended.startswith(("the right", "one error")) for ended in found.values())
        print(f"download faults: {good} of {len(found)} end in the right file or in one clear error")
    if not quick:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            figures = resume(Path(folder))
        print(
            f"resume: {figures}; of the {figures['size'] - figures['on disk when killed']} bytes missing "
            f"{figures['sent after it']} were sent, in {time.perf_counter() - began:.0f} s altogether"
        )


if __name__ == "__main__":
    main()
