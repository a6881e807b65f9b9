"""step, memory and a whole picture of each published network with random weights, as the product draws.

Each is measured in a process of its own, whose memory is then that of the set alone.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from engine.drawing.models import choose_device
from engine.drawing.pace import blank_models
from engine.drawing.steps import answers, course_of, first_noise, resolve_defaults
from engine.model_sets.weights import load_model_set
from engine.request import Request
from tests.bench.engine.full import available
from tests.bench.engine.report import Figure, peak_memory

SETS = {"pixelart": 3, "ukiyo-e": 3, "portrait": 6, "imagenet256": 13, "imagenet512": 16}  # and GB that it needs
STEPS = 3
WHOLE, WHOLE_BAR, MEMORY_BAR = "pixelart", 10.0, 2.5


def measure() -> Iterator[Figure]:
    """A row for each set, then one picture from its first step to its last."""
    for name, room in SETS.items():
        label = f"{name}, random weights, default quality"
        if choose_device().type == "cpu" and available() < room * 1e9:
            yield Figure(name=label, value=f"not measured: needs {room} GB of memory")
            continue
        yield Figure(name=label, value=_apart(name, "step"))
    yield Figure(
        name=f"{WHOLE}, random weights, a whole picture at default quality",
        value=_apart(WHOLE, "whole"),
        bar=f"≤ {WHOLE_BAR:g} minutes, ≤ {MEMORY_BAR:g} GB on two cores with bfloat16",
    )


def _apart(name: str, what: str) -> str:
    """In a process of its own, whose progress is seen; one that is killed is told by its signal."""
    command = [sys.executable, "-m", "tests.bench.engine.family", name, what]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or f"failed: it ended with {done.returncode}"


def main(name: str, what: str, *options: str) -> None:
    """Print the value of one row, and each step as it is taken on stderr; options as `gradient_at=x`."""
    description = load_model_set(name)
    models = blank_models(description, choose_device())
    knobs: dict[str, Any] = dict(option.split("=", 1) for option in options)
    knobs = {option: int(value) if value.isdigit() else value for option, value in knobs.items()}
    request = resolve_defaults(Request(prompt="a lighthouse in the fog", models=name, **knobs), description.defaults)
    course = course_of(models, [request], first_noise(models, [request]), request.steps - 1)
    seconds: list[tuple[float, float]] = []
    while not course.walk.done and (what == "whole" or len(seconds) < STEPS):
        wall, processor = time.perf_counter(), time.process_time()
        course.advance(answers(models, [course.question()], 1)[0]).x.cpu()
        seconds.append((time.perf_counter() - wall, time.process_time() - processor))
        done = f"{100 * (1 - (course.walk.index + 1) / request.steps):.0f} %"
        print(f"{name}: step {len(seconds)}, {done}, {seconds[-1][1]:.1f} s", file=sys.stderr, flush=True)
    wall, processor = (statistics.median(column[1:]) for column in zip(*seconds, strict=True))
    told = f"{wall:.2f} s a step ({processor:.2f} s of processor time), peak {peak_memory() / 1e9:.2f} GB"
    if what == "whole":
        minutes = [sum(column) / 60 for column in zip(*seconds, strict=True)]
        print(f"{len(seconds)} steps in {minutes[0]:.1f} minutes ({minutes[1]:.1f} of processor time); {told}")
    else:
        print(f"{told}; {request.steps} steps nominal: {wall * request.steps / 60:.1f} minutes")


if __name__ == "__main__":
    main(*sys.argv[1:])
