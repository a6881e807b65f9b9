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
from engine.drawing.checkpoint import DrawingState, pack_state, unpack_state
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
    state = unpack_state(resume, request, description, given.hashes) if resume else None
    if state is None:
        check_inputs(request, inputs)
    with memory_sentence(request.models):
        models = load_models(request.models, choose_device())
        if state is None:
            x, index = beginning(models, request, given.init)
            state = DrawingState(x=x.cpu(), index=index, targets=given.targets, inputs=given.hashes)
        width, height = shown_size(request, description)
        yield Started(
            models=request.models,
            seed=request.seed,
            steps=request.steps,
            width=width,
            height=height,
            first_step=request.steps - 1 - state.index,
            device=models.device.type,
        )
        yield from _drawing(models, request, state)
        yield _finished(models, request, state, parent)


def _patient_steps(models: Models, request: Request, state: DrawingState) -> Iterator[Step]:
    """The steps still to do; one that runs out of memory is made again with CLIP looking at fewer crops at a time."""
    while True:
        try:
            x = state.x.to(models.device)
            yield from steps_of(models, [request], x, state.index, state.targets)
            return
        except RuntimeError as error:
            if not lacks_memory(error) or not models.reduce_batch():
                raise
        if models.device.type == "cuda":
            torch.cuda.empty_cache()  # here the failed step's tensors are gone, with its traceback


def _drawing(models: Models, request: Request, state: DrawingState) -> Iterator[Event]:
    """The steps still to do; `state` is brought forward by each."""
    steps, began, before, first = request.steps, time.monotonic(), state.seconds, state.index
    levels, clean = levels_of(models, request), clean_from(until_level_of(models, request))
    if state.index < 0:
        return
    for step in _patient_steps(models, request, state):
        if not torch.isfinite(step.x).all():
            raise NumericalError(
                "The drawing broke off: its numbers ran away. Try another seed, or a lower guidance scale."
            )
        done = steps - step.index
        distances = [0.0] * len(step.x) if step.distance is None else step.distance.tolist()
        state.x, state.index, state.unet_calls = step.x.cpu(), step.index - 1, state.unet_calls + 1
        if request.stop is not None:
            state.distances.append(distances)
            level = float(levels.alphas_cumprod[step.index])
            if step.index > 0 and satisfied(state.distances, level, steps, clean):
                state.x, state.index, state.satisfied_at = step.x0.cpu(), -1, done
        state.seconds = before + time.monotonic() - began
        shown = _wanted(request, state.x if state.index < 0 else step.x0)
        if done % -(-steps // GIF_FRAMES) == 0 or state.index < 0:
            state.frames.append(np.concatenate([to_uint8(picture.cpu()) for picture in shown]))
        pace = (state.seconds - before) / (first - step.index + 1)
        yield Progress(
            step=done, steps=steps, seconds_left=pace * (state.index + 1), distance=sum(distances) / len(distances)
        )
        if done * 10 // steps > (done - 1) * 10 // steps or state.index < 0:
            percent = 100 if state.index < 0 else done * 10 // steps * 10
            yield Preview(
                percent=percent, step=done, steps=steps, png=to_png(grid(_pixels(models, request, list(shown))), {})
            )
            yield Checkpoint(
                percent=percent, step=done, steps=steps, state=pack_state(state, request, models.description)
            )
        if state.index < 0:
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


def _finished(models: Models, request: Request, state: DrawingState, parent: str | None) -> Finished:
    def png(pixels: np.ndarray, drawn: Request) -> bytes:
        return to_png(pixels, metadata_of(drawn, models.description, state.inputs, parent))

    pictures = _pixels(models, request, list(_wanted(request, state.x)))
    whole = grid(pictures)
    alone = enumerate(pictures, 1) if len(pictures) > 1 else ()
    return Finished(
        png=png(whole, request),
        gif=to_gif([_frame(models, request, frame) for frame in state.frames]),
        width=whole.shape[1],
        height=whole.shape[0],
        seed=request.seed,
        steps=request.steps,
        seconds=state.seconds,
        unet_calls=state.unet_calls,
        pixels_sha256=pixels_sha256(whole),
        satisfied_at=state.satisfied_at,
        pictures=tuple(png(pixels, replace(request, pick=number)) for number, pixels in alone),
    )
