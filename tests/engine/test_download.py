"""a download ends in the right file or in one clear error, whatever the mirror does."""

import resource
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.errors import CannotFetch
from engine.model_sets.download import Patience, download
from engine.model_sets.weights import WeightsFile
from tests.fakes.mirror import CONTENT, FAULTS, HURRIED, Fault, Mirror, mirror

CALM = replace(HURRIED, silence=30.0, window=60.0)  # a busy machine is no fault of the mirror's


@pytest.fixture
def served() -> Iterator[Mirror]:
    with mirror() as found:
        yield found


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def fetched(served: Mirror, target: Path, *faults: str, exact: bool = True, patience: Patience = HURRIED) -> list[int]:
    return list(download(served.file(target, *faults, exact=exact), target, patience))


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_the_file_or_in_one_sentence(served: Mirror, tmp_path: Path, fault: str) -> None:
    """Elsewhere a truncated download once drew on random weights."""
    target = tmp_path / "net.pt"
    if FAULTS[fault].curable:
        progress = fetched(served, target, fault)
        assert target.read_bytes() == CONTENT and progress[-1] == len(CONTENT)
        assert list(tmp_path.iterdir()) == [target]
    else:
        with pytest.raises(CannotFetch) as caught:
            fetched(served, target, fault)
        sentence = str(caught.value)
        assert FAULTS[fault].says in sentence and "imago models add" in sentence and "\n" not in sentence
        assert not target.exists()


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if not fault.curable])
def test_the_next_mirror_is_tried(served: Mirror, tmp_path: Path, fault: str) -> None:
    fetched(served, tmp_path / "net.pt", fault, "none")
    assert (tmp_path / "net.pt").read_bytes() == CONTENT


def test_only_what_is_missing_is_asked_for(served: Mirror, tmp_path: Path) -> None:
    """2.2 GB are not fetched twice because a train went through a tunnel."""
    (tmp_path / "net.pt.part").write_bytes(CONTENT[:200_000])
    assert fetched(served, tmp_path / "net.pt", "none", patience=CALM)[0] == 200_000
    assert served.asked == ["/none bytes=200000-"] and served.sent == 100_000


def test_a_caller_that_stops_leaves_what_has_come(served: Mirror, tmp_path: Path) -> None:
    """Ctrl-C, and later the same command again."""
    target = tmp_path / "net.pt"
    steps = download(served.file(target, "none"), target, HURRIED)
    while next(steps) == 0:
        pass
    steps.close()
    assert not target.exists() and 0 < (tmp_path / "net.pt.part").stat().st_size
    fetched(served, target, "none")
    assert target.read_bytes() == CONTENT


def test_a_killed_download_goes_on_in_another_process(served: Mirror, tmp_path: Path) -> None:
    """Power, memory, a restart: the part on disk is all that is needed."""
    target = tmp_path / "net.pt"
    file = served.file(target, "slow")
    code = (
        "import pathlib\nfrom engine.model_sets.download import Patience, download\n"
        "from engine.model_sets.weights import WeightsFile\n"
        f"file = WeightsFile(path=pathlib.Path({str(target)!r}), bytes={file.bytes}, sha256={file.sha256!r}, "
        f"kind='upscaler', source='net.pt', urls={file.urls!r})\n"
        "for done in download(file, file.path, Patience(silence=60.0)):\n    print(done, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == len(CONTENT) // 2:
                break
        process.kill()
    assert not target.exists()
    fetched(served, target, "none")
    assert target.read_bytes() == CONTENT
    kept = int(served.asked[-1].rpartition("=")[2].rstrip("-") if "bytes=" in served.asked[-1] else 0)
    assert served.sent == len(CONTENT) // 2 + len(CONTENT) - kept


def test_a_damaged_part_is_thrown_away(served: Mirror, tmp_path: Path) -> None:
    """The hash is of the whole, so what was there before, from a mirror that lies perhaps, counts too."""
    (tmp_path / "net.pt.part").write_bytes(b"x" * 200_000)
    fetched(served, tmp_path / "net.pt", "none", patience=CALM)
    assert (tmp_path / "net.pt").read_bytes() == CONTENT and len(served.asked) == 2


@pytest.mark.parametrize("there", [CONTENT, CONTENT + b"more", b"x" * len(CONTENT)], ids=["whole", "longer", "other"])
def test_a_part_that_needs_no_more_bytes(served: Mirror, tmp_path: Path, there: bytes) -> None:
    """Killed between the last byte and the rename; or left by another version of the file."""
    (tmp_path / "net.pt.part").write_bytes(there)
    fetched(served, tmp_path / "net.pt", "none")
    assert (tmp_path / "net.pt").read_bytes() == CONTENT and (there != CONTENT or not served.asked)


def test_a_size_that_is_only_about_right_will_do(served: Mirror, tmp_path: Path) -> None:
    """Of some files only the hash is known for certain."""
    file = served.file(tmp_path / "net.pt", "cut-off", exact=False)
    about = type(file)(**{**vars(file), "bytes": file.bytes + 5000})
    list(download(about, about.path, HURRIED))
    assert about.path.read_bytes() == CONTENT


def test_a_mirror_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.socket() as port:  # taken, and nobody listens
        port.bind(("127.0.0.1", 0))
        nowhere = Mirror(address=f"http://127.0.0.1:{port.getsockname()[1]}", content=CONTENT)
        with pytest.raises(CannotFetch, match=r"127\.0\.0\.1 cannot be reached"):
            fetched(nowhere, tmp_path / "net.pt", "none")


def test_the_proxy_of_the_environment_is_used(served: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some machines have no other way out."""
    monkeypatch.setenv("HTTP_PROXY", served.address)
    monkeypatch.setenv("NO_PROXY", "")
    elsewhere = Mirror(address="http://models.invalid", content=CONTENT)
    fetched(elsewhere, tmp_path / "net.pt", "none", patience=CALM)
    assert served.asked == ["http://models.invalid/none"]


def test_a_socks_proxy_is_used_too(served: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ALL_PROXY=socks5://…` is what tunnels tell people to set."""
    with socks_proxy() as (address, asked):
        monkeypatch.setenv("ALL_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "")
        fetched(served, tmp_path / "net.pt", "none", patience=CALM)
    assert asked == [served.address.removeprefix("http://")]


@contextmanager
def socks_proxy() -> Iterator[tuple[str, list[str]]]:
    """Its address, and where it was asked to connect to (RFC 1928, without a password)."""
    asked: list[str] = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.read(ord(self.rfile.read(2)[1:]))
            self.wfile.write(b"\x05\x00")
            kind = self.rfile.read(4)[3]
            size = 4 if kind == 1 else self.rfile.read(1)[0]
            host = self.rfile.read(size)
            name = socket.inet_ntoa(host) if kind == 1 else host.decode()
            port = int.from_bytes(self.rfile.read(2), "big")
            asked.append(f"{name}:{port}")
            with socket.create_connection((name, port), 5) as there:
                self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
                back = threading.Thread(target=pour, args=(there, self.connection), daemon=True)
                back.start()
                pour(self.connection, there)

    def pour(here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"socks5://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_proxy_that_cannot_be_used_is_one_sentence_without_its_password(
    served: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://ann:secret@proxy")
    with pytest.raises(CannotFetch, match="HTTPS_PROXY") as caught:
        fetched(served, tmp_path / "net.pt", "none")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "inward", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433"]
)
def test_a_redirect_does_not_lead_into_the_private_network(
    served: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inward: str
) -> None:
    """A server of the world could have asked for what only this machine can reach; one of ours may redirect to ours."""
    monkeypatch.setenv("HTTP_PROXY", served.address)  # so that a name of the world leads to our mirror
    monkeypatch.setenv("NO_PROXY", "")
    where = f"http://{inward}:{urlsplit(served.address).port}/none"
    monkeypatch.setitem(FAULTS, "inward", Fault(lambda h, first: h.head(302, 0, Location=where), False))
    elsewhere = Mirror(address="http://models.invalid", content=CONTENT)
    with pytest.raises(CannotFetch, match="models.invalid leads to an address of a private network"):
        fetched(elsewhere, tmp_path / "net.pt", "inward", patience=CALM)
    assert served.asked == ["http://models.invalid/inward"]


@pytest.mark.parametrize("url", ["http://[::1", "http://", "http://127.0.0.1:99999/", "http://127.0.0.1\x01/"])
def test_an_address_that_is_none_is_one_sentence(tmp_path: Path, url: str) -> None:
    file = WeightsFile(path=tmp_path / "net.pt", bytes=5, sha256="0" * 64, source="net.pt", urls=(url,))
    with pytest.raises(CannotFetch, match=r"net\.pt could not be fetched: ") as caught:
        list(download(file, file.path, HURRIED))
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_sentence_and_loses_nothing(served: Mirror, tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk with no more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(CannotFetch, match=r"cannot be written to .*File too large.*IMAGO_MODELS"):
            fetched(served, tmp_path / "net.pt", "none")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert fetched(served, tmp_path / "net.pt", "none")[0] > 0
    assert (tmp_path / "net.pt").read_bytes() == CONTENT


def test_the_pauses_between_tries_grow_and_end() -> None:
    assert [Patience().before(retry) for retry in (1, 2, 3, 9)] == [1, 2, 4, 30]
