"""a drawing in the middle, as bytes: everything that another process needs to go on with the same pixels."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from engine.errors import BadCheckpoint
from engine.request import Request
from engine.weights import ModelSet

FORMAT = 1


@dataclass
class Sitting:
    """How far a drawing has come; the only mutable record of the engine."""

    x: Tensor  # [1, 3, side, side] float32 on the CPU, at level `index`
    index: int  # of the level to go on from; −1 when all steps are done
    frames: list[np.ndarray] = field(default_factory=list)  # [side, side, 3] uint8, for the GIF
    seconds: float = 0.0  # spent drawing so far
    unet_calls: int = 0


def _identity(request: Request, models: ModelSet) -> str:
    """What must be equal for a drawing to go on: the same request on the same weights, drawn the same way."""
    return json.dumps([request.to_json(), [file.sha256 for file in models.files()], asdict(models.defaults)])


def pack_sitting(sitting: Sitting, request: Request, models: ModelSet) -> bytes:
    """safetensors bytes; no code can hide in them."""
    frames = np.stack(sitting.frames) if sitting.frames else np.zeros((0, 1, 1, 3), np.uint8)
    about = {"format": FORMAT, "identity": _identity(request, models), "index": sitting.index,
             "seconds": sitting.seconds, "unet_calls": sitting.unet_calls}
    return save({"x": sitting.x.contiguous(), "frames": torch.from_numpy(frames)}, {"imago": json.dumps(about)})


def request_of_checkpoint(state: bytes) -> Request:
    """The request whose drawing a checkpoint holds; raises BadCheckpoint when it is none."""
    return Request.from_json(json.loads(_about(state)["identity"])[0])


def _about(state: bytes) -> dict[str, Any]:
    """The JSON beside the tensors."""
    try:
        load(state)
        header = json.loads(state[8:8 + int.from_bytes(state[:8], "little")])
        about = json.loads(header["__metadata__"]["imago"])
        if about["format"] != FORMAT:
            raise BadCheckpoint("This checkpoint was written by another version of Imago: start the drawing again.")
        return dict(about)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint("This is not a checkpoint of a drawing: start the drawing again without it.") from error


def unpack_sitting(state: bytes, request: Request, models: ModelSet) -> Sitting:
    """Raises BadCheckpoint for anything that `pack_sitting` did not write for this request and these weights."""
    about, tensors = _about(state), load(state)
    if about["identity"] != _identity(request, models):
        raise BadCheckpoint("This checkpoint belongs to another prompt, seed, setting or model: "
                            "give the same ones, or start again without it.")
    sitting = Sitting(x=tensors["x"], index=about["index"], frames=list(tensors["frames"].numpy()),
                      seconds=about["seconds"], unet_calls=about["unet_calls"])
    whole = sitting.x.shape == (1, 3, models.side, models.side) and bool(torch.isfinite(sitting.x).all())
    if not whole or not -1 <= sitting.index < (request.steps or 0):
        raise BadCheckpoint("This checkpoint is damaged: start the drawing again without it.")
    return sitting
