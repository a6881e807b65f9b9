"""the engine's door: a Request goes in, a stream of Events comes out. Importing it does not import torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import (
    BadCheckpoint,
    BadPicture,
    BadRequest,
    CorruptWeights,
    EngineDied,
    EngineError,
    MissingWeights,
    NumericalError,
    OutOfMemory,
    WeightsError,
)
from engine.events import Checkpoint, Event, Failed, Finished, Preview, Progress, Started, as_json
from engine.process import EngineProcess
from engine.request import BOUNDS, MAX_PROMPT, MAX_SEED, SAMPLERS, WHOLE, Request, UpscaleRequest

__all__ = [
    "BOUNDS", "MAX_PROMPT", "MAX_SEED", "SAMPLERS", "WHOLE", "BadCheckpoint", "BadPicture", "BadRequest", "Checkpoint",
    "CorruptWeights", "EngineDied", "EngineError", "EngineProcess", "Event", "Failed", "Finished", "Inspection",
    "MissingWeights", "ModelSetStatus", "NumericalError", "OutOfMemory", "Preview", "Progress", "Request", "Started",
    "UpscaleRequest", "WeightsError", "as_json", "draw", "inspect", "model_sets", "request_of_checkpoint",
    "torch_and_device", "upscale", "verify_models",
]


def draw(request: Request, *, resume: bytes | None = None) -> Iterator[Event]:
    """Draw in this process; torch is imported at the first step. Closing the stream frees it.

    Args:
        request: what to draw.
        resume: the state of a Checkpoint of the same request, to go on from there.

    Raises (while iterating): EngineError.
    """
    from engine.drawing import draw_events

    return draw_events(request, resume)


def upscale(request: UpscaleRequest) -> Iterator[Event]:
    """Enlarge a picture ×4 in this process; the same stream as `draw`, without previews and GIF."""
    from engine.drawing import upscale_events

    return upscale_events(request)


def request_of_checkpoint(state: bytes) -> Request:
    """The request whose drawing a Checkpoint's state holds; raises BadCheckpoint."""
    from engine.checkpoint import request_of_checkpoint as read

    return read(state)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a finished picture says of itself."""

    metadata: dict[str, str]
    request: Request
    command: str  # of the shell; draws it again


def inspect(png: bytes) -> Inspection:
    """Read a picture's provenance; raises BadPicture when it has none."""
    from engine.images import read_png
    from engine.provenance import command_of, request_of

    _, metadata = read_png(png)
    request = request_of(metadata)
    return Inspection(metadata=metadata, request=request, command=command_of(request))


@dataclass(frozen=True, kw_only=True)
class ModelSetStatus:
    """A described model set and how much of it is on disk."""

    name: str
    title: str
    bytes: int
    bytes_on_disk: int


def model_sets() -> list[ModelSetStatus]:
    """Every model set, by name; sizes only, hashes are checked when a set is loaded."""
    from engine.weights import load_model_set, missing, model_set_names

    found = []
    for name in model_set_names():
        described = load_model_set(name)
        found.append(ModelSetStatus(
            name=name, title=described.title, bytes=sum(file.bytes for file in described.files()),
            bytes_on_disk=sum(file.path.stat().st_size for file in described.files() if not missing(file))))
    return found


def verify_models(name: str) -> int:
    """Check size and SHA-256 of every file of a set; its bytes. Raises BadRequest, MissingWeights, CorruptWeights."""
    from engine.weights import load_model_set, verify

    files = load_model_set(name).files()
    for file in files:
        verify(file)
    return sum(file.bytes for file in files)


def torch_and_device() -> tuple[str, str]:
    """Version of torch, and the device that drawings run on. Raises whatever keeps torch from being imported."""
    import torch

    from engine.models import choose_device

    return torch.__version__, str(choose_device())
