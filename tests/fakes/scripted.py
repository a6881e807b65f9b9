"""the scripted engine: no torch, quick to start in a process of its own, the same stream as the real one."""

import hashlib
import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache

from PIL import Image

from engine import (
    Checkpoint,
    Event,
    Finished,
    Inputs,
    NumericalError,
    Preview,
    Progress,
    Request,
    Started,
    Steered,
    UpscaleRequest,
)

STEPS = 10  # of the scripted engine, where the request says nothing else


@cache  # tests ask for the same few again and again
def png(seed: int, step: int, size: int = 8) -> bytes:
    """A small picture that depends on seed and step alone."""
    red, green, blue = hashlib.sha256(f"{seed} {step}".encode()).digest()[:3]
    out = io.BytesIO()
    Image.new("RGB", (size, size), (red, green, blue)).save(out, "PNG")
    return out.getvalue()


@cache
def noisy(size: int) -> bytes:
    """A PNG that does not compress."""
    out = io.BytesIO()
    Image.effect_noise((size, size), 90).convert("RGB").save(out, "PNG")
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
    pictures = tuple(png(request.seed + k, steps) for k in range(request.count)) if request.pictures > 1 else ()
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


def draw_what_came(request: Request, *, resume: bytes | None, inputs: Inputs, parent: str | None) -> Iterator[Event]:
    """Nothing but a failure whose sentence is what came beside the request."""
    raise NumericalError(f"{inputs} {parent} {resume}")
    yield  # a stream, as the others


def draw_after_a_long_import(request: Request, *, resume: bytes | None = None, **_: object) -> Iterator[Event]:
    """A drawing before whose stream the whole process is silent for 1.5 s."""
    time.sleep(1.5)
    return draw(request, resume=resume)


def draw_and_print(request: Request, *, resume: bytes | None = None, **_: object) -> Iterator[Event]:
    """A drawing that writes to stdout, which is the process's pipe."""
    print("hello")
    return draw(request, resume=resume)


class SteeredBatch:
    """Drawings at 20 ms a step whose pixels depend on all that was said and when, as `engine.drawing.batch.Batch`."""

    def __init__(self, widest: int = 1) -> None:
        self.widest, self.waiting = widest, []
        self._drawings: dict[object, tuple[Request, int, list[str]]] = {}  # request, steps done, what holds
        self._begun: set[object] = set()
        self._said: dict[object, list[tuple[int, str]]] = {}

    def add(self, key: object, request: Request, resume: bytes | None, inputs: object, parent: object = None) -> None:
        self._drawings[key] = (request, *json.loads(resume)) if resume else (request, 0, [])

    def remove(self, key: object) -> None:
        self._drawings.pop(key, None)
        self._begun.discard(key)

    def steer(self, key: object, number: int, words: str) -> None:
        if key in self._begun:
            self._said.setdefault(key, []).append((number, words))

    def __len__(self) -> int:
        return len(self._drawings)

    def step(self) -> Iterator[tuple[object, Event]]:
        time.sleep(0.02)
        for key in list(self._drawings):
            yield from ((key, event) for event in self._step_of(key))

    def _step_of(self, key: object) -> Iterator[Event]:
        request, done, holds = self._drawings[key]
        size = {"width": 8, "height": 8}
        if key not in self._begun:
            self._begun.add(key)
            yield Started(
                models=request.models, seed=request.seed, steps=request.steps, first_step=done, device="cpu", **size
            )
        if done == request.steps:
            self.remove(key)
            yield _finished(request.seed, done, steered_png(request.seed, ";".join(holds)), b"GIF89a", 8)
            return
        if said := self._said.pop(key, []):
            holds = [*holds, f'{100 * done / request.steps + 0.001 * len(holds):g}%:"{said[-1][1]}"']
        for number, words in said:
            outcome, then = "held" if number == said[-1][0] else "overtaken", ";".join(holds)
            yield Steered(number=number, words=words, outcome=outcome, step=done, steps=request.steps, then=then)
        if said:
            yield self._checkpoint(request, done, holds)
        self._drawings[key] = (request, done + 1, holds)
        yield Progress(step=done + 1, steps=request.steps, seconds_left=0.1, distance=1.0)
        yield self._checkpoint(request, done + 1, holds)

    def _checkpoint(self, request: Request, done: int, holds: list[str]) -> Checkpoint:
        state = json.dumps([done, holds]).encode()
        return Checkpoint(percent=100 * done // request.steps, step=done, steps=request.steps, state=state)


def steered_png(seed: int, then: str) -> bytes:
    """What a SteeredBatch draws."""
    return png(seed + int.from_bytes(hashlib.sha256(then.encode()).digest()[:4], "big"), 0)


def upscale(request: UpscaleRequest, **_: object) -> Iterator[Event]:
    """Four times the size."""
    yield Started(models=request.models, seed=0, steps=1, first_step=0, width=32, height=32, device="cpu")
    yield Progress(step=1, steps=1, seconds_left=0.0, distance=0.0)
    yield _finished(0, 1, png(0, len(request.png), 32), b"", 32)


def _act(prompt: str, step: int) -> None:
    """What the prompt makes the engine do at its fifth step: `fail`, `crash`, `hang`, `grandchild`, or `loaded`."""
    if step != 5:
        return
    if prompt == "fail":
        raise NumericalError("The drawing left the numbers that a picture can have.")
    if prompt == "loaded":  # tell which model sets the process holds
        raise NumericalError(" ".join(name for name, _ in sys.modules["engine.drawing.models"].__dict__["_loaded"]))
    if prompt == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
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
