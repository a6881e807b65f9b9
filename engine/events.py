"""the Events of a drawing: frozen records, in the order they can come.

A stream is `Started`, then any number of `Progress`, `Preview`, `Checkpoint` and `Steered`, then `Finished`.
Errors are raised by the stream; across a process border they travel as `Failed`.
"""

from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Started:
    """Models are loaded, the first step comes next."""

    models: str  # name of the model set
    seed: int
    steps: int  # of the whole drawing
    first_step: int  # 0, or where a resumed drawing goes on
    width: int  # of the final picture, pixels
    height: int
    device: str  # cpu, cuda or mps


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One step is done."""

    step: int  # 1 … steps
    steps: int
    seconds_left: float
    distance: float  # mean spherical distance between the cuts and the prompt, about 0 … 5; lower is closer


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The predicted picture so far, at each 10 %."""

    percent: int  # 10, 20 … 100
    step: int
    steps: int
    png: bytes  # same size as the final picture


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state to resume from in another process, with the same final pixels."""

    percent: int
    step: int
    steps: int
    state: bytes  # opaque; pass it to `draw(request, resume=state)`


@dataclass(frozen=True, kw_only=True)
class Steered:
    """Words came while it was drawn; what holds from now on is in the Checkpoint that follows before the next step."""

    number: int  # as they were numbered by whoever passed them on
    words: str
    outcome: str  # held; late: holds, can hardly show; overtaken by newer words; full: too many; unfit: no prompt
    step: int  # steps done before
    steps: int
    then: str  # all that is said on the way by now, as in `Request.then`; may be empty


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The finished picture, and the GIF of its process."""

    png: bytes  # with provenance in its metadata; the grid in two columns where several were asked for
    gif: bytes  # empty for an upscale
    width: int
    height: int
    seed: int
    steps: int
    seconds: float  # of drawing, over all runs of a resumed drawing
    unet_calls: int  # forward passes of the U-Net, over all runs of a resumed drawing
    pixels_sha256: str  # of the RGB bytes, row by row
    pictures: tuple[bytes, ...] = ()  # where `png` is a grid: the PNG of each, which is also its own provenance
    satisfied_at: int = 0  # the step after which the drawing ended early; 0 where it did not
    score: float | None = None  # score of the moderation check; see engine/drawing/scoring.py


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The stream ended without a picture; `kind` is the class name in `engine.errors`."""

    kind: str
    sentence: str  # for the person who asked


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """Progress of fetching one file of a model set; not part of a drawing."""

    file: str
    done: int  # bytes
    bytes: int
    phase: str  # download, check or convert


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What fetching a model set requires, yielded before anything is fetched."""

    download: int  # bytes
    disk: int  # bytes that must be free while it is fetched and converted
    free: int  # bytes that are
    folder: Path
    memory: str  # what a drawing needs, for people
    licence: str = ""  # of the weights; "unknown" where nobody could tell
    credit: str = ""  # the line that the licence wants to be shown
    begun: bool = False  # an earlier call has fetched a part of the set's U-Net, or all of it


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What a drawing consists of."""

    steps: float  # of the sampler, less those that an init picture saves
    pictures: int  # that are drawn
    crops: float  # that CLIP sees at each step, on average over the drawing
    pixels: int  # of one finished picture


Event = Started | Progress | Preview | Checkpoint | Steered | Finished | Failed


def as_json(event: Event) -> dict[str, object]:
    """The record as plain JSON values, `event` first; bytes are told by their length."""
    values: dict[str, object] = {"event": type(event).__name__.lower()}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, bytes):
            values[f"{field.name}_bytes"] = len(value)
        elif isinstance(value, tuple):
            values[f"{field.name}_bytes"] = [len(part) for part in value]
        else:
            values[field.name] = round(value, 4) if isinstance(value, float) else value
    return values
