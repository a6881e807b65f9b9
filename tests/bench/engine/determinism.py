"""the same seed gives the same bytes: in two processes, and after a stop at each of the ten checkpoints."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.engine.report import Figure

PROMPT, SEED = "a red star on a blue background", 11
STOP_AFTER = """
import sys, engine
from pathlib import Path
for event in engine.draw(engine.Request(prompt=sys.argv[1], seed=int(sys.argv[2]))):
    if isinstance(event, engine.Checkpoint) and event.percent == int(sys.argv[3]):
        Path(sys.argv[4]).write_bytes(event.state)
        break
"""
DRAW = """
import sys, json, hashlib, engine
from pathlib import Path
state = Path(sys.argv[3]).read_bytes() if sys.argv[3] else None
*_, last = engine.draw(engine.Request(prompt=sys.argv[1], seed=int(sys.argv[2])), resume=state)
print(json.dumps([hashlib.sha256(last.png).hexdigest(), hashlib.sha256(last.gif).hexdigest()]))
"""


def measure() -> Iterator[Figure]:
    """Every drawing below runs in a process of its own."""
    first, second = _drawn(""), _drawn("")
    yield Figure(
        name="same seed, two runs: byte-identical PNG and GIF",
        value="yes" if first == second else "no",
        bar="yes",
        met=first == second,
    )
    same = sum(_stopped_and_resumed(percent) == first for percent in range(10, 101, 10))
    yield Figure(
        name="stop + resume: byte-identical PNG and GIF", value=f"{same} of 10", bar="10 of 10", met=same == 10
    )


def _python(code: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True).stdout


def _drawn(state: str) -> list[str]:
    return list(json.loads(_python(DRAW, PROMPT, str(SEED), state)))


def _stopped_and_resumed(percent: int) -> list[str]:
    with TemporaryDirectory() as folder:
        state = str(Path(folder) / "checkpoint")
        _python(STOP_AFTER, PROMPT, str(SEED), str(percent), state)
        return _drawn(state)
