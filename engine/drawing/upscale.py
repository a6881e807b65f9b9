"""the set's upscaler, within a drawing or for a finished picture."""

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.provenance import PARENT
from engine.errors import BadPicture, BadRequest
from engine.events import Event, Finished, Progress, Started
from engine.model_sets.weights import load_model_set
from engine.networks.tuning import memory_sentence
from engine.networks.upscaler import Upscaler, tiles
from engine.pictures.images import pixels_sha256, read_png, to_png, to_tensor, to_uint8
from engine.request import UpscaleRequest

TILE, OVERLAP = 256, 16  # pixels of the small picture, when the set does not say otherwise
LARGEST = 1024 * 1024  # pixels of a picture to enlarge: four times each side is what chats still take


def enlarge(models: Models, pictures: list[Tensor]) -> list[np.ndarray]:
    """[3, h, w] in −1 … 1 each → [h·scale, w·scale, 3] uint8, through the set's upscaler if it draws with one."""
    if models.description.scale == 1:
        return [to_uint8(picture.cpu()) for picture in pictures]
    return [_upscale(models, picture) for picture in pictures]


def _upscale(models: Models, picture: Tensor) -> np.ndarray:
    assert models.upscaler is not None and models.description.upscaler is not None
    overlap = models.description.upscaler.get("overlap", OVERLAP)
    x = picture[None].to(models.device).clamp(-1, 1)
    return upscale_to_pixels(models.upscaler, x, tile=TILE, overlap=overlap)


@torch.inference_mode()
def upscale_to_pixels(model: Upscaler, x: Tensor, *, tile: int, overlap: int) -> np.ndarray:
    """One picture [1, 3, h, w] as `upscale` and then `to_uint8` would make it, [H, W, 3]; only a tile is ever float."""
    h, w = x.shape[-2:]
    out = np.empty((h * model.scale, w * model.scale, 3), np.uint8)
    for rows, columns, large in tiles(model, x, tile, overlap):
        out[rows, columns] = to_uint8(large[0])
    return out


def upscale_events(request: UpscaleRequest, parent: str | None) -> Iterator[Event]:
    """See `engine.upscale`."""
    began = time.monotonic()
    pixels, metadata = read_png(request.png)
    if pixels.shape[0] * pixels.shape[1] > LARGEST:
        raise BadPicture("This picture is too large to enlarge: it may have a million pixels, 1024 × 1024.")
    if parent is not None:
        metadata = {**metadata, PARENT: parent}
    table = load_model_set(request.models).upscaler
    if table is None:
        raise BadRequest("models", f"The model set {request.models} has no upscaler: choose another one.")
    with memory_sentence(request.models):
        models = load_models(request.models, choose_device())
        scale, (height, width) = table["scale"], pixels.shape[:2]
        yield Started(
            models=request.models,
            seed=0,
            steps=1,
            first_step=0,
            width=width * scale,
            height=height * scale,
            device=models.device.type,
        )
        big = _upscale(models, to_tensor(pixels))
        yield Progress(step=1, steps=1, seconds_left=0.0, distance=0.0)
        yield Finished(
            png=to_png(big, metadata),
            gif=b"",
            width=big.shape[1],
            height=big.shape[0],
            seed=0,
            steps=1,
            seconds=time.monotonic() - began,
            unet_calls=0,
            pixels_sha256=pixels_sha256(big),
        )
