"""fifty random requests drawn, and drawn again by the command that `imago inspect` prints: are the pixels the same?"""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import engine
from engine.drawing.provenance import FILE
from engine.pictures.images import pixels_sha256, read_png, to_png
from engine.request import Inputs, Request
from tests.bench.engine.report import Figure

REQUESTS = 50
PROMPTS = (
    "a red star on a blue background",
    "жёлтая кошка:2 | зелёный фон",
    'it\'s a "ring" | red :-1',
    "--help",
    "-x | $HOME",
    "a\ttree \\ `moon`",
    "λ : 12:30",
)
COMMANDS = """
import json, sys
from bot.__main__ import main
for words in json.load(sys.stdin):
    if code := main(words):
        sys.exit(code)
"""  # every command goes through the command line's own parser; one process, so that the networks are loaded once


def measure() -> Iterator[Figure]:
    """Drawn here first, and again in a process that is told nothing but the commands."""
    rng = np.random.default_rng(2026)
    with TemporaryDirectory() as name:
        folder, drawn, commands = Path(name), [], []
        for number in range(REQUESTS):
            request, inputs, files = random_request(rng, folder, number)
            *_, last = engine.draw(request, inputs=inputs, parent=str(number))
            assert isinstance(last, engine.Finished)
            png = last.pictures[-1] if last.pictures and number % 2 else last.png
            drawn.append(pixels_sha256(read_png(png)[0]))
            commands.append(again(engine.inspect(png).command, files, folder / f"{number}.png"))
        subprocess.run(
            [sys.executable, "-c", COMMANDS], input=json.dumps(commands), text=True, check=True, capture_output=True
        )
        redrawn = [pixels_sha256(read_png((folder / f"{number}.png").read_bytes())[0]) for number in range(REQUESTS)]
    same = sum(first == second for first, second in zip(drawn, redrawn, strict=True))
    yield Figure(
        name="drawn again from `inspect`: pixel-identical",
        value=f"{same} of {REQUESTS}",
        bar=f"{REQUESTS} of {REQUESTS}",
        met=same == REQUESTS,
    )


def again(command: str, files: list[Path], output: Path) -> list[str]:
    """The words after `imago`, with the files in their places, the init picture's first, and where to draw to."""
    words, left = shlex.split(command)[1:], list(files)
    for k, word in enumerate(words):
        if words[k - 1] in ("--init-picture", "--target") and word.startswith(FILE):
            words[k] = str(left.pop(0)) + word.removeprefix(FILE)
    assert not left
    return [words[0], "-o", str(output), *words[1:]]


def random_request(rng: np.random.Generator, folder: Path, number: int) -> tuple[Request, Inputs, list[Path]]:
    """A request of few steps with some of everything, its pictures, and the files where these lie."""

    def some(values: list[object]) -> object:
        return values[rng.integers(len(values))]

    def ramp(most: int) -> object:
        points = sorted(rng.choice(101, 3, replace=False))
        return some([None, float(rng.integers(most)), ",".join(f"{at}:{rng.integers(1, most)}" for at in points)])

    knobs = {
        "prompt": some(list(PROMPTS)),
        "seed": int(rng.integers(2**32)),
        "steps": int(rng.integers(1, 5)),
        "sampler": some([None, "ddim", "ddpm"]),
        "eta": some([None, float(rng.random())]),
        "guidance_scale": ramp(500),
        "tv_scale": ramp(100),
        "range_scale": ramp(100),
        "saturation_scale": ramp(100),
        "cuts": int(rng.integers(1, 4)),
        "clamp": some([None, float(rng.random() + 0.01)]),
        "stop": some([None, "satisfied"]),
        "symmetry": some([None, None, "horizontal", "vertical", "both"]),
        "start": some([None, "noise", "perlin"]),
        "count": some([1, 1, 1, 2, 3]),
    }
    request = Request(**knobs)  # type: ignore[arg-type]
    if request.count > 1:
        request = replace(request, pick=some([None, 1, request.count]))  # type: ignore[arg-type]
    contents, files = [], []
    for k in range(rng.integers(3)):
        files.append(folder / f"{number} in-{k}.png")
        contents.append(to_png(rng.integers(0, 256, (int(rng.integers(8, 60)), 40, 3), np.uint8), {}))
        files[-1].write_bytes(contents[-1])
    begins = bool(contents) and bool(rng.integers(2))
    if begins:
        request = replace(request, init=some([None, round(float(rng.random() * 0.9 + 0.05), 3)]))  # type: ignore[arg-type]
    targets = tuple((content, round(float(rng.normal()), 3)) for content in contents[begins:])
    return request, Inputs(init=contents[0] if begins else None, targets=targets), files
