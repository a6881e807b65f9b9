"""`python -m tests.bench.bot.strangers`: archives with code in them, hostile model sets and servers; none may run."""

import contextlib
import io
import os
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.errors import EngineError
from engine.model_sets.convert import read_checkpoint
from engine.model_sets.download import download
from engine.model_sets.weights import FOLDER, read_model_set
from engine.networks.upscaler import load_upscaler
from tests.fakes.archives import SPRUNG, Calls, archive_with_code, makes_folder
from tests.fakes.mirror import FAULTS, HURRIED, mirror

Attempt = Callable[[], object]


def zipped(path: Path, pickled: bytes, **beside: bytes) -> None:
    """A file that calls itself TorchScript, with a pickle of our choice."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/constants.pkl", pickle.dumps(()))
        archive.writestr("archive/data.pkl", pickled)
        for name, content in beside.items():
            archive.writestr(f"archive/data/{name}", content)


def archives(folder: Path) -> Iterator[tuple[str, Path]]:
    """(what it is, the file): each makes a folder or speaks when read the wrong way, or fills the memory."""
    trap, sprung = folder / "trap", str(folder / "sprung")
    call = makes_folder(Path(sprung))
    contents: dict[str, object] = {
        "a call in place of the dictionary": call,
        "a call among tensors": {"weight": torch.ones(2), "x": call},
        "a call as a key": {call: torch.ones(2)},
        "a call within a list": {"params": [call]},
        "eval": {"x": Calls(eval, f"__import__('os').mkdir({sprung!r})")},
        "exec": {"x": Calls(exec, f"import os; os.mkdir({sprung!r})")},
        "os.system": {"x": Calls(os.system, f"mkdir {sprung}")},
        "getattr": {"x": Calls(getattr, torch.nn.Linear, "mro")},
    }
    for name, content in contents.items():
        torch.save(content, path := Path(f"{trap}-{len(name)}-{name.split()[-1]}.pth"))
        yield name, path
        zipped(path := path.with_suffix(".pt"), pickle.dumps(content, protocol=2))
        yield f"{name}, called TorchScript", path
    archive_with_code(path := folder / "script.pt")
    yield "TorchScript with __setstate__", path
    archive_with_code(path := folder / "script.pth")
    yield "the same, called .pth", path
    (path := folder / "bare.pt").write_bytes(pickle.dumps(call))
    yield "a bare pickle", path
    deep = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    zipped(path := folder / "deep.pt", deep)
    yield "a pickle 200,000 lists deep", path
    zipped(path := folder / "memo.pt", b"\x80\x02Nr\xff\xff\xff\x7f.")
    yield "a pickle that wants 16 GB for its memo", path
    (path := folder / "huge.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    yield "safetensors with a header of 2^60 bytes", path
    save_file({"weight": torch.zeros(3)}, path := folder / "other.safetensors")
    yield "another network", path


SETS = {
    'config = "toybox-clip.json"': [
        'config = "../../x"',
        'config = "/etc/passwd"',
        'config = "a/b.json"',
        'vocabulary = "/dev/zero"',
        "config = [1]",
    ],
    'model = "toybox-clip"': ['model = "hf-hub:somebody/network"', 'model = "local-dir:/etc"'],
    'file = "unet.safetensors"': ['file = "../toybox/unet.safetensors"', 'file = "unet.pt"', 'source = "/etc/passwd"'],
    "side = 64": ["side = 1e99", "side = -64", "side = 64\nx = " + "[" * 5000],
    "num_res_blocks = ": ["num_res_blocks = 1000000000 #"],
    'title = "': ['title = "\\u001b]0;x\\u0007'],
}


def sets(folder: Path) -> Iterator[tuple[str, Path]]:
    text = (FOLDER / "toybox.toml").read_text(encoding="utf-8")
    for before, changes in SETS.items():
        for number, after in enumerate(changes):
            assert before in text, before
            path = folder / f"hostile-{number}-{len(after)}.toml"
            path.write_text(text.replace(before, after, 1), encoding="utf-8")
            yield after[:40].splitlines()[0], path


def outcome(attempt: Attempt, sprung: Path) -> str:
    """What came of it: "" for a sentence of ours with no code run, else what went wrong."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            attempt()
    except EngineError as error:
        return "" if not sprung.exists() and "\n" not in str(error) else "IT RAN, or is not one sentence"
    except BaseException as error:
        return f"NO SENTENCE: {type(error).__name__}"
    return "ACCEPTED"


@contextlib.contextmanager
def stdout_of_c(path: Path) -> Iterator[None]:
    """What TorchScript prints goes past sys.stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(path, "wb") as file:
        os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def tried(folder: Path) -> dict[str, str]:
    sprung, found = folder / "sprung", {}
    with stdout_of_c(folder / "stdout"):
        for name, path in archives(folder):
            for reader in (read_checkpoint, load_upscaler):
                if name == "another network" and reader is read_checkpoint:
                    continue
                found[f"{reader.__name__}: {name}"] = outcome(lambda read=reader, at=path: read(at), sprung)
        for name, path in sets(folder):
            found[f"model set: {name}"] = outcome(lambda at=path: read_model_set(at), sprung)
        for name, fault in FAULTS.items():
            if not fault.curable:
                with mirror() as served:
                    file = served.file(folder / f"{name}.pt", name)
                    found[f"server: {name}"] = outcome(
                        lambda file=file: list(download(file, file.path, HURRIED)), sprung
                    )
    if SPRUNG in (folder / "stdout").read_text():
        found["TorchScript"] = "IT RAN"
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = tried(Path(folder))
    for name, wrong in found.items():
        print(f"{name:75} {wrong or 'one sentence'}")
    good = sum(not wrong for wrong in found.values())
    print(f"{good} of {len(found)} end in one sentence, and no code has run")
    sys.exit(good < len(found))


if __name__ == "__main__":
    main()
