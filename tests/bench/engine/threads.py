"""`python -m tests.bench.engine.threads`: the same picture with 1, 2, 4 threads, and resumed under another number.

One request leaves the number of threads that share a sum to the set, another asks for two.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

NUMBERS = (1, 2, 4)
ASKED = (0, 2)  # threads in the request; 0 for none
SEED = 11
DRAW = """
import sys, json, engine
from pathlib import Path
from engine.drawing.provenance import request_of
from engine.pictures.images import read_png

def draw(request, folder="", **how):
    for event in engine.draw(request, **how):
        if isinstance(event, engine.Checkpoint) and folder:
            Path(folder, f"{event.percent}").write_bytes(event.state)
    return event

folder, states, again, models, steps, prompt, seed, asked = sys.argv[1:]
request = engine.Request(prompt=prompt, seed=int(seed), models=models, steps=int(steps), threads=int(asked) or None)
ends = [draw(request, resume=Path(folder, state).read_bytes()) for state in states.split()]
if again:
    ends.append(draw(request_of(read_png(Path(folder, "png").read_bytes())[1])))
if not ends:
    ends.append(draw(request, folder))
    Path(folder, "png").write_bytes(ends[0].png)
print(json.dumps([[end.png.hex(), end.gif.hex()] for end in ends]))
"""


@dataclass
class Count:
    """How many drawings were the same, of all."""

    replayed: int = 0
    resumed: int = 0
    replays: int = 0
    resumes: int = 0


def drawn(
    threads: int, args: argparse.Namespace, asked: int, folder: Path, states: Sequence[int] = (), *, again: bool = False
) -> list[list[str]]:
    """PNG and GIF of a process whose machine has so many threads: from each state, and drawn again; or new."""
    request = [args.models, str(args.steps), args.prompt, str(SEED), str(asked)]
    said = [str(folder), " ".join(map(str, states)), "again" if again else "", *request]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", DRAW, *said]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return list(json.loads(out))


def play(args: argparse.Namespace, asked: int, folder: Path, count: Count) -> int:
    """Draw a request under each number, again under each, and from each tenth under another; how many pictures."""
    plain = set()
    for number, threads in enumerate(NUMBERS):
        mine = folder / f"{asked}-{threads}"
        mine.mkdir()
        (first,) = drawn(threads, args, asked, mine)
        plain.add(first[0])
        others = [NUMBERS[(number + 1 + tenth % 2) % len(NUMBERS)] for tenth in range(1, 11)]
        for other in NUMBERS:
            states = [10 * tenth for tenth in range(1, 11) if others[tenth - 1] == other]
            *resumed, again = drawn(other, args, asked, mine, states, again=True)
            count.resumed += sum(end == first for end in resumed)
            count.resumes += len(resumed)
            count.replayed += again == first
            count.replays += 1
    return len(plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="toybox")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--prompt", default="a red star on a blue background")
    args = parser.parse_args()
    count = Count()
    with TemporaryDirectory() as folder:
        plain = [play(args, asked, Path(folder), count) for asked in ASKED]
    print(f"{args.models}, {args.steps} steps: {plain} pictures of one seed with {NUMBERS} threads, asking for {ASKED}")
    print(f"  drawn again as the picture says, PNG and GIF the same: {count.replayed} of {count.replays}")
    print(f"  stopped at each tenth and resumed under another number: {count.resumed} of {count.resumes}")
    sys.exit(count.replayed < count.replays or count.resumed < count.resumes)


if __name__ == "__main__":
    main()
