"""`imago doctor`: checks Python, torch, device, weights, database and disk, and says what to do about each fault."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import engine
from bot import config
from bot.cli.guard import print_json
from bot.cli.models import AUTO
from bot.config import Config
from bot.errors import ConfigError, StoreError
from bot.storage.store import Store
from bot.storage.unreadable import count_unreadable
from engine import EngineError

SPACE = 500_000_000  # bytes that should be free


class Trouble(Exception):
    """What is wrong and what to do about it, in one sentence."""


def run(path: Path | None, say: Callable[[str], object] = print, *, as_json: bool = False) -> int:
    """Report the findings, one line a check, or as JSON; returns 0 when all is well, else 1."""
    found = list(findings(path))
    if as_json:
        print_json([{"check": name, "ok": ok, "message": text} for name, ok, text in found])
    else:
        for name, ok, text in found:
            say(f"{'✓' if ok else '✗'} {name}: {text}")
    return 0 if all(ok for _, ok, _ in found) else 1


def findings(path: Path | None) -> Iterator[tuple[str, bool, str]]:
    """(check, whether all is well, what was found)."""
    try:
        settings = config.load(path)
    except ConfigError as error:
        yield "config", False, str(error)
        return
    yield "config", True, str(path or "none, the defaults hold")
    for check in (python, torch, models, disk, database, *([engines] if settings.engine.ray else [])):
        try:
            yield check.__name__, True, check(settings)
        except Trouble as trouble:
            yield check.__name__, False, str(trouble)


def python(settings: Config) -> str:
    """The interpreter is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 - a sentence instead of a strange traceback
        raise Trouble(f"this is Python {version}: install 3.11 or newer and make .venv again.")
    return version


def torch(settings: Config) -> str:
    """It can be imported, in a version that was tried, and finds a device."""
    try:
        version, device = engine.torch_and_device()
    except (ImportError, OSError, RuntimeError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Trouble(f"it cannot be imported ({line}): run `make .venv/.installed` again.") from error
    return f"{version}, drawing on {device}"


def models(settings: Config) -> str:
    """Every file of the model set is there with the right hash."""
    try:
        name = engine.best_models() if settings.engine.models == AUTO else settings.engine.models
        size = engine.verify_models(name)
    except EngineError as error:
        raise Trouble(str(error)) from error
    return f"{name}, {size / 1e6:.1f} MB, hashes are right"


def disk(settings: Config) -> str:
    """The folder can be written to and has room."""
    folder = settings.bot.folder.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise Trouble(f"{there} cannot be written to: change its owner, or folder in [bot].")
    free = shutil.disk_usage(there).free
    if free < SPACE:
        raise Trouble(f"only {free / 1e6:.0f} MB are free at {there}: make room, or change folder in [bot].")
    return f"{free / 1e9:.1f} GB free at {there}"


def database(settings: Config) -> str:
    """It opens, is sound, and every row can be read."""
    path = settings.bot.folder / "imago.sqlite"
    if not path.exists():
        return f"none yet, the first start makes {path}"
    try:
        fault, unreadable = asyncio.run(_faults_in(path))
    except StoreError as error:
        raise Trouble(str(error)) from error
    if fault:
        raise Trouble(f"{path} is damaged ({fault}): stop the bot and put a backup in its place.")
    if unreadable:
        raise Trouble(
            f"{path}: {unreadable} row{'s' * (unreadable > 1)} cannot be read by this version: the bot goes on "
            "without; the version that wrote them may read them."
        )
    return f"{path}, sound"


def engines(settings: Config) -> str:
    """The Ray cluster answers; what there is."""
    address = settings.engine.ray
    if not engine.ray_installed():
        raise Trouble("Ray is not installed: pip install 'imago[ray]', on every machine of the cluster.")
    try:
        found = engine.look_at_cluster(address)
    except EngineError as error:
        raise Trouble(f"{error}: start it with `ray start`, see docs/scaling.md.") from error
    drawn = [f"{each.name} draws {each.drawing} of {each.at_once}" for each in found.engines]
    there = f"Ray {found.version} at {address}, machines: {found.machines}, GPUs: {found.gpus}"
    return f"{there}; " + (", ".join(drawn) or "no engines, they start with the bot")


async def _faults_in(path: Path) -> tuple[str, int]:
    """What is damaged, and how many rows this version cannot read."""
    store = await Store.open(path)
    try:
        fault = await store.fault()
        return fault, 0 if fault else await count_unreadable(store)
    finally:
        await store.close()
