"""fetches a model set: says what it needs, then downloads, checks and converts each file."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import BadRequest, CannotFetch, CorruptWeights
from engine.events import Fetching, Needs
from engine.files import FolderLocked, lock_folder, put_in_place
from engine.model_sets.download import Patience, download
from engine.model_sets.weights import (
    ModelSet,
    WeightsFile,
    load_model_set,
    missing,
    model_set_names,
    models_folder,
    read_model_set,
    sha256_of,
    verify,
)

SPARE = 200_000_000  # bytes that stay free


def needs(name: str) -> Needs:
    """Raises BadRequest for an unknown set."""
    return _needs(load_model_set(name))


def _needs(described: ModelSet) -> Needs:
    folder = models_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    absent = [file for file in described.files() if file.source and missing(file)]
    unet = described.files()[0]
    to_come = [file.bytes - _bytes_kept(file) for file in absent]
    largest = max((file.bytes for file in absent if file.converted), default=0)
    return Needs(
        download=sum(to_come),
        disk=sum(to_come) + largest,
        free=shutil.disk_usage(there).free,
        folder=folder,
        memory=described.memory,
        licence=described.licence,
        credit=described.credit,
        begun=not missing(unet) or _bytes_kept(unet) > 0,
    )


def _source_path(file: WeightsFile) -> Path:
    """Where the file as published lies while it is fetched and converted; for others it is what stays."""
    return file.path.with_suffix(".source") if file.converted else file.path


def _bytes_kept(file: WeightsFile) -> int:
    """Bytes already fetched by an earlier call."""
    target = _source_path(file)
    part = target.with_name(target.name + ".part")
    return min(file.bytes, next((path.stat().st_size for path in (target, part) if path.exists()), 0))


def fetch(name: str, patience: Patience | None = None) -> Iterator[Fetching]:
    """Everything of a set that is not here yet; files that are here are checked, and fetched anew when damaged.

    Raises: BadRequest, CannotFetch, CorruptWeights.
    """
    described = load_model_set(name)
    with _alone(models_folder()):
        for file in described.files():
            if not file.source:
                verify(file)
                continue
            if not missing(file):
                yield Fetching(file=file.source, done=file.bytes, bytes=file.bytes, phase="check")
                try:
                    verify(file)
                    continue
                except CorruptWeights:
                    _forget(file)
            asked = _needs(described)
            if asked.disk + SPARE > asked.free:
                raise CannotFetch(
                    file.path,
                    f"{name} needs {_gb(asked.disk + SPARE)} free on the disk of "
                    f"{asked.folder} and there are {_gb(asked.free)}: make room, or set "
                    "IMAGO_MODELS to a folder on another disk.",
                )
            yield from _fetch_file(file, patience)


def _fetch_file(file: WeightsFile, patience: Patience | None) -> Iterator[Fetching]:
    target = _source_path(file)
    if target.exists() and target is not file.path and sha256_of(target) != file.sha256:
        target.unlink()
    if not target.exists():
        for done in download(file, target, patience):
            yield Fetching(file=file.source, done=done, bytes=file.bytes, phase="download")
    if file.converted:
        yield Fetching(file=file.source, done=file.bytes, bytes=file.bytes, phase="convert")
        _convert(target, file)
        target.unlink()


def _convert(source: Path, file: WeightsFile) -> None:
    from engine.model_sets.convert import convert  # torch: not before it is needed

    try:
        convert(source, file)
    except OSError as error:
        raise CannotFetch(
            file.path,
            f"{file.source} cannot be converted in {file.path.parent}: {error.strerror}. "
            "Make room and run the same command again.",
        ) from error


def add(path: Path) -> Iterator[Fetching]:
    """Take over a file that came another way: a published checkpoint of any known set, or a set of a person's own.

    Raises: BadRequest when no set knows it, CannotFetch, CorruptWeights.
    """
    if path.suffix == ".toml":
        _add_set(path)
        return
    size = path.stat().st_size
    yield Fetching(file=path.name, done=0, bytes=size, phase="check")
    found = sha256_of(path)
    known = [file for name in model_set_names() for file in _files(name) if file.source]
    file = next((file for file in known if file.sha256 == found), None)
    if file is None:
        raise BadRequest(
            "file",
            f"No model set knows {path.name} (its SHA-256 is {found}): "
            "name it in a set of your own, see docs/models.md.",
        )
    with _alone(models_folder()):
        yield Fetching(file=file.source, done=size, bytes=size, phase="convert")
        if file.converted:
            _convert(path, file)
        else:
            _copy(path, file.path)


def _files(name: str) -> list[WeightsFile]:
    """A broken set of the user's must not hide the others."""
    try:
        return load_model_set(name).files()
    except BadRequest:
        return []


def _add_set(path: Path) -> None:
    read_model_set(path)
    if (Path(__file__).parent / path.name).exists():
        raise BadRequest("file", f"{path.stem} is the name of a set that comes with Imago: rename the file.")
    with _alone(models_folder()):
        _copy(path, models_folder() / path.name)


def _copy(source: Path, target: Path) -> None:
    """All or nothing."""
    part = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, part)
        put_in_place(part, target)
    except OSError as error:
        raise CannotFetch(
            target,
            f"{source.name} cannot be copied to {target.parent}: {error.strerror}. Make room or "
            "set IMAGO_MODELS to another folder.",
        ) from error


def _forget(file: WeightsFile) -> None:
    for path in (file.path, file.receipt) if file.converted else (file.path,):
        path.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock: two processes would write the same file."""
    try:
        lock = lock_folder(folder)
    except FolderLocked as error:
        raise CannotFetch(folder, f"Another Imago is fetching models into {folder}: wait for it to finish.") from error
    except OSError as error:
        raise CannotFetch(
            folder, f"{folder} cannot be written to ({error.strerror}): set IMAGO_MODELS to a folder of your own."
        ) from error
    with lock:
        yield


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
