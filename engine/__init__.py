"""the engine's door: a Request goes in, a stream of Events comes out. Importing it does not import torch."""

from collections.abc import Iterator

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
    "CorruptWeights", "EngineDied", "EngineError", "EngineProcess", "Event", "Failed", "Finished", "MissingWeights",
    "NumericalError", "OutOfMemory", "Preview", "Progress", "Request", "Started", "UpscaleRequest", "WeightsError",
    "as_json", "draw", "upscale",
]


def draw(request: Request, *, resume: bytes | None = None) -> Iterator[Event]:
    """Draw in this process; torch is imported at the first step. Closing the stream frees it.

    Args:
        request: what to draw.
        resume: the state of a Checkpoint of the same request, to go on from there.

    Raises (while iterating): EngineError.
    """
    from engine.draw import draw_events

    return draw_events(request, resume)


def upscale(request: UpscaleRequest) -> Iterator[Event]:
    """Enlarge a picture ×4 in this process; the same stream as `draw`, without previews and GIF."""
    from engine.draw import upscale_events

    return upscale_events(request)
