"""one drawing: what it asks of the networks, and the Events that its steps make."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.diffusion.samplers import Prediction, Step
from engine.diffusion.stopping import clean_from, is_satisfied
from engine.drawing.canvas import check_inputs, drawn_size, grid, halve, mirror, shown_size
from engine.drawing.checkpoint import DrawingState, pack_state, unpack_state
from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.provenance import metadata_of
from engine.drawing.steps import Question, beginning, course_of, levels_of, resolve_defaults, until_level_of
from engine.drawing.threads import threads, threads_of
from engine.drawing.upscale import enlarge
from engine.errors import BadRequest, NumericalError
from engine.events import Checkpoint, Event, Finished, Preview, Progress, Started, Steered
from engine.model_sets.weights import load_model_set
from engine.pictures.images import pixels_sha256, to_gif, to_png, to_tensor, to_uint8
from engine.pictures.inputs import read_inputs
from engine.ramps import format_number
from engine.request import Inputs, Request
from engine.steering import LATE, MAX_CHANGES, Change, format_then, parse_then
from engine.widths import one_more, parse_widths, rung, spelled_runs, width_at

APART = 0.001  # percent between two changes of one step
GIF_FRAMES = 40  # about as many moments of the drawing are kept


def open_drawing(request: Request, resume: bytes | None, inputs: Inputs, parent: str | None) -> "Drawing":
    """Load what it needs and stand where its checkpoint left off, or at its beginning. Raises EngineError."""
    description = load_model_set(request.models)
    request = resolve_defaults(request, description.defaults, has_init=inputs.init is not None)
    given = read_inputs(inputs, *drawn_size(request, description))
    state = unpack_state(resume, request, description, given.hashes) if resume else None
    if state is None:
        check_inputs(request, inputs)
    models = load_models(request.models, choose_device())
    if state is None:
        with threads(threads_of(request, description)):
            x, index = beginning(models, request, given.init)
        state = DrawingState(x=x.cpu(), index=index, targets=given.targets, inputs=given.hashes)
    return Drawing(models, request, state, parent)


class Drawing:
    """A resolved request, brought forward by each answer of the networks to its `question`."""

    def __init__(self, models: Models, request: Request, state: DrawingState, parent: str | None = None) -> None:
        """Go on from a state, which the drawing owns from now on."""
        self.models, self.request, self.state, self._parent = models, request, state, parent
        state.threads = threads_of(request, models.description, state.threads)
        self.crops_at_once: int | None = None  # that CLIP looks at, where memory has no room for all
        self._said: list[tuple[int, str]] = []  # words that came since the last step, with their numbers
        self._nameable = True  # no step has been taken yet at the index where the drawing is
        x, changes = state.x.to(models.device), self._changes()
        self._course = course_of(
            models, [request], x, state.index, state.targets, changes, memory=state.memory, taken=state.unet_calls
        )
        self._levels = levels_of(models, request)
        self._replayed = parse_widths(request.widths) if request.widths else ()
        self._began, self._seconds_before, self._share = time.monotonic(), state.seconds, self._course.walk.share()

    @property
    def done(self) -> bool:
        """Whether all steps are taken, or CLIP is satisfied."""
        return self.state.index < 0

    @property
    def width(self) -> int | None:
        """How many rows the call of the next step must have, where the request says so."""
        asked = width_at(self._replayed, self.state.unet_calls)
        return None if asked is None else max(asked, rung(self.request.count))

    def started(self) -> Started:
        """The first Event."""
        width, height = shown_size(self.request, self.models.description)
        return Started(
            models=self.request.models,
            seed=self.request.seed,
            steps=self.request.steps,
            width=width,
            height=height,
            first_step=self.request.steps - 1 - self.state.index,
            device=self.models.device.type,
        )

    def _changes(self) -> tuple[Change, ...]:
        """What the request says beforehand, and what was said while it was drawn, in the order of the steps."""
        asked = parse_then(self.request.then) if self.request.then else ()
        return _sort_changes((*asked, *self.state.changes))

    def steer(self, number: int, words: str) -> None:
        """Words that came from its owner: of those that come between two steps the last hold from the next one."""
        self._said.append((number, words))

    def apply_changes(self) -> Iterator[Event]:
        """What became of the words that came since the last step.

        An adaptive sampler takes several steps at one percent; words then wait for the next percent, so that a
        replay, which knows nothing but percents, takes the same steps.
        """
        if not self._said or not self._nameable:
            return
        *overtaken, (number, words) = self._said
        self._said = []
        steps, done = self.request.steps, self.request.steps - 1 - self.state.index
        outcome = self._take_over(words, done)
        at = {"step": done, "steps": steps, "then": format_then(self._changes())}
        for old, said in overtaken:
            yield Steered(number=old, words=said, outcome="overtaken", **at)
        yield Steered(number=number, words=words, outcome=outcome, **at)
        yield self._checkpoint(100 * done // steps, done)

    def _take_over(self, words: str, done: int) -> str:
        """Let words hold from here on, after all others that hold from here on; returns the outcome."""
        steps, known = self.request.steps, self._changes()
        if len(known) >= MAX_CHANGES:
            return "full"
        here = [change.percent for change in known if change.step(steps) == done]
        change = Change(max([float(format_number(100 * done / steps)), *(round(at + APART, 6) for at in here)]), words)
        try:
            replace(self.request, then=format_then(_sort_changes((*known, change))))
        except BadRequest:
            return "unfit"
        self.state.changes = (*self.state.changes, change)
        self._course.changes = self._changes()
        return "late" if done > LATE * steps else "held"

    def question(self) -> Question:
        """What has to be answered for the next step; an answer that never comes may be asked for again."""
        with threads(self.state.threads):
            return self._course.question()

    def advance(self, answer: Prediction, width: int) -> Iterator[Event]:
        """Take the step that an answer leads to; raises NumericalError where it leads nowhere.

        Args:
            width: rows of the call that it came from.
        """
        state, steps = self.state, self.request.steps
        before = steps - 1 - state.index
        with threads(state.threads):
            step = self._course.advance(answer)
        if not torch.isfinite(step.x).all():
            raise NumericalError(
                "The drawing broke off: its numbers ran away. Try another seed, or a lower guidance scale."
            )
        done = steps - step.index
        distances = [0.0] * len(step.x) if step.distance is None else step.distance.tolist()
        state.x, state.index, state.unet_calls = step.x.cpu(), step.index - 1, state.unet_calls + 1
        state.widths, state.memory = one_more(state.widths, width), self._course.walk.memory()
        self._nameable = done > before
        self._stop_when_satisfied(step, distances)
        state.seconds = self._seconds_before + time.monotonic() - self._began
        shown = _select(self.request, state.x if self.done else step.x0)
        apart = -(-steps // GIF_FRAMES)
        if done // apart > before // apart or self.done:
            state.frames.append(np.concatenate([to_uint8(picture.cpu()) for picture in shown]))
        share = self._course.walk.share()
        left = (state.seconds - self._seconds_before) * (1 - share) / max(share - self._share, 1e-6)
        yield Progress(
            step=done, steps=steps, seconds_left=0.0 if self.done else left, distance=sum(distances) / len(distances)
        )
        if done * 10 // steps > before * 10 // steps or self.done:
            percent = 100 if self.done else done * 10 // steps * 10
            with threads(state.threads):
                png = to_png(grid(_pixels(self.models, self.request, list(shown))), {})
            yield Preview(percent=percent, step=done, steps=steps, png=png)
            yield self._checkpoint(percent, done)

    def _checkpoint(self, percent: int, done: int) -> Checkpoint:
        packed = pack_state(self.state, self.request, self.models.description)
        return Checkpoint(percent=percent, step=done, steps=self.request.steps, state=packed)

    def _stop_when_satisfied(self, step: Step, distances: list[float]) -> None:
        if self.request.stop is None:
            return
        state, steps = self.state, self.request.steps
        state.distances.append(distances)
        level, clean = float(self._levels.alphas_cumprod[min(step.index, steps - 1)]), clean_from(self._until_level())
        if step.index > 0 and is_satisfied(state.distances, level, steps, clean):
            state.x, state.index, state.satisfied_at = step.x0.cpu(), -1, steps - step.index

    def _until_level(self) -> float:
        return until_level_of(self.models, self.request)

    def finish(self) -> Finished:
        """The last Event."""
        with threads(self.state.threads):
            return self._finish()

    def _finish(self) -> Finished:
        models, request, state = self.models, self.request, self.state
        then = format_then(self._changes()) or None
        number = state.threads if models.device.type == "cpu" else None
        drawn = replace(request, widths=_spell_widths(request, state), then=then, threads=number)

        def png(pixels: np.ndarray, drawn: Request) -> bytes:
            return to_png(pixels, metadata_of(drawn, models.description, state.inputs, self._parent))

        pictures = _pixels(models, request, list(_select(request, state.x)))
        whole = grid(pictures)
        alone = enumerate(pictures, 1) if len(pictures) > 1 else ()
        return Finished(
            png=png(whole, drawn),
            gif=to_gif([_frame(models, request, frame) for frame in state.frames]),
            width=whole.shape[1],
            height=whole.shape[0],
            seed=request.seed,
            steps=request.steps,
            seconds=state.seconds,
            unet_calls=state.unet_calls,
            pixels_sha256=pixels_sha256(whole),
            satisfied_at=state.satisfied_at,
            pictures=tuple(png(pixels, replace(drawn, pick=number)) for number, pixels in alone),
        )


def _sort_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: change.percent))


def _spell_widths(request: Request, state: DrawingState) -> str | None:
    """The widths of all steps, where they were not those of the drawing alone."""
    alone = all(width == rung(request.count) for width, _ in state.widths)
    return None if alone else spelled_runs(state.widths)


def _select(request: Request, x: Tensor) -> Tensor:
    """The pictures [n, 3, h, w] of a batch that are handed over."""
    return x if request.pick is None else x[request.pick - 1 : request.pick]


def _pixels(models: Models, request: Request, pictures: list[Tensor]) -> list[np.ndarray]:
    """Pictures [3, h, w] as they are shown, [H, W, 3] uint8 each."""
    return [mirror(pixels, request.symmetry) for pixels in enlarge(models, pictures)]


def _frame(models: Models, request: Request, stacked: np.ndarray) -> np.ndarray:
    """A moment of the drawing as the GIF shows it; a grid at half its size."""
    _, height = drawn_size(request, models.description)
    parts = np.split(stacked, len(stacked) // height)
    pictures = _pixels(models, request, [to_tensor(part) for part in parts])
    return halve(grid(pictures)) if len(pictures) > 1 else pictures[0]
