"""model set descriptions and weights files: names, sizes, and the SHA-256 hash check.

A model set is a TOML file, ours in `model_sets/` or a person's own in the models folder. Its
networks are either files that lie beside it, or published ones, which are fetched once into the
models folder and kept there in a form of our own. Nothing is used whose size and hash are not the
ones written in the set, or, for what we made of a published file, in its receipt.
"""

import hashlib
import json
import math
import os
import re
import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import BadRequest, CorruptWeights, MissingWeights
from engine.words.word_list import WordList, read_word_list

FOLDER = Path(__file__).parent
ABOUT = 0.03  # relative tolerance of an approximate size
UNKNOWN = "unknown"  # a licence that nobody could tell us: the operator is asked before the set is fetched
Held = float | tuple[tuple[float, float], ...]  # a number, or (percent of the drawing up to which, number), rising
CONVERTED = ("unet", "clip", "secondary")  # kinds that we keep in a form of our own
MOST_BYTES = 200_000  # of a description
MOST, MOST_NUMBERS = 16_384, 16  # in the shape of a U-Net; a larger one would be built for days
CLIP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One file of a set."""

    path: Path  # what is loaded
    bytes: int  # of the file as published
    sha256: str  # of the same
    kind: str = ""  # unet, clip, secondary, upscaler or tokenizer
    source: str = ""  # name under which it was published; empty for one that lies beside its set
    urls: tuple[str, ...] = ()  # where to get it, best first
    exact: bool = True  # `bytes` is the size, not about the size
    set_name: str = ""

    @property
    def converted(self) -> bool:
        """Whether `path` is what we made of the published file, with a receipt beside it."""
        return bool(self.source) and self.kind in CONVERTED

    @property
    def receipt(self) -> Path:
        """Which published file `path` was made of, and what its own size and hash are."""
        return self.path.with_suffix(".json")

    def fits(self, size: int) -> bool:
        """Whether the published file can have this size."""
        return size == self.bytes if self.exact else abs(size - self.bytes) <= ABOUT * self.bytes


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """Defaults for the options a Request leaves open."""

    steps: int
    sampler: str
    eta: float
    guidance_scale: float
    tv_scale: float
    range_scale: float
    cuts: int
    cut_power: Held
    smallest_cut: int  # pixels
    gradient_at: str = "x"  # or x0: without the way back through the U-Net; or both: x, then x0
    guide_every: int = 1  # only each n-th step is guided, n times as strongly
    overview: Held = 0.0  # share of the crops that are as large as they can be
    grey: Held = 0.0  # share of the others that lose their colour
    spacing: tuple[tuple[int, float], ...] = ()  # (timestep, share of the steps below it); () spreads them evenly
    from_level: float = 0.0  # ᾱ below which nothing is guided
    until_level: float = 1.0  # ᾱ above which nothing is
    fresh_until_level: float = 1.0  # ᾱ above which DDIM adds no fresh noise, whatever eta says
    largest_shift: float = math.inf  # root mean square by which guidance may move x0 in one step


@dataclass(frozen=True, kw_only=True)
class ModelSet:
    """The description of a model set."""

    name: str
    title: str
    folder: Path
    side: int  # pixels that the U-Net draws
    unet: dict[str, Any]  # table [unet] of the file
    clips: list[dict[str, Any]]  # tables [[clip]]
    upscaler: dict[str, Any] | None  # table [upscaler]
    defaults: Defaults
    early: dict[str, Any] | None = None  # table [early]: another U-Net, which draws from its from_timestep on
    secondary: dict[str, Any] | None = None  # table [secondary]: a small network that guides in the U-Net's place
    retrieval: dict[str, Any] | None = None  # table [retrieval]: small pictures whose mean the U-Nets are shown
    memory: str = ""  # what a drawing needs, for people
    licence: str = ""  # of the weights; "unknown" has to be written
    credit: str = ""  # the line that the licence wants to be shown
    words: dict[str, Any] | None = None  # table [words]: the files that list what the set can draw

    def file(self, table: dict[str, Any], kind: str = "") -> WeightsFile:
        """The weights that a table names."""
        size, exact = (table["bytes"], True) if "bytes" in table else (table["about_bytes"], False)
        given = {"bytes": size, "exact": exact, "sha256": table["sha256"], "kind": kind, "set_name": self.name}
        if "source" not in table:
            return WeightsFile(path=self.folder / table["file"], **given)
        source = Path(table["source"])
        suffix = ".safetensors" if kind in CONVERTED else source.suffix
        return WeightsFile(
            path=models_folder() / f"{source.stem}-{table['sha256'][:12]}{suffix}",
            source=source.name,
            urls=tuple(table.get("urls", ())),
            **given,
        )

    def files(self) -> list[WeightsFile]:
        """All weights of the set."""
        found = [self.file(table, "unet") for table in self.unets]
        found += [self.file(table, "clip") for table in self.clips]
        found += [self.file(table["tokenizer"], "tokenizer") for table in self.clips if "tokenizer" in table]
        found += [self.file(self.secondary, "secondary")] if self.secondary else []
        found += [self.file(self.retrieval)] if self.retrieval else []
        return found + ([self.file(self.upscaler, "upscaler")] if self.upscaler else [])

    @property
    def word_list(self) -> WordList | None:
        """What the set knows by name; None where its CLIPs know any word. BadRequest where its files are no list."""
        if self.words is None:
            return None
        try:
            return read_word_list(self.folder, tuple(sorted(self.words.items())))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRequest(
                "models", f"The words of the model set {self.name} cannot be read: {error}; see docs/models.md."
            ) from error

    @property
    def unets(self) -> list[dict[str, Any]]:
        """The tables [unet] and, where there is one, [early]."""
        return [self.unet] if self.early is None else [self.unet, self.early]

    @property
    def scale(self) -> int:
        """How much larger the final picture is than what the U-Net draws."""
        return self.upscaler["scale"] if self.upscaler and not self.upscaler.get("on_request") else 1


def models_folder() -> Path:
    """The folder of fetched weights and the user's own sets: IMAGO_MODELS, else `imago` in the Hugging Face cache."""
    cache = os.environ.get("HF_HOME") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(os.environ.get("IMAGO_MODELS") or f"{cache}/imago"))


def model_set_names(folder: Path = FOLDER) -> list[str]:
    """The names of all described sets, built-in and the user's own, sorted."""
    names = {path.stem for place in (folder, models_folder()) for path in place.glob("*.toml")}
    return sorted(name for name in names if NAME.fullmatch(name))


def load_model_set(name: str, folder: Path = FOLDER) -> ModelSet:
    """Read a description; BadRequest when there is none of that name, or when it cannot be used."""
    if NAME.fullmatch(name):
        for place in (folder, models_folder()):
            if (path := place / f"{name}.toml").exists():
                return read_model_set(path)
    names = ", ".join(model_set_names(folder))
    raise BadRequest("models", f"There is no model set “{name[:40]}”: choose from {names}.")


def read_model_set(path: Path) -> ModelSet:
    """The description in a file; BadRequest with one sentence for each mistake."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadRequest("models", f"The model set {path.name} is too large to be one.")
        return _understand(path, path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest("models", f"The model set {path.name} is not TOML: {error}.") from error
    except OSError as error:
        raise BadRequest("models", f"The model set {path.name} cannot be read: {error.strerror}.") from error


@lru_cache(64)  # a set is read again for each request
def _understand(path: Path, text: str) -> ModelSet:
    """The same set for the same text: nobody may change its tables."""
    table = _with_base(tomllib.loads(text))
    if not NAME.fullmatch(path.stem):
        raise BadRequest(
            "models",
            f"“{path.stem[:40]}” cannot be the name of a model set: rename the file, "
            "using small letters, digits and hyphens.",
        )
    try:
        _check(table)
        return ModelSet(
            name=path.stem,
            title=table["title"],
            folder=path.with_suffix(""),
            side=table["side"],
            unet=table["unet"],
            early=table.get("early"),
            clips=table["clip"],
            upscaler=table.get("upscaler"),
            secondary=table.get("secondary"),
            retrieval=table.get("retrieval"),
            memory=table.get("memory", ""),
            licence=table.get("licence", ""),
            credit=table.get("credit", ""),
            words=table.get("words"),
            defaults=Defaults(**table["defaults"]),
        )
    except KeyError as error:
        raise BadRequest("models", f"The model set {path.name} lacks {error.args[0]}: see docs/models.md.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadRequest("models", f"The model set {path.name} cannot be used: {error}; see docs/models.md.") from error


def _with_base(table: dict[str, Any]) -> dict[str, Any]:
    """The description laid over that of the set of ours which it is `like`; tables are merged, all else replaced.

    What is said of the weights themselves is not taken over.
    """
    if "like" not in table:
        return table
    table = dict(table)
    name = str(table.pop("like"))
    base = FOLDER / f"{name}.toml"
    if not NAME.fullmatch(name) or not base.is_file():
        raise BadRequest("models", "A model set can only be like one that comes with Imago: see docs/models.md.")
    below = tomllib.loads(base.read_text(encoding="utf-8"))
    return _merge({key: value for key, value in below.items() if key not in ("memory", "licence", "credit")}, table)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {name: _merge(below[name], value) for name, value in above.items() if _are_tables(below.get(name), value)}
    return {**below, **above, **both}


def _are_tables(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _check(table: dict[str, Any]) -> None:
    """Raises KeyError, TypeError or ValueError for what would fail later, and less clearly."""
    if not all(
        isinstance(table[key], str) and table[key].isprintable()
        for key in ("title", "memory", "licence", "credit")
        if key in table
    ):
        raise ValueError("title and memory are text of one line")
    unet, clips = table["unet"], table["clip"]
    unets = [table[key] for key in ("unet", "early") if key in table]
    for network in unets:
        _check_unet(network, table["side"])
    if "early" in table and not (
        all(table["early"][key] == unet[key] for key in ("schedule", "learned_variance"))
        and table["early"]["from_timestep"] in range(1, 1000)
    ):
        raise ValueError("[early] has the schedule and the learned_variance of [unet] and a from_timestep of 1 to 999")
    _check_defaults(table["defaults"])
    knots = [(0, 0.0), *table["defaults"].get("spacing", ()), (999, 1.0)]
    if any(t >= later or share >= more for (t, share), (later, more) in pairwise(knots)):
        raise ValueError("spacing is pairs of a timestep and the share of the steps below it, both rising")
    for name in ("cut_power", "overview", "grey"):
        _check_held(name, table["defaults"].get(name, 0.0))
    if not isinstance(clips, list) or not clips:
        raise ValueError("it needs at least one [[clip]]")
    for clip in clips:
        _check_clip(clip)
    for weights in [*unets, *clips, *(table[key] for key in ("secondary",) if key in table)]:
        _check_weights(weights, ours=True)
    for weights in [
        *(table[key] for key in ("upscaler", "retrieval") if key in table),
        *(c["tokenizer"] for c in clips if "tokenizer" in c),
    ]:
        _check_weights(weights, ours=False)
    _check_words(table.get("words"))


def _check_defaults(table: dict[str, Any]) -> None:
    known = {field.name: field.type for field in fields(Defaults)}
    if unknown := set(table) - set(known):
        raise ValueError(f"[defaults] has no {sorted(unknown)[0]}, it has {', '.join(sorted(known))}")
    for name, value in table.items():
        wanted = {"int": int, "float": (int, float), "str": str}.get(str(getattr(known[name], "__name__", "")), object)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{name} in [defaults] is of another kind")


def _check_clip(table: dict[str, Any]) -> None:
    """What open_clip would fetch, or read elsewhere, is no part of a set."""
    if not isinstance(table["model"], str) or not CLIP_NAME.fullmatch(table["model"]):
        raise ValueError("the model of a [[clip]] is a name of open_clip's, or that of its config")
    for key in ("config", "vocabulary", "text"):
        if key in table:
            _check_plain(table[key])
    for key in ("mean", "std"):
        if len(table[key]) != 3 or not all(isinstance(number, float | int) for number in table[key]):
            raise ValueError(f"{key} of a [[clip]] is three numbers")
    if not isinstance(table["weight"], float | int) or 0 in table["std"]:
        raise ValueError("weight of a [[clip]] is a number, and none of std is 0")
    if "tokenizer" in table:
        table["text"]


def _check_plain(name: object) -> None:
    if not isinstance(name, str) or not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"{str(name)[:60]!r} is not the plain name of a file")


def _check_held(name: str, value: Any) -> None:
    """A number, or numbers that each hold up to a percent."""
    if isinstance(value, int | float):
        return
    percents = [percent for percent, number in value if isinstance(number, int | float)]
    if not percents or percents != sorted(set(percents)) or len(percents) != len(value) or percents[-1] != 100:
        raise ValueError(f"{name} is a number or pairs of a percent and a number, the percents rising to 100")


def _check_words(table: dict[str, Any] | None) -> None:
    if table is None:
        return
    known = {"things": str, "grounds": str, "kinds": str, "sizes": str, "most_things": int, "coloured": bool}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"[words] has no {key}, it has {', '.join(known)}")
        if not isinstance(value, known[key]) or (isinstance(value, str) and Path(value).name != value):
            raise ValueError(f"{key} of [words] cannot be {value!r}")
    for key in ("things", "grounds"):
        table[key]


def stride_of(unet: dict[str, Any]) -> int:
    """Pixels of which the sides that a U-Net draws are multiples."""
    return int(unet["patch"] * 2 ** (len(unet["shape"]["channel_mult"]) - 1))


def _check_unet(table: dict[str, Any], side: object) -> None:
    for key in ("objective", "schedule", "patch", "learned_variance"):
        table[key]
    if table["objective"] not in ("eps", "v", "x0") or table["schedule"] not in ("linear", "cosine"):
        raise ValueError('objective is "eps", "v" or "x0", schedule is "linear" or "cosine"')
    if not isinstance(table.get("recompute", False), bool):
        raise ValueError("recompute is true or false")
    for key, value in [("patch", table["patch"]), *table["shape"].items()]:
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) > MOST_NUMBERS or not all(isinstance(n, int | float) and -1 <= n <= MOST for n in numbers):
            raise ValueError(f"{key} of a U-Net is a number up to {MOST}, or a few of them")
    if table["shape"].get("num_res_blocks", 0) > MOST_NUMBERS:
        raise ValueError(f"num_res_blocks is at most {MOST_NUMBERS}")
    stride = stride_of(table)
    if not isinstance(side, int) or side % stride or not 0 < side <= 2048:
        raise ValueError(f"side must be a multiple of {stride}")


def _check_weights(table: dict[str, Any], *, ours: bool) -> None:
    """A file must not lie anywhere but in its folder, and its hash must be one."""
    name = table["source"] if "source" in table else table["file"]
    _check_plain(name)
    if ours and "source" not in table and not name.endswith(".safetensors"):
        raise ValueError(
            f"{name} lies beside the set, so it must be .safetensors; others are converted by their source"
        )
    if not re.fullmatch(r"[0-9a-f]{64}", table["sha256"]):
        raise ValueError(f"the sha256 of {name} must be 64 digits from 0 to f")
    if not isinstance(size := table["bytes"] if "bytes" in table else table["about_bytes"], int) or size <= 0:
        raise ValueError(f"the size of {name} must be a whole number of bytes")
    if not all(_is_address(url) for url in table.get("urls", ())):
        raise ValueError(f"the urls of {name} must begin with https:// and be whole addresses")


def _is_address(url: object) -> bool:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port of six digits, half a bracket
        return False


def missing(file: WeightsFile) -> bool:
    """Whether the file is not on disk at all."""
    return not file.path.is_file() or (file.converted and not file.receipt.is_file())


def verify(file: WeightsFile) -> Path:
    """The path, once size and SHA-256 are right; else MissingWeights or CorruptWeights."""
    name = file.path.name
    if missing(file):
        cure = f"run `imago models fetch {file.set_name}`" if file.source else "install Imago again"
        raise MissingWeights(file.path, f"The weights file {file.source or name} is not there: {cure}.")
    cure = f"run `imago models fetch {file.set_name}`" if file.source else "delete it and get it again"
    size, sha256 = _size_and_hash(file, cure)
    if (there := file.path.stat().st_size) != size and (file.exact or file.converted):
        raise CorruptWeights(file.path, f"The weights file {name} has {there} bytes in place of {size}: {cure}.")
    if sha256_of(file.path) != sha256:
        raise CorruptWeights(file.path, f"The weights file {name} is damaged (wrong SHA-256): {cure}.")
    return file.path


def _size_and_hash(file: WeightsFile, cure: str) -> tuple[int, str]:
    """(size, SHA-256) that the file at `path` must have."""
    if not file.converted:
        return file.bytes, file.sha256
    try:
        receipt = json.loads(file.receipt.read_text(encoding="utf-8"))
        if receipt["source"] != file.sha256:
            raise ValueError
        return int(receipt["bytes"]), str(receipt["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptWeights(file.receipt, f"The receipt {file.receipt.name} is damaged: {cure}.") from error


def sha256_of(path: Path) -> str:
    """Hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
