"""the engine's public API: a Request goes in, a stream of Events comes out. Importing it does not import torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import (
    BadCheckpoint,
    BadPicture,
    BadRequest,
    CannotFetch,
    CorruptWeights,
    EngineDied,
    EngineError,
    MissingWeights,
    NumericalError,
    OutOfMemory,
    WeightsError,
)
from engine.events import (
    Checkpoint,
    Event,
    Failed,
    Fetching,
    Finished,
    Needs,
    Preview,
    Progress,
    Started,
    Steered,
    Workload,
    as_json,
)
from engine.files import FolderLocked, lock_folder, put_in_place, write_file
from engine.networks.imports import share_processor
from engine.process.cluster import ClusterStatus, RayEngines, look_at_cluster, ray_installed
from engine.process.parent import EngineProcess
from engine.process.wire import EngineState
from engine.prompts import MINUSES, parse_prompt, split_prompt
from engine.request import (
    BOUNDS,
    CHOICES,
    MAX_PICTURE_BYTES,
    MAX_PROMPT,
    MAX_SEED,
    MAX_SIDE,
    MAX_TARGETS,
    RAMPS,
    WHOLE,
    Inputs,
    Request,
    UpscaleRequest,
    read_option,
    size_of,
)
from engine.retry import backoff
from engine.words.understanding import Understood, Word
from engine.words.word_list import Named

__all__ = [
    "BOUNDS",
    "CHOICES",
    "MAX_PROMPT",
    "MAX_SEED",
    "MAX_SIDE",
    "MAX_TARGETS",
    "RAMPS",
    "WHOLE",
    "BadCheckpoint",
    "BadPicture",
    "BadRequest",
    "CannotFetch",
    "Checkpoint",
    "ClusterStatus",
    "CorruptWeights",
    "EngineDied",
    "EngineError",
    "EngineProcess",
    "EngineState",
    "Event",
    "Failed",
    "Fetching",
    "Finished",
    "FolderLocked",
    "Inputs",
    "Inspection",
    "MissingWeights",
    "ModelSetStatus",
    "Named",
    "Needs",
    "NumericalError",
    "OutOfMemory",
    "Preview",
    "Progress",
    "RayEngines",
    "Request",
    "Started",
    "Steered",
    "Understood",
    "UpscaleRequest",
    "WeightsError",
    "Word",
    "Workload",
    "accept_picture",
    "accept_picture_apart",
    "add_model_file",
    "as_json",
    "backoff",
    "best_models",
    "check_request",
    "credit_of",
    "draw",
    "fetch_models",
    "gallery",
    "inspect",
    "known_seconds",
    "measure_pace",
    "model_needs",
    "list_model_sets",
    "lock_folder",
    "look_at_cluster",
    "png_size",
    "put_in_place",
    "ray_installed",
    "read_option",
    "request_of_checkpoint",
    "torch_and_device",
    "understand",
    "upscale",
    "verify_models",
    "workload",
    "write_file",
    "vocabulary",
    "MAX_PICTURE_BYTES",
    "MINUSES",
    "knows_any_word",
    "nearest_size",
    "split_prompt",
]


NO_INPUTS = Inputs()


def draw(
    request: Request, *, resume: bytes | None = None, inputs: Inputs = NO_INPUTS, parent: str | None = None
) -> Iterator[Event]:
    """Draw in this process; torch is imported at the first step. Closing the stream frees it.

    Args:
        request: what to draw.
        resume: the state of a Checkpoint of the same request, to go on from there.
        inputs: pictures to begin from and to be pulled towards; with `resume` they may be left out.
        parent: the job that this drawing comes from, for the picture's provenance.

    Raises (while iterating): EngineError.
    """
    share_processor()
    from engine.drawing.batch import draw_events

    return draw_events(request, resume, inputs, parent)


def check_request(request: Request, inputs: Inputs = NO_INPUTS) -> None:
    """Raises BadRequest for what the model set cannot draw, a size for instance; does not import torch."""
    from engine.drawing.canvas import check_inputs, finished_size
    from engine.model_sets.weights import load_model_set

    finished_size(request, load_model_set(request.models))
    if request.size is not None and (near := nearest_size(request)) != request.size:
        raise BadRequest("size", f"{request.models} draws {near} and no other size: leave size out.")
    check_inputs(request, inputs)


def understand(models: str, prompt: str) -> Understood | None:
    """What a set knows of a prompt's words, parts together; None where it knows any word. Without torch.

    What a prompt pushes away from is left out. The first call of a process takes about a second, as dictionaries are
    read. Raises BadRequest.
    """
    from engine.model_sets.weights import load_model_set
    from engine.words.understanding import understand as read

    words = load_model_set(models).word_list
    if words is None:
        return None
    parts = parse_prompt(prompt)
    wanted = [part for part in parts if part.weight > 0] or parts
    return read(words, " | ".join(part.text for part in wanted))


def vocabulary(models: str) -> tuple[Named, ...]:
    """Everything that a set can draw by name, things, colours and settings; none where it knows any word.

    Raises BadRequest.
    """
    from engine.model_sets.weights import load_model_set

    words = load_model_set(models).word_list
    return () if words is None else tuple(words.named.values())


def gallery(models: str) -> bytes | None:
    """Pictures of all things of `vocabulary`, in its order, that the set drew itself; None where it has none.

    One WebP of square tiles, 20 a row. Raises BadRequest.
    """
    from engine.model_sets.weights import load_model_set

    path = load_model_set(models).folder / "gallery.webp"
    return path.read_bytes() if path.is_file() else None


def nearest_size(request: Request) -> str:
    """The size of the request where its model set draws that well, else the nearest one that it does; without torch."""
    from engine.drawing.canvas import nearest_size as nearest
    from engine.model_sets.weights import load_model_set

    described = load_model_set(request.models)
    if not request.size or described.words is not None:  # a set that knows things by name learned them in one size
        return f"{described.side * described.scale}x{described.side * described.scale}"
    width, height = nearest(*size_of(request.size), described)
    return f"{width}x{height}"


def workload(request: Request) -> Workload:
    """Steps, pictures, crops and pixels of a drawing, before it is begun; without torch. Raises BadRequest."""
    from engine.drawing.workload import workload as measure
    from engine.model_sets.weights import load_model_set

    return measure(request, load_model_set(request.models))


def knows_any_word(models: str) -> bool:
    """Whether a set's CLIPs know any word, so that styles made of words mean something to it. Raises BadRequest."""
    from engine.model_sets.weights import load_model_set

    return load_model_set(models).words is None


def upscale(request: UpscaleRequest, *, parent: str | None = None) -> Iterator[Event]:
    """Enlarge a picture ×4 in this process; the same stream as `draw`, without previews and GIF.

    Its provenance stays that of the drawing; `parent` is the job that the picture comes from.
    """
    share_processor()
    from engine.drawing.upscale import upscale_events

    return upscale_events(request, parent)


def accept_picture(data: bytes) -> bytes:
    """A picture from outside (PNG, JPEG, WebP or GIF) as a clean RGB PNG of at most 1024 pixels a side.

    It takes up to a second and imports Pillow, not torch. Raises BadPicture, whose `reason` is kind, bytes, pixels,
    costly or damaged.
    """
    from engine.pictures.intake import accept

    return accept(data)


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG that Imago made or accepted."""
    from engine.pictures.intake import png_size as size

    return size(png)


async def accept_picture_apart(data: bytes) -> bytes:
    """`accept_picture` in a process of its own with little memory, which is killed when it takes too long."""
    from engine.process.decoding import accept_apart

    return await accept_apart(data)


def request_of_checkpoint(state: bytes) -> Request:
    """The request whose drawing a Checkpoint's state holds; raises BadCheckpoint."""
    share_processor()
    from engine.drawing.checkpoint import request_of_checkpoint as read

    return read(state)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a finished picture says of itself."""

    metadata: dict[str, str]
    request: Request
    command: str  # of the shell; draws it again


def inspect(png: bytes) -> Inspection:
    """Read a picture's provenance; raises BadPicture when it has none."""
    from engine.drawing.provenance import INPUTS, command_of, request_of
    from engine.pictures.images import read_png

    _, metadata = read_png(png)
    request = request_of(metadata)
    return Inspection(metadata=metadata, request=request, command=command_of(request, metadata.get(INPUTS)))


@dataclass(frozen=True, kw_only=True)
class ModelSetStatus:
    """A described model set and how much of it is on disk."""

    name: str
    title: str
    bytes: int  # as published
    ready: bool  # everything is on disk
    licence: str  # of the weights; "unknown" where nobody could tell
    suits: bool  # it draws in minutes on a machine like this
    seconds: float | None  # that a picture takes here, if that has been measured


def list_model_sets() -> list[ModelSetStatus]:
    """Every model set that can be used, by name; hashes are checked when a set is loaded."""
    from engine.model_sets.pace import known_pace, suits
    from engine.model_sets.weights import load_model_set, missing, model_set_names

    found = []
    for name in model_set_names():
        try:
            described = load_model_set(name)
        except BadRequest:
            continue  # a broken set of somebody's own, which says what is wrong when it is asked for
        files = described.files()
        found.append(
            ModelSetStatus(
                name=name,
                title=described.title,
                bytes=sum(file.bytes for file in files),
                ready=not any(missing(file) for file in files),
                licence=described.licence,
                suits=suits(described),
                seconds=pace.picture if (pace := known_pace(name)) else None,
            )
        )
    return found


def measure_pace(name: str) -> float:
    """Seconds of a picture of a set here at its defaults, by a few steps without its weights. Raises BadRequest."""
    share_processor()
    from engine.drawing.pace import measure_pace as measure

    return measure(name).picture


def known_seconds(request: Request) -> float | None:
    """Seconds that a drawing takes by the step that `measure_pace` found last, of which an adaptive sampler may take
    more; without torch. None where nothing was measured. Raises BadRequest.
    """
    from engine.model_sets.pace import known_pace

    pace = known_pace(request.models)
    if pace is None:
        return None
    size = workload(request)
    return pace.step * size.steps * (size.pictures if pace.device == "cpu" else 1)


def credit_of(name: str) -> str:
    """The line that the licence of a set wants to be shown beside its pictures; empty where it wants none."""
    from engine.model_sets.weights import load_model_set

    try:
        return load_model_set(name).credit
    except BadRequest:
        return ""  # the set has been taken away since


def model_needs(name: str) -> Needs:
    """What fetching a set would take. Raises BadRequest."""
    from engine.model_sets.fetch import needs

    return needs(name)


def fetch_models(name: str) -> Iterator[Fetching]:
    """Bring a set onto this machine: download, check, convert; what is here and sound is left alone.

    Raises (while iterating): BadRequest, CannotFetch, CorruptWeights.
    """
    from engine.model_sets.fetch import fetch

    return fetch(name)


def add_model_file(path: Path) -> Iterator[Fetching]:
    """Take over a published checkpoint that came another way, or the description of a set of one's own.

    Raises (while iterating): BadRequest, CannotFetch, CorruptWeights, OSError.
    """
    from engine.model_sets.fetch import add

    return add(path)


def best_models() -> str:
    """The set that suits this machine: what `auto` stands for. Imports torch."""
    share_processor()
    from engine.drawing.models import choose_device, models_for

    return models_for(choose_device())


def verify_models(name: str) -> int:
    """Check size and SHA-256 of every file of a set; its bytes. Raises BadRequest, MissingWeights, CorruptWeights."""
    from engine.model_sets.weights import load_model_set, verify

    files = load_model_set(name).files()
    for file in files:
        verify(file)
    return sum(file.bytes for file in files)


def torch_and_device() -> tuple[str, str]:
    """Version of torch, and the device that drawings run on. Raises whatever keeps torch from being imported."""
    import torch

    from engine.drawing.models import choose_device

    return torch.__version__, str(choose_device())
