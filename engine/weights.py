"""names, sizes, SHA-256s: what a model set is made of, found and verified on disk.

A model set is a TOML file in `model_sets/`; its files lie in the folder of the same name.
Nothing is used whose size and hash are not the ones written there.
"""

import hashlib
import math
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import BadRequest, CorruptWeights, MissingWeights

FOLDER = Path(__file__).parent / "model_sets"


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One file of a set."""

    path: Path
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a Request leaves open."""

    steps: int
    sampler: str
    eta: float
    guidance_scale: float
    tv_scale: float
    range_scale: float
    cuts: int
    cut_power: float
    smallest_cut: int  # pixels
    spacing: float = 1.0  # above 1 more of the steps are spent near pure noise
    from_level: float = 0.0  # ᾱ below which nothing is guided
    largest_shift: float = math.inf  # root mean square by which guidance may move x0 in one step


@dataclass(frozen=True, kw_only=True)
class ModelSet:
    """The networks that draw together, described."""

    name: str
    title: str
    folder: Path
    side: int  # pixels that the U-Net draws
    unet: dict[str, Any]  # table [unet] of the file
    clips: list[dict[str, Any]]  # tables [[clip]]
    upscaler: dict[str, Any] | None  # table [upscaler]
    defaults: Defaults

    def file(self, table: dict[str, Any]) -> WeightsFile:
        """The weights that a table names."""
        return WeightsFile(path=self.folder / table["file"], bytes=table["bytes"], sha256=table["sha256"])

    def files(self) -> list[WeightsFile]:
        """All weights of the set."""
        tables = [self.unet, *self.clips] + ([self.upscaler] if self.upscaler else [])
        return [self.file(table) for table in tables]

    @property
    def scale(self) -> int:
        """How much larger the final picture is than what the U-Net draws."""
        return self.upscaler["scale"] if self.upscaler else 1


def model_set_names(folder: Path = FOLDER) -> list[str]:
    """Every described set, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml"))


@cache
def load_model_set(name: str, folder: Path = FOLDER) -> ModelSet:
    """Read a description; BadRequest when there is none of that name."""
    names = model_set_names(folder)
    if name not in names:
        raise BadRequest("models", f"There is no model set “{name[:40]}”: choose from {', '.join(names)}.")
    with open(folder / f"{name}.toml", "rb") as file:
        table = tomllib.load(file)
    return ModelSet(name=name, title=table["title"], folder=folder / name, side=table["side"], unet=table["unet"],
                    clips=table["clip"], upscaler=table.get("upscaler"), defaults=Defaults(**table["defaults"]))


def missing(file: WeightsFile) -> bool:
    """Whether the file is not on disk at all."""
    return not file.path.is_file()


def verify(file: WeightsFile) -> Path:
    """The path, once size and SHA-256 are right; else MissingWeights or CorruptWeights."""
    name = file.path.name
    if missing(file):
        raise MissingWeights(file.path, f"The weights file {name} is not there: install Imago again or fetch the set.")
    size = file.path.stat().st_size
    if size != file.bytes:
        raise CorruptWeights(file.path, f"The weights file {name} has {size} bytes in place of {file.bytes}: "
                                        "delete it and get it again.")
    with open(file.path, "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != file.sha256:
        raise CorruptWeights(file.path, f"The weights file {name} is damaged (wrong SHA-256): "
                                        "delete it and get it again.")
    return file.path
