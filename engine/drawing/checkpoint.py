"""a drawing in the middle, as bytes: everything that another process needs to go on with the same pixels."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from engine.drawing.canvas import drawn_size
from engine.errors import BadCheckpoint
from engine.model_sets.weights import ModelSet
from engine.pictures.inputs import WeightedPictures
from engine.request import Request
from engine.steering import Change
from engine.widths import Runs

FORMAT = 1
MEMORY = "memory."  # before the names of the sampler's tensors


@dataclass
class DrawingState:
    """How far a drawing has come; the only mutable record of the engine."""

    x: Tensor  # [count, 3, h, w] float32 on the CPU, at level `index`
    index: int  # of the level to go on from; −1 when all steps are done
    frames: list[np.ndarray] = field(default_factory=list)  # [n · h, w, 3] uint8, pictures one below the other: the GIF
    seconds: float = 0.0  # spent drawing so far
    unet_calls: int = 0
    distances: list[list[float]] = field(default_factory=list)  # of each picture, a row for each step
    satisfied_at: int = 0  # the step after which CLIP was satisfied, if it was
    targets: WeightedPictures = field(default_factory=list)  # pictures that pull
    inputs: dict[str, Any] = field(default_factory=dict)  # hashes of the pictures that went in
    changes: tuple[Change, ...] = ()  # what was said while it was drawn
    memory: dict[str, Tensor] = field(default_factory=dict)  # of the sampler, beside x and index
    widths: Runs = ()  # of the calls that its steps so far were part of
    threads: int = 0  # that share the sums of its steps; 0 where the checkpoint is of before it was noted


def _identity(request: Request, models: ModelSet) -> str:
    """What must be equal for a drawing to go on: the same request on the same weights, drawn the same way."""
    return json.dumps([request.to_json(), [file.sha256 for file in models.files()], asdict(models.defaults)])


def pack_state(state: DrawingState, request: Request, models: ModelSet) -> bytes:
    """safetensors bytes; no code can hide in them."""
    frames = np.stack(state.frames) if state.frames else np.zeros((0, 1, 1, 3), np.uint8)
    about = {
        "format": FORMAT,
        "identity": _identity(request, models),
        "index": state.index,
        "seconds": state.seconds,
        "unet_calls": state.unet_calls,
        "distances": state.distances,
        "satisfied_at": state.satisfied_at,
        "inputs": state.inputs,
        "changes": [(change.percent, change.words) for change in state.changes],
        "widths": state.widths,
        "threads": state.threads,
        "weights": [weight for _, weight in state.targets],
    }
    pictures = {f"target{k}": torch.from_numpy(picture) for k, (picture, _) in enumerate(state.targets)}
    memory = {f"{MEMORY}{name}": tensor for name, tensor in state.memory.items()}
    tensors = {"x": state.x.contiguous(), "frames": torch.from_numpy(frames), **pictures, **memory}
    return save(tensors, {"imago": json.dumps(about)})


def request_of_checkpoint(packed: bytes) -> Request:
    """The request whose drawing a checkpoint holds; raises BadCheckpoint when it is none."""
    return Request.from_json(json.loads(_read(packed)[0]["identity"])[0])


def _read(packed: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The JSON, and the tensors beside it."""
    try:
        tensors = load(packed)
        header = json.loads(packed[8 : 8 + int.from_bytes(packed[:8], "little")])
        about = json.loads(header["__metadata__"]["imago"])
        if about["format"] != FORMAT:
            raise BadCheckpoint("This checkpoint was written by another version of Imago: start the drawing again.")
        return dict(about), tensors
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint("This is not a checkpoint of a drawing: start the drawing again without it.") from error


def unpack_state(
    packed: bytes, request: Request, models: ModelSet, inputs: dict[str, Any] | None = None
) -> DrawingState:
    """Raises BadCheckpoint for anything that `pack_state` did not write for this request and these weights.

    Args:
        inputs: hashes of the pictures that are given again; they need not be, for the checkpoint holds what
            is still needed of them.
    """
    about, tensors = _read(packed)
    kept = about.get("inputs", {})  # a checkpoint of before there were any lacks the later entries
    if about["identity"] != _identity(request, models) or (inputs and inputs != kept):
        raise BadCheckpoint(
            "This checkpoint belongs to another prompt, seed, setting, picture or model: "
            "give the same ones, or start again without it."
        )
    targets = [
        (tensors[name].numpy(), weight)
        for k, weight in enumerate(about.get("weights", []))
        if (name := f"target{k}") in tensors
    ]
    state = DrawingState(
        x=tensors["x"],
        index=about["index"],
        frames=list(tensors["frames"].numpy()),
        seconds=about["seconds"],
        unet_calls=about["unet_calls"],
        distances=about.get("distances", []),
        satisfied_at=about.get("satisfied_at", 0),
        targets=targets,
        inputs=kept,
        changes=tuple(Change(percent, words) for percent, words in about.get("changes", [])),
        widths=tuple((width, steps) for width, steps in about.get("widths", [])),
        threads=about.get("threads", 0),
        memory={name.removeprefix(MEMORY): value for name, value in tensors.items() if name.startswith(MEMORY)},
    )
    width, height = drawn_size(request, models)
    whole = state.x.shape == (request.count, 3, height, width) and bool(torch.isfinite(state.x).all())
    whole = whole and len(targets) == len(about.get("weights", []))
    whole = whole and all(bool(torch.isfinite(tensor).all()) for tensor in state.memory.values())
    if not whole or not -1 <= state.index < (request.steps or 0):
        raise BadCheckpoint("This checkpoint is damaged: start the drawing again without it.")
    return state
