"""the assembly: Request + models → a stream of Events."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.samplers import Step
from engine.diffusion.stopping import clean_from, satisfied
from engine.drawing.canvas import check_inputs, drawn_size, grid, halved, mirrored, shown_size
from engine.drawing.checkpoint import Sitting, pack_sitting, unpack_sitting
from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.provenance import metadata_of
from engine.drawing.steps import beginning, first_noise, levels_of, resolved, steps_of, targets_of, until_level_of
from engine.drawing.upscale import enlarged
from engine.errors import NumericalError
from engine.events import Checkpoint, Event, Finished, Preview, Progress, Started
from engine.model_sets.weights import load_model_set
from engine.networks.tuning import lacks_memory, memory_sentence
from engine.pictures.images import pixels_sha256, to_gif, to_png, to_tensor, to_uint8
from engine.pictures.inputs import read_inputs
from engine.request import Inputs, Request

__all__ = ["draw_events", "enlarged", "first_noise", "resolved", "steps_of", "targets_of"]
GIF_FRAMES = 40  # about as many moments of the drawing are kept


def draw_events(request: Request, resume: bytes | None, inputs: Inputs, parent: str | None) -> Iterator[Event]:
    """See `engine.draw`."""
    description = load_model_set(request.models)
    request = resolved(request, description.defaults, has_init=inputs.init is not None)
    given = read_inputs(inputs, *drawn_size(request, description))
    sitting = unpack_sitting(resume, request, description, given.hashes) if resume else None
    if sitting is None:
        check_inputs(request, inputs)
    with memory_sentence(request.models):
        models = load_models(request.models, choose_device())
        if sitting is None:
            x, index = beginning(models, request, given.init)
            sitting = Sitting(x=x.cpu(), index=index, targets=given.targets, inputs=given.hashes)
        width, height = shown_size(request, description)
        yield Started(
            models=request.models,
            seed=request.seed,
            steps=request.steps,
            width=width,
            height=height,
            first_step=request.steps - 1 - sitting.index,
            device=models.device.type,
        )
        yield from _drawing(models, request, sitting)
        yield _finished(models, request, sitting, parent)


def _patient_steps(models: Models, request: Request, sitting: Sitting) -> Iterator[Step]:
    """The steps still to do; one that runs out of memory is made again with CLIP looking at fewer crops at a time."""
    while True:
        try:
            x = sitting.x.to(models.device)
            yield from steps_of(models, [request], x, sitting.index, sitting.targets)
            return
        except RuntimeError as error:
            if not lacks_memory(error) or not models.look_at_fewer():
                raise
        if models.device.type == "cuda":
            torch.cuda.empty_cache()  # here the failed step's tensors are gone, with its traceback


def _drawing(models: Models, request: Request, sitting: Sitting) -> Iterator[Event]:
    """The steps still to do; `sitting` is brought forward by each."""
    steps, began, before, first = request.steps, time.monotonic(), sitting.seconds, sitting.index
    levels, clean = levels_of(models, request), clean_from(until_level_of(models, request))
    if sitting.index < 0:
        return
    for step in _patient_steps(models, request, sitting):
        if not torch.isfinite(step.x).all():
            raise NumericalError(
                "The drawing broke off: its numbers ran away. Try another seed, or a lower guidance scale."
            )
        done = steps - step.index
        distances = [0.0] * len(step.x) if step.distance is None else step.distance.tolist()
        sitting.x, sitting.index, sitting.unet_calls = step.x.cpu(), step.index - 1, sitting.unet_calls + 1
        if request.stop is not None:
            sitting.distances.append(distances)
            level = float(levels.alphas_cumprod[step.index])
            if step.index > 0 and satisfied(sitting.distances, level, steps, clean):
                sitting.x, sitting.index, sitting.satisfied_at = step.x0.cpu(), -1, done
        sitting.seconds = before + time.monotonic() - began
        shown = _wanted(request, sitting.x if sitting.index < 0 else step.x0)
        if done % -(-steps // GIF_FRAMES) == 0 or sitting.index < 0:
            sitting.frames.append(np.concatenate([to_uint8(picture.cpu()) for picture in shown]))
        pace = (sitting.seconds - before) / (first - step.index + 1)
        yield Progress(
            step=done, steps=steps, seconds_left=pace * (sitting.index + 1), distance=sum(distances) / len(distances)
        )
        if done * 10 // steps > (done - 1) * 10 // steps or sitting.index < 0:
            percent = 100 if sitting.index < 0 else done * 10 // steps * 10
            yield Preview(
                percent=percent, step=done, steps=steps, png=to_png(grid(_pixels(models, request, list(shown))), {})
            )
            yield Checkpoint(
                percent=percent, step=done, steps=steps, state=pack_sitting(sitting, request, models.description)
            )
        if sitting.index < 0:
            return


def _wanted(request: Request, x: Tensor) -> Tensor:
    """The pictures [n, 3, h, w] of a batch that are handed over."""
    return x if request.pick is None else x[request.pick - 1 : request.pick]


def _pixels(models: Models, request: Request, pictures: list[Tensor]) -> list[np.ndarray]:
    """Pictures [3, h, w] as they are shown, [H, W, 3] uint8 each."""
    return [mirrored(pixels, request.symmetry) for pixels in enlarged(models, pictures)]


def _frame(models: Models, request: Request, stacked: np.ndarray) -> np.ndarray:
    """A moment of the drawing as the GIF shows it; a grid at half its size."""
    _, height = drawn_size(request, models.description)
    parts = np.split(stacked, len(stacked) // height)
    pictures = _pixels(models, request, [to_tensor(part) for part in parts])
    return halved(grid(pictures)) if len(pictures) > 1 else pictures[0]


def _finished(models: Models, request: Request, sitting: Sitting, parent: str | None) -> Finished:
    def png(pixels: np.ndarray, drawn: Request) -> bytes:
        return to_png(pixels, metadata_of(drawn, models.description, sitting.inputs, parent))

    pictures = _pixels(models, request, list(_wanted(request, sitting.x)))
    whole = grid(pictures)
    alone = enumerate(pictures, 1) if len(pictures) > 1 else ()
    return Finished(
        png=png(whole, request),
        gif=to_gif([_frame(models, request, frame) for frame in sitting.frames]),
        width=whole.shape[1],
        height=whole.shape[0],
        seed=request.seed,
        steps=request.steps,
        seconds=sitting.seconds,
        unet_calls=sitting.unet_calls,
        pixels_sha256=pixels_sha256(whole),
        satisfied_at=sitting.satisfied_at,
        pictures=tuple(png(pixels, replace(request, pick=number)) for number, pixels in alone),
    )
