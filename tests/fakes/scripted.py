"""the scripted engine: no torch, quick to start in a process of its own, the same stream as the real one."""

import hashlib
import io
import os
import sys
import time
from collections.abc import Iterator

from PIL import Image

from engine import Checkpoint, Event, Finished, NumericalError, Preview, Progress, Request, Started, UpscaleRequest

STEPS = 10  # of the scripted engine, where the request says nothing else


def png(seed: int, step: int, size: int = 8) -> bytes:
    """A small picture that depends on seed and step alone."""
    red, green, blue = hashlib.sha256(f"{seed} {step}".encode()).digest()[:3]
    out = io.BytesIO()
    Image.new("RGB", (size, size), (red, green, blue)).save(out, "PNG")
    return out.getvalue()


def draw(request: Request, *, resume: bytes | None = None, seconds: float = 0.0, **_: object) -> Iterator[Event]:
    """A drawing whose pixels depend on the seed alone."""
    steps = request.steps or STEPS
    first = int(resume) if resume else 0
    size = {"width": 8, "height": 8}
    yield Started(models=request.models, seed=request.seed, steps=steps, first_step=first, device="cpu", **size)
    for step in range(first + 1, steps + 1):
        _act(request.prompt, step)
        time.sleep(seconds)
        yield Progress(step=step, steps=steps, seconds_left=(steps - step) * seconds, distance=1.0)
        if step * 10 // steps > (step - 1) * 10 // steps:
            percent = step * 10 // steps * 10
            yield Preview(percent=percent, step=step, steps=steps, png=png(request.seed, step))
            yield Checkpoint(percent=percent, step=step, steps=steps, state=str(step).encode())
    several = request.count > 1 and request.pick is None
    pictures = tuple(png(request.seed + k, steps) for k in range(request.count)) if several else ()
    yield _finished(request.seed, steps, png(request.seed, steps), b"GIF89a", 8, pictures)


def draw_slowly(request: Request, *, resume: bytes | None = None, **_: object) -> Iterator[Event]:
    """A drawing at 20 ms a step, so that there is a middle to be killed in."""
    return draw(request, resume=resume, seconds=0.02)


def draw_in_turns(request: Request, *, resume: bytes | None = None, **_: object) -> Iterator[Event]:
    """A drawing at 4 ms a step, of which several are drawn together."""
    return draw(request, resume=resume, seconds=0.004)


def draw_at_100_ms(request: Request, *, resume: bytes | None = None, **_: object) -> Iterator[Event]:
    """A drawing at 0.1 s a step."""
    return draw(request, resume=resume, seconds=0.1)


def draw_for_a_while(request: Request, *, resume: bytes | None = None, **_: object) -> Iterator[Event]:
    """A drawing at 0.8 s a step."""
    return draw(request, resume=resume, seconds=0.8)


def tell_what_is_loaded(request: Request, **_: object) -> Iterator[Event]:
    """The names of the model sets that the process holds, as the sentence of a failure."""
    raise NumericalError(" ".join(name for name, _ in sys.modules["engine.drawing.models"].__dict__["_loaded"]))
    yield


def upscale(request: UpscaleRequest, **_: object) -> Iterator[Event]:
    """Four times the size."""
    yield Started(models=request.models, seed=0, steps=1, first_step=0, width=32, height=32, device="cpu")
    yield Progress(step=1, steps=1, seconds_left=0.0, distance=0.0)
    yield _finished(0, 1, png(0, len(request.png), 32), b"", 32)


def _act(prompt: str, step: int) -> None:
    """What the prompt makes the engine do at its fifth step: `fail`, `crash`, `hang` or `grandchild`."""
    if step != 5:
        return
    if prompt == "fail":
        raise NumericalError("The drawing left the numbers that a picture can have.")
    if prompt == "crash":
        raise RuntimeError("scripted crash")
    if prompt == "hang":
        time.sleep(3600)
    if prompt == "grandchild":  # one that lives on, with the pipe in its hands
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(1)


def _finished(
    seed: int, steps: int, picture: bytes, gif: bytes, size: int, pictures: tuple[bytes, ...] = ()
) -> Finished:
    return Finished(
        png=picture,
        gif=gif,
        width=size,
        height=size,
        seed=seed,
        steps=steps,
        seconds=0.1,
        unet_calls=steps,
        pixels_sha256=hashlib.sha256(picture).hexdigest(),
        pictures=pictures,
    )
