"""`python -m tests.bench.engine.threads`: the same picture with 1, 2, 4 threads, and resumed under another number."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

NUMBERS = (1, 2, 4)
SEED = 11
DRAW = """
import sys, json, engine
from pathlib import Path
from engine.drawing.provenance import request_of
from engine.pictures.images import read_png
state, replay, folder, models, steps, prompt, seed = sys.argv[1:]
request = engine.Request(prompt=prompt, seed=int(seed), models=models, steps=int(steps))
if replay:
    request = request_of(read_png(Path(replay).read_bytes())[1])
for event in engine.draw(request, resume=Path(state).read_bytes() if state else None):
    if isinstance(event, engine.Checkpoint) and folder:
        Path(folder, f"{event.percent}").write_bytes(event.state)
if folder:
    Path(folder, "png").write_bytes(event.png)
print(json.dumps([event.png.hex(), event.gif.hex()]))
"""


def drawn(threads: int, args: argparse.Namespace, *, state: str = "", replay: str = "", folder: str = "") -> list[str]:
    """PNG and GIF of a process whose machine has so many threads."""
    command = [sys.executable, "-c", DRAW, state, replay, folder, args.models, str(args.steps), args.prompt, str(SEED)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return list(json.loads(out))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="toybox")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--prompt", default="a red star on a blue background")
    args = parser.parse_args()
    replayed = resumed = tried = 0
    plain = set()
    with TemporaryDirectory() as folder:
        for number, threads in enumerate(NUMBERS):
            mine = Path(folder, str(threads))
            mine.mkdir()
            first = drawn(threads, args, folder=str(mine))
            plain.add(first[0])
            for other in NUMBERS:
                replayed += drawn(other, args, replay=str(mine / "png")) == first
            for percent in range(10, 101, 10):
                other = NUMBERS[(number + 1 + percent // 10 % 2) % len(NUMBERS)]
                resumed += drawn(other, args, state=str(mine / str(percent))) == first
                tried += 1
    print(f"{args.models}, {args.steps} steps: {len(plain)} pictures of one seed with {NUMBERS} threads; PNG and GIF:")
    print(f"  drawn again as the picture says, under each of these numbers: {replayed} of {len(NUMBERS) ** 2} the same")
    print(f"  stopped at each tenth and resumed under another number: {resumed} of {tried} the same")
    sys.exit(replayed < len(NUMBERS) ** 2 or resumed < tried)


if __name__ == "__main__":
    main()
