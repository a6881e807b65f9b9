"""the assembly: Request + models → a stream of Events."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.checkpoint import Sitting, pack_sitting, unpack_sitting
from engine.denoisers import pulled_by
from engine.errors import BadPicture, BadRequest, NumericalError, OutOfMemory
from engine.events import Checkpoint, Event, Finished, Preview, Progress, Started
from engine.guidance import Pull, Target, guided
from engine.images import pixels_sha256, read_png, to_gif, to_png, to_tensor, to_uint8
from engine.models import Models, choose_device, load_models
from engine.noise import Stream, per_picture
from engine.prompts import normalised, parse_prompt
from engine.provenance import metadata_of
from engine.request import Request, UpscaleRequest
from engine.samplers import Step, sample
from engine.schedule import Levels
from engine.upscaling import upscale_to_pixels
from engine.weights import Defaults, load_model_set

GIF_FRAMES = 40  # about as many moments of the drawing are kept
TILE, OVERLAP = 256, 16  # pixels of the small picture, when enlarging and the set does not say otherwise
LARGEST_UPSCALED = 1024 * 1024  # pixels of a picture to enlarge: four times each side is what chats still take


def resolved(request: Request, defaults: Defaults) -> Request:
    """The request with every open knob set as the model set says."""
    names = ("steps", "sampler", "eta", "guidance_scale", "tv_scale", "range_scale", "cuts")
    return replace(request, **{name: getattr(defaults, name) for name in names if getattr(request, name) is None})


def targets_of(models: Models, prompts: list[str]) -> list[Target]:
    """One Target for each CLIP of the set; prompts: one for each picture of the batch."""
    parts = [normalised(parse_prompt(prompt)) for prompt in prompts]
    longest = max(len(p) for p in parts)
    targets = []
    for clip, share in models.clips:
        weights = torch.zeros(len(parts), longest)
        rows = []
        for n, of_picture in enumerate(parts):
            texts = [part.text for part in of_picture]
            rows.append(clip.encode_texts(texts + [texts[0]] * (longest - len(texts))))
            weights[n, :len(texts)] = torch.tensor([share * part.weight for part in of_picture])
        targets.append(Target(clip=clip, embeddings=torch.stack(rows), weights=weights.to(models.device)))
    return targets


def steps_of(models: Models, requests: list[Request], x: Tensor, start: int) -> Iterator[Step]:
    """Draw a batch together; all requests are resolved and agree on everything but prompt and seed.

    Args:
        x: [n, 3, h, w] at level `start`.
        start: index of the level to go on from.
    """
    request, description = requests[0], models.description
    seeds = [(r.seed, 0) for r in requests]
    fixed = {name: getattr(description.defaults, name)
             for name in ("cut_power", "smallest_cut", "from_level", "largest_shift")}
    pull = Pull(guidance_scale=request.guidance_scale, tv_scale=request.tv_scale, range_scale=request.range_scale,
                cuts=request.cuts, seeds=seeds, **fixed)
    schedule = description.unet["schedule"]
    targets = targets_of(models, [r.prompt for r in requests])
    denoise = guided(models.secondary or models.denoise, targets, pull, schedule)
    if models.secondary is not None:
        denoise = pulled_by(models.denoise, denoise)
    levels = Levels(schedule, request.steps, spacing=description.defaults.spacing)
    shape = tuple(x.shape[1:])
    return sample(denoise, x, lambda i: per_picture(seeds, Stream.STEP, i, shape), levels,
                  sampler=request.sampler, eta=request.eta, start=start)


def first_noise(models: Models, requests: list[Request]) -> Tensor:
    """What every drawing begins with, [n, 3, side, side]."""
    side = models.description.side
    seeds = [(request.seed, 0) for request in requests]
    return per_picture(seeds, Stream.START, 0, (3, side, side)).to(models.device)


def _is_lack_of_memory(error: RuntimeError) -> bool:
    """torch has two ways of saying so."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextmanager
def _memory_sentence(models: str) -> Iterator[None]:
    """Map torch's errors to ours, with what would fit."""
    try:
        yield
    except RuntimeError as error:
        if not _is_lack_of_memory(error):
            raise
        where = "graphics card" if isinstance(error, torch.OutOfMemoryError) else "machine"
        smaller = "" if models == "toybox" else (
            " or draw with a smaller model set: imagenet256-secondary needs half of imagenet256, toybox hardly any,")
        raise OutOfMemory(f"The {where} has too little free memory for {models}, however few crops CLIP looks at at a "
                          f"time: close other programs,{smaller} and try again.") from error


def _patient_steps(models: Models, request: Request, sitting: Sitting) -> Iterator[Step]:
    """The steps still to do; one that runs out of memory is made again with CLIP looking at fewer crops at a time."""
    while True:
        try:
            yield from steps_of(models, [request], sitting.x.to(models.device), sitting.index)
            return
        except RuntimeError as error:
            if not _is_lack_of_memory(error) or not models.look_at_fewer():
                raise
        if models.device.type == "cuda":
            torch.cuda.empty_cache()  # here the failed step's tensors are gone, with its traceback


def draw_events(request: Request, resume: bytes | None) -> Iterator[Event]:
    """See `engine.draw`."""
    description = load_model_set(request.models)
    request = resolved(request, description.defaults)
    sitting = unpack_sitting(resume, request, description) if resume else None
    with _memory_sentence(request.models):
        models = load_models(request.models, choose_device())
        if sitting is None:
            sitting = Sitting(x=first_noise(models, [request]).cpu(), index=request.steps - 1)
        size = description.side * description.scale
        yield Started(models=request.models, seed=request.seed, steps=request.steps, width=size, height=size,
                      first_step=request.steps - 1 - sitting.index, device=models.device.type)
        yield from _drawing(models, request, sitting)
        yield _finished(models, request, sitting)


def _drawing(models: Models, request: Request, sitting: Sitting) -> Iterator[Event]:
    """The steps still to do; `sitting` is brought forward by each."""
    steps, began, before, first = request.steps, time.monotonic(), sitting.seconds, sitting.index
    every = -(-steps // GIF_FRAMES)
    if sitting.index < 0:
        return
    for step in _patient_steps(models, request, sitting):
        if not torch.isfinite(step.x).all():
            raise NumericalError("The drawing broke off: its numbers ran away. Try another seed, or a lower guidance "
                                 "scale.")
        done = steps - step.index
        sitting.x, sitting.index, sitting.unet_calls = step.x.cpu(), step.index - 1, sitting.unet_calls + 1
        sitting.seconds = before + time.monotonic() - began
        shown = step.x if step.index == 0 else step.x0
        if done % every == 0 or step.index == 0:
            sitting.frames.append(to_uint8(shown[0].cpu()))
        pace = (sitting.seconds - before) / (first - step.index + 1)
        distance = float(step.distance[0]) if step.distance is not None else 0.0
        yield Progress(step=done, steps=steps, seconds_left=pace * step.index, distance=distance)
        if done * 10 // steps > (done - 1) * 10 // steps:
            percent = done * 10 // steps * 10
            yield Preview(percent=percent, step=done, steps=steps, png=to_png(enlarged(models, [shown[0]])[0], {}))
            yield Checkpoint(percent=percent, step=done, steps=steps,
                             state=pack_sitting(sitting, request, models.description))


def enlarged(models: Models, pictures: list[Tensor]) -> list[np.ndarray]:
    """[3, h, w] in −1 … 1 each → [h·scale, w·scale, 3] uint8, through the set's upscaler if it draws with one."""
    if models.description.scale == 1:
        return [to_uint8(picture.cpu()) for picture in pictures]
    return [_upscaled(models, picture) for picture in pictures]


def _upscaled(models: Models, picture: Tensor) -> np.ndarray:
    assert models.upscaler is not None and models.description.upscaler is not None
    overlap = models.description.upscaler.get("overlap", OVERLAP)
    x = picture[None].to(models.device).clamp(-1, 1)
    return upscale_to_pixels(models.upscaler, x, tile=TILE, overlap=overlap)


def _finished(models: Models, request: Request, sitting: Sitting) -> Finished:
    pixels = enlarged(models, [sitting.x[0]])[0]
    frames = enlarged(models, [to_tensor(frame) for frame in sitting.frames])
    return Finished(
        png=to_png(pixels, metadata_of(request, models.description)), gif=to_gif(frames), width=pixels.shape[1],
        height=pixels.shape[0], seed=request.seed, steps=request.steps, seconds=sitting.seconds,
        unet_calls=sitting.unet_calls, pixels_sha256=pixels_sha256(pixels))


def upscale_events(request: UpscaleRequest) -> Iterator[Event]:
    """See `engine.upscale`."""
    began = time.monotonic()
    pixels, metadata = read_png(request.png)
    if pixels.shape[0] * pixels.shape[1] > LARGEST_UPSCALED:
        raise BadPicture("This picture is too large to enlarge: it may have a million pixels, 1024 × 1024.")
    table = load_model_set(request.models).upscaler
    if table is None:
        raise BadRequest("models", f"The model set {request.models} has no upscaler: choose another one.")
    with _memory_sentence(request.models):
        models = load_models(request.models, choose_device())
        scale, (height, width) = table["scale"], pixels.shape[:2]
        yield Started(models=request.models, seed=0, steps=1, first_step=0, width=width * scale,
                      height=height * scale, device=models.device.type)
        big = _upscaled(models, to_tensor(pixels))
        yield Progress(step=1, steps=1, seconds_left=0.0, distance=0.0)
        yield Finished(png=to_png(big, metadata), gif=b"", width=big.shape[1], height=big.shape[0], seed=0, steps=1,
                       seconds=time.monotonic() - began, unet_calls=0, pixels_sha256=pixels_sha256(big))
