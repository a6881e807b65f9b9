"""what a toybox drawing costs: peak memory, time to the first step, time to the picture."""

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.engine.report import Figure

DRAW = """
import time
began = time.perf_counter()
import json, engine
from tests.bench.engine.report import peak_memory
first = None
for event in engine.draw(engine.Request(prompt="a red star on a blue background", seed=1)):
    if first is None and isinstance(event, engine.Progress):
        first = time.perf_counter() - began
whole = time.perf_counter() - began
print(json.dumps([peak_memory() / 2**20, first, event.seconds, whole]))
"""


def measure() -> Iterator[Figure]:
    """One drawing in a fresh process; on a GPU its own memory is not in the figure."""
    out = subprocess.run([sys.executable, "-c", DRAW], check=True, capture_output=True, text=True).stdout
    peak, first, drawing, whole = json.loads(out)
    yield Figure(name="toybox drawing, peak memory of the process", value=f"{peak:.0f} MiB")
    yield Figure(name="from start of the process to the first step done", value=f"{first:.1f} s")
    yield Figure(name="all steps of a default drawing", value=f"{drawing:.1f} s")
    yield Figure(name="start of the process to PNG and GIF in hand", value=f"{whole:.1f} s")
