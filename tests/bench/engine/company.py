"""`python -m tests.bench.engine.company`: drawings that join and leave at random steps; do their neighbours show?

In each round eight drawings are let into one batch at random steps. Some are cancelled, some begin with NaN, some
are asked for at a size that does not exist, and now and then a call runs out of memory. Each picture that is finished
is drawn again alone, at the widths that its provenance tells: every byte has to be the same. `--scripted` does so with
a batch without networks in a process of its own, which all the drawings' events come from by one pipe.
"""

import argparse
import asyncio
import math
import random
import sys
import time
from contextlib import aclosing
from dataclasses import replace

import torch

from engine.diffusion.samplers import Prediction
from engine.drawing.batch import Batch, draw_events
from engine.drawing.checkpoint import DrawingState
from engine.drawing.draw import Drawing
from engine.drawing.models import Models, load_models
from engine.drawing.provenance import request_of
from engine.drawing.steps import Question, resolve_defaults
from engine.events import Checkpoint, Finished
from engine.pictures.images import read_png
from engine.process.parent import EngineProcess
from engine.request import Inputs, Request
from tests.fakes.scripted import steered_png

PROMPTS = ("a red star", "a blue moon:2 | green:-1", "синий круг", "a yellow cat | a house | white")
SETS = ("toybox", "picturebook")  # in turn, a round each
TROUBLE = ("none", "none", "none", "cancel", "nan", "size")


def random_request(rng: random.Random, models: str) -> Request:
    """Small, and different in all that a drawing may have of its own."""
    return Request(
        prompt=rng.choice(PROMPTS),
        models=models,
        seed=rng.randrange(1000),
        steps=rng.randrange(3, 9),
        cuts=rng.choice((1, 1, 2, "0:1,50:2")),
        guidance_scale=rng.choice((300.0, 50.0, "0:300,60:0")),
        tv_scale=rng.choice((0.0, 20.0)),
        sampler=rng.choice(("ddim", "ddim", "ddpm")),
        count=rng.choice((1, 1, 1, 2, 3)),
        symmetry=rng.choice((None, None, "horizontal")),
        size=rng.choice((None, "64x64", "64x64")),
    )


class ScarceBatch(Batch):
    """On a card where calls of more than one drawing sometimes find no memory."""

    def __init__(self, rng: random.Random, often: float) -> None:
        super().__init__()
        self._rng, self._often = rng, often

    def call(self, models: Models, questions: list[Question], width: int) -> list[Prediction]:
        if len(questions) > 1 and self._rng.random() < self._often:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().call(models, questions, width)


def play(rng: random.Random, batch: Batch, drawings: int, models: str) -> tuple[list[Finished], int]:
    """Let drawings into a batch at random steps; those that were finished, and how many others ended as they had to."""
    finished, ended, to_come = [], 0, list(range(drawings))
    fates = {key: rng.choice(TROUBLE) for key in to_come}
    while to_come or len(batch):
        while to_come and (not len(batch) or rng.random() < 0.4):
            let_in(batch, key := to_come.pop(0), random_request(rng, models), fates[key])
        for key in [key for key, fate in fates.items() if fate == "cancel" and rng.random() < 0.3]:
            if key not in to_come:
                batch.remove(key)
                fates[key] = "cancelled"
        for key, outcome in batch.step():
            assert fates[key] != "cancelled", "a cancelled drawing was heard of"
            ended += isinstance(outcome, Exception) and fates[key] in ("nan", "size")
            if isinstance(outcome, Finished):
                finished.append(outcome)
                fates[key] = "finished"  # too late to be cancelled
    return finished, ended + sum(fate == "cancelled" for fate in fates.values())


def let_in(batch: Batch, key: int, request: Request, fate: str) -> None:
    """With what is to happen to it."""
    if fate == "nan":
        models = load_models(request.models, torch.device("cpu"))
        request = resolve_defaults(request, models.description.defaults)
        x = torch.full((request.count, 3, 64, 64), float("nan"))
        batch.take(key, Drawing(models, request, DrawingState(x=x, index=request.steps - 1)))
    else:
        batch.add(key, replace(request, size="17x17") if fate == "size" else request, None, Inputs())


def same_alone(finished: Finished) -> bool:
    """Whether what a picture says of itself leads to the same bytes."""
    *_, again = draw_events(request_of(read_png(finished.png)[1]), None, Inputs(), None)
    assert isinstance(again, Finished)
    same = (finished.png, finished.gif, finished.pictures) == (again.png, again.gif, again.pictures)
    return same and finished.pixels_sha256 == again.pixels_sha256


def rounds(
    number: int, drawings: int, seed: int, memory: float, seconds: float = math.inf
) -> tuple[int, int, int, int, int]:
    """Rounds played, pictures with the same bytes alone, all pictures, drawings in trouble that ended alone, all these.

    No round begins after so many seconds.
    """
    played = same = pictures = ended = troubled = 0
    rng, until = random.Random(seed), time.monotonic() + seconds
    while played < number and time.monotonic() < until:
        finished, alone = play(rng, ScarceBatch(rng, memory), drawings, SETS[played % len(SETS)])
        played += 1
        same += sum(map(same_alone, finished))
        pictures, ended, troubled = pictures + len(finished), ended + alone, troubled + drawings - len(finished)
        print(f"{played} rounds: {same} of {pictures}", file=sys.stderr, flush=True)
    return played, same, pictures, ended, troubled


async def scripted_rounds(number: int, drawings: int, seed: int) -> tuple[int, int, int]:
    """Pictures with the bytes that they have alone, all that were finished, and those that were left on the way."""
    rng, same, left = random.Random(seed), 0, 0
    engine = EngineProcess(draw="tests.fakes.scripted:SteeredBatch", at_once=drawings)

    async def drawn(request: Request, after: float, leave_at: int) -> bool | None:
        """Whether its bytes are its own, and its checkpoints in order; None where it left before."""
        await asyncio.sleep(after)
        steps: list[int] = []
        async with aclosing(engine.events(request)) as events:
            async for event in events:
                if isinstance(event, Checkpoint):
                    steps.append(event.step)
                    if event.step == leave_at:
                        return None
        whole = list(range(1, request.steps + 1))
        return isinstance(event, Finished) and event.png == steered_png(request.seed, "") and steps == whole

    for _ in range(number):
        requests = [
            Request(prompt="a star", seed=rng.randrange(10**6), steps=rng.randrange(3, 9)) for _ in range(drawings)
        ]
        fates = [(rng.uniform(0, 0.2), rng.choice((0, 0, 0, 2))) for _ in requests]
        found = await asyncio.gather(*(drawn(one, *fate) for one, fate in zip(requests, fates, strict=True)))
        same, left = same + found.count(True), left + found.count(None)
    await engine.close()
    return same, number * drawings - left, left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--drawings", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=float, default=0.05, help="share of the shared calls that run out of it")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which no further round begins")
    parser.add_argument("--scripted", action="store_true", help="a batch without networks, in its own process")
    args = parser.parse_args()
    if args.scripted:
        same, pictures, left = asyncio.run(scripted_rounds(args.rounds, args.drawings, args.seed))
        print(
            f"{args.rounds} rounds of {args.drawings} scripted drawings: {same} of {pictures} pictures with the bytes"
        )
        print(f"that they have alone; {left} drawings were left on the way")
        return
    played, same, pictures, ended, troubled = rounds(
        args.rounds, args.drawings, args.seed, args.memory, 60 * args.minutes
    )
    print(f"{played} rounds of {args.drawings} drawings that join and leave at random steps")
    print(f"byte-identical to the same widths alone: {same} of {pictures} pictures")
    print(f"NaN, cancelled or refused, and only that drawing ended: {ended} of {troubled}")


if __name__ == "__main__":
    main()
