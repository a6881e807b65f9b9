"""the assembly: Request + models → a stream of Events."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.checkpoint import Sitting, pack_sitting, unpack_sitting
from engine.errors import BadPicture, NumericalError, OutOfMemory
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
from engine.upscaling import upscale
from engine.weights import Defaults, load_model_set

GIF_FRAMES = 40  # about as many moments of the drawing are kept
TILE, OVERLAP = 256, 16  # pixels of the small picture, when enlarging
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
    denoise = guided(models.denoise, targets_of(models, [r.prompt for r in requests]), pull, schedule)
    levels = Levels(schedule, request.steps, spacing=description.defaults.spacing)
    shape = tuple(x.shape[1:])
    return sample(denoise, x, lambda i: per_picture(seeds, Stream.STEP, i, shape), levels,
                  sampler=request.sampler, eta=request.eta, start=start)


def first_noise(models: Models, requests: list[Request]) -> Tensor:
    """What every drawing begins with, [n, 3, side, side]."""
    side = models.description.side
    seeds = [(request.seed, 0) for request in requests]
    return per_picture(seeds, Stream.START, 0, (3, side, side)).to(models.device)


@contextmanager
def _memory_sentence() -> Iterator[None]:
    """Map torch's two ways of running out of memory to ours."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory("The graphics card has too little free memory: close what else uses it, "
                          "or draw with fewer cuts.") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise OutOfMemory("There is too little free memory: close other programs and try again.") from error


def draw_events(request: Request, resume: bytes | None) -> Iterator[Event]:
    """See `engine.draw`."""
    description = load_model_set(request.models)
    request = resolved(request, description.defaults)
    sitting = unpack_sitting(resume, request, description) if resume else None
    with _memory_sentence():
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
    for step in steps_of(models, [request], sitting.x.to(models.device), sitting.index):
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
    """[3, h, w] in −1 … 1 each → [h·scale, w·scale, 3] uint8, through the set's upscaler if it has one."""
    out = []
    for picture in pictures:
        x = picture[None].to(models.device).clamp(-1, 1)
        with torch.no_grad():
            big = x if models.upscaler is None else upscale(models.upscaler, x, tile=TILE, overlap=OVERLAP)
        out.append(to_uint8(big[0].cpu()))
    return out


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
    with _memory_sentence():
        models = load_models(request.models, choose_device())
        scale, (height, width) = models.description.scale, pixels.shape[:2]
        yield Started(models=request.models, seed=0, steps=1, first_step=0, width=width * scale,
                      height=height * scale, device=models.device.type)
        big = enlarged(models, [to_tensor(pixels)])[0]
        yield Progress(step=1, steps=1, seconds_left=0.0, distance=0.0)
        yield Finished(png=to_png(big, metadata), gif=b"", width=big.shape[1], height=big.shape[0], seed=0, steps=1,
                       seconds=time.monotonic() - began, unet_calls=0, pixels_sha256=pixels_sha256(big))
