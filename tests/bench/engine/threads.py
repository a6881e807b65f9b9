"""`python -m tests.bench.engine.threads`: the same picture with 1, 2, 4 threads, and resumed under another number.

One request leaves the number of threads that share a sum to the set, another asks for two.
"""

import argparse
import json
import os
import subprocess
import sys
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
state, replay, folder, models, steps, prompt, seed, asked = sys.argv[1:]
request = engine.Request(prompt=prompt, seed=int(seed), models=models, steps=int(steps), threads=int(asked) or None)
if replay:
    request = request_of(read_png(Path(replay).read_bytes())[1])
for event in engine.draw(request, resume=Path(state).read_bytes() if state else None):
    if isinstance(event, engine.Checkpoint) and folder:
        Path(folder, f"{event.percent}").write_bytes(event.state)
if folder:
    Path(folder, "png").write_bytes(event.png)
print(json.dumps([event.png.hex(), event.gif.hex()]))
"""


@dataclass
class Count:
    """How many drawings were the same, of all."""

    replayed: int = 0
    resumed: int = 0
    replays: int = 0
    resumes: int = 0


def drawn(
    threads: int, args: argparse.Namespace, asked: int, *, state: str = "", replay: str = "", folder: str = ""
) -> list[str]:
    """PNG and GIF of a process whose machine has so many threads."""
    request = [args.models, str(args.steps), args.prompt, str(SEED), str(asked)]
    command = [sys.executable, "-c", DRAW, state, replay, folder, *request]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return list(json.loads(out))


def play(args: argparse.Namespace, asked: int, folder: Path, count: Count) -> int:
    """Draw a request under each number, again under each, and from each tenth under another; how many pictures."""
    plain = set()
    for number, threads in enumerate(NUMBERS):
        mine = folder / f"{asked}-{threads}"
        mine.mkdir()
        first = drawn(threads, args, asked, folder=str(mine))
        plain.add(first[0])
        for other in NUMBERS:
            count.replayed += drawn(other, args, asked, replay=str(mine / "png")) == first
            count.replays += 1
        for percent in range(10, 101, 10):
            other = NUMBERS[(number + 1 + percent // 10 % 2) % len(NUMBERS)]
            count.resumed += drawn(other, args, asked, state=str(mine / str(percent))) == first
            count.resumes += 1
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
