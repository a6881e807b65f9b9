"""step, memory and a whole picture of each published network with random weights, as the product draws.

Each is measured in a process of its own, whose memory is then that of the set alone.
"""

import subprocess
import sys
import time
from collections.abc import Iterator

from engine.drawing.models import choose_device
from engine.drawing.pace import blank_models
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
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
    command = [sys.executable, "-m", "tests.bench.engine.family", name, what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or f"failed: {done.stderr.strip().splitlines()[-1][:200]}"


def main(name: str, what: str) -> None:
    """Print the value of one row."""
    description = load_model_set(name)
    models = blank_models(description, choose_device())
    request = resolve_defaults(Request(prompt="a lighthouse in the fog", models=name), description.defaults)
    walk, seconds = steps_of(models, [request], first_noise(models, [request]), request.steps - 1), []
    while what == "whole" or len(seconds) < STEPS:
        wall, processor = time.perf_counter(), time.process_time()
        step = next(walk, None)
        if step is None:
            break
        step.x.cpu()
        seconds.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = (sum(column[1:]) / (len(seconds) - 1) for column in zip(*seconds, strict=True))
    told = f"{wall:.2f} s a step ({processor:.2f} s of processor time), peak {peak_memory() / 1e9:.2f} GB"
    if what == "whole":
        total = sum(wall for wall, _ in seconds)
        print(f"{len(seconds)} steps in {total / 60:.1f} minutes; {told}")
    else:
        print(f"{told}; {request.steps} steps nominal: {wall * request.steps / 60:.1f} minutes")


if __name__ == "__main__":
    main(*sys.argv[1:3])
