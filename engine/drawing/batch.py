"""several drawings, step by step together: those that fit share one call of the networks.

The state of each drawing is its own. Before a call what they ask is gathered into one batch, and after it each takes
its rows of the answer; so any of them can come, end, fail or be taken out between two steps.
"""

import logging
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import torch

from engine.diffusion.samplers import Prediction
from engine.drawing.draw import Drawing, open_drawing
from engine.drawing.models import Models
from engine.drawing.steps import Question, answers
from engine.drawing.threads import threads
from engine.errors import OutOfMemory
from engine.events import Event
from engine.networks.tuning import lacks_memory, memory_sentence
from engine.request import Inputs, Request
from engine.widths import WIDTHS, rung

log = logging.getLogger(__name__)

Outcome = Event | Exception  # a drawing ends with Finished, or with whatever kept it from that


@dataclass(frozen=True, kw_only=True)
class Query:
    """A drawing whose next step is to be taken."""

    key: Hashable
    drawing: Drawing
    question: Question

    @property
    def rows(self) -> int:
        return len(self.question.x)


class Batch:
    """Any number of drawings of one model set at a time; those of another set wait until these are done."""

    def __init__(self, widest: int = WIDTHS[-1]) -> None:
        """Nobody draws yet.

        Args:
            widest: pictures that share a step; a call has as many rows at most, and never more than the models take
                with profit, unless a single drawing has more pictures or a replay asks for another width.
        """
        self.widest = widest
        self._waiting: deque[tuple[Hashable, tuple[Request, bytes | None, Inputs, str | None]]] = deque()
        self._drawings: dict[Hashable, Drawing] = {}
        self._narrowed = False

    def add(
        self, key: Hashable, request: Request, resume: bytes | None, inputs: Inputs, parent: str | None = None
    ) -> None:
        """Let a drawing in before the next step; what is wrong with it, `step` tells."""
        self._waiting.append((key, (request, resume, inputs, parent)))

    def take(self, key: Hashable, drawing: Drawing) -> None:
        """Let a drawing in that has been opened."""
        self._drawings[key] = drawing

    def remove(self, key: Hashable) -> None:
        """Take a drawing out; nothing more is heard of it."""
        self._drawings.pop(key, None)
        self._waiting = deque(waiting for waiting in self._waiting if waiting[0] != key)

    def steer(self, key: Hashable, number: int, words: str) -> None:
        """Words for a drawing, which pull it from its next step on; nothing for one that has not begun."""
        if key in self._drawings:
            self._drawings[key].steer(number, words)

    @property
    def waiting(self) -> list[Hashable]:
        """Those that have not begun."""
        return [key for key, _ in self._waiting]

    def __len__(self) -> int:
        return len(self._drawings) + len(self._waiting)

    def step(self) -> Iterator[tuple[Hashable, Outcome]]:
        """Let newcomers in, then take one step of every drawing; what each has to say, as it comes."""
        yield from self._let_in()
        queries: list[Query] = []
        for key, drawing in list(self._drawings.items()):
            try:
                with memory_sentence(drawing.request.models):
                    for event in drawing.apply_changes():
                        yield key, event
                    queries.append(Query(key=key, drawing=drawing, question=drawing.question()))
            except Exception as error:
                self._drawings.pop(key, None)
                yield key, error
        for group in self._calls(queries):
            yield from self._call([query for query in group if query.key in self._drawings])

    def call(self, models: Models, questions: list[Question], width: int) -> list[Prediction]:
        """Ask the networks; raises RuntimeError where there is too little memory for it."""
        return answers(models, questions, width)

    def _let_in(self) -> Iterator[tuple[Hashable, Outcome]]:
        while self._waiting:
            key, (request, *rest) = self._waiting[0]
            if any(drawing.request.models != request.models for drawing in self._drawings.values()):
                return  # memory holds one set: later drawings wait for it
            self._waiting.popleft()
            try:
                with memory_sentence(request.models):
                    drawing = open_drawing(request, *rest)
            except Exception as error:
                yield key, error
                continue
            self._drawings[key] = drawing
            yield key, drawing.started()
            if drawing.done:
                yield from self._finish(key, drawing)

    def _calls(self, queries: list[Query]) -> list[list[Query]]:
        """Who shares a call in this step: what shapes the tensors is equal, and so are the threads that share the sums
        and the width that a replay wants. Whoever has too little memory for all its crops is drawn alone.
        """
        fitting: dict[tuple[object, ...], list[Query]] = {}
        for query in queries:
            alone = query.drawing.crops_at_once and query.key
            alike = query.question.key, query.drawing.state.threads, query.drawing.width, alone
            fitting.setdefault(alike, []).append(query)
        return [group for together in fitting.values() for group in self._split(together, together[0].drawing.width)]

    def _split(self, together: list[Query], room: int | None) -> list[list[Query]]:
        """As few calls as have room for all of them, in their order."""
        groups: list[list[Query]] = []
        left = 0
        for query in together:
            if query.rows > left:
                groups.append([])
                left = max(room or min(self.widest, query.drawing.models.widest_call), query.rows)
            groups[-1].append(query)
            left -= query.rows
        return groups

    def _call(self, group: list[Query]) -> Iterator[tuple[Hashable, Outcome]]:
        if not group:
            return
        width = group[0].drawing.width or rung(sum(query.rows for query in group))
        models = group[0].drawing.models
        found: list[Prediction] | None = None
        try:
            with threads(group[0].drawing.state.threads), models.crops_at_once(group[0].drawing.crops_at_once):
                found = self.call(models, [query.question for query in group], width)
        except RuntimeError as error:
            if not lacks_memory(error):
                raise
            reason = type(error)(str(error))  # without its traceback, which holds the tensors of the failed step
        if found is None:
            yield from self._patiently(group, width, reason)
            return
        for query, answer in zip(group, found, strict=True):
            if query.key in self._drawings:
                yield from self._advance(query, answer, width)

    def _patiently(self, group: list[Query], width: int, reason: RuntimeError) -> Iterator[tuple[Hashable, Outcome]]:
        """There was too little memory for a call: draw it in two, or with CLIP looking at fewer crops at a time."""
        models = group[0].drawing.models
        if models.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(group) > 1:
            self._narrow(max(1, width // 2))
            half = len(group) // 2
            for part in (group[:half], group[half:]):
                yield from self._call([query for query in part if query.key in self._drawings])
        elif _fewer_crops(group[0], width):
            yield from self._call(group)
        else:
            [query] = group
            self._drawings.pop(query.key, None)
            try:
                with memory_sentence(query.drawing.request.models):
                    raise reason
            except OutOfMemory as error:
                yield query.key, error

    def _narrow(self, width: int) -> None:
        self.widest = min(self.widest, width)
        if not self._narrowed:
            log.warning("memory has no room for a wider batch: from now on %d pictures at a time", self.widest)
        self._narrowed = True

    def _advance(self, query: Query, answer: Prediction, width: int) -> Iterator[tuple[Hashable, Outcome]]:
        key, drawing = query.key, query.drawing
        try:
            with memory_sentence(drawing.request.models):
                for event in drawing.advance(answer, width):
                    yield key, event
                    if key not in self._drawings:
                        return
        except Exception as error:
            self._drawings.pop(key, None)
            yield key, error
            return
        if drawing.done:
            yield from self._finish(key, drawing)

    def _finish(self, key: Hashable, drawing: Drawing) -> Iterator[tuple[Hashable, Outcome]]:
        self._drawings.pop(key, None)
        try:
            with memory_sentence(drawing.request.models):
                last: Outcome = drawing.finish()
        except Exception as error:
            last = error
        yield key, last


def _fewer_crops(query: Query, width: int) -> bool:
    """Let CLIP look at half as many of a drawing's crops at a time; False where that cannot help."""
    question, drawing = query.question, query.drawing
    now = drawing.crops_at_once or width * question.pull.cuts
    if question.phase == "free" or now == 1:
        return False
    drawing.crops_at_once = now // 2
    return True


def events_alone(batch: Batch) -> Iterator[Event]:
    """What the only drawing of a batch has to say; raises what it fails with."""
    while len(batch):
        for _, outcome in batch.step():
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome


def draw_events(request: Request, resume: bytes | None, inputs: Inputs, parent: str | None) -> Iterator[Event]:
    """See `engine.draw`."""
    batch = Batch()
    batch.add(0, request, resume, inputs, parent)
    return events_alone(batch)
