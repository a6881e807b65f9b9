"""How often the picture book shows what was asked, read off the pixels, on combinations that training never saw.

`python -m tests.bench.engine picturebook [--rows bare colour …] [--fewer N]`. Pictures are kept under
runs/picturebook/drawn by set, prompt, seed and settings, so a stopped run goes on where it was; contact sheets and a
list of what was taken for what are written beside them.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.drawing.models import choose_device, load_models
from engine.request import Request
from engine.training.picturebook.gallery import draw
from engine.training.picturebook.judge import Seen, read_all
from tests.bench.engine.picturebook_prompts import BARE_SEEDS, RUSSIAN, Asked, rows
from tests.bench.engine.report import Figure

FOLDER = Path("runs/picturebook")
UNGUIDED_BAR, SENTENCES_BAR, RUSSIAN_POINTS = 0.02, 0.80, 0.03
COST_ROWS = ("time", "memory")
TILE, COLUMNS = 128, 10  # of contact sheets
COST = """
import json, engine
from tests.bench.engine.report import peak_memory
for event in engine.draw(engine.Request(prompt={prompt!r}, seed=1, models={models!r})):
    pass
print(json.dumps([peak_memory() / 2**20, event.seconds]))
"""


def measure(fewer: int | None = None, chosen: Sequence[str] | None = None) -> Iterator[Figure]:
    """The figures of the chosen rows, all by default, each of its first `fewer` prompts."""
    found: dict[str, list[bool]] = {}
    models = load_models("picturebook", choose_device())
    for name, asked in rows(fewer).items():
        if chosen and not any(name.startswith(wanted) for wanted in chosen):
            continue
        knobs = {"guidance_scale": 0.0} if name == "guidance off" else {}
        requests = [Request(prompt=one.prompt, seed=one.seed, models="picturebook", **knobs) for one in asked]
        pictures = np.stack(list(draw(models, requests, FOLDER / "drawn")))
        seen = list(read_all(pictures))
        contact_sheet(FOLDER / "sheets" / f"{name.replace(', ', '-').replace(' ', '-')}.png", pictures, asked, seen)
        tell_mistakes(FOLDER / "sheets" / "mistakes.txt", name, asked, seen)
        yield from figures(name, asked, seen)
        found[name] = [set(one.things) <= set(other.things) for one, other in zip(asked, seen, strict=True)]
    yield from in_russian(found)
    if not chosen or "cost" in chosen:
        yield from cost()


def figures(name: str, asked: list[Asked], seen: list[Seen]) -> Iterator[Figure]:
    """What the pictures of a row show of what was asked."""
    both = list(zip(asked, seen, strict=True))
    main = [one.things[0] in other.things for one, other in both]
    grounds = [one.ground == other.ground for one, other in both if one.ground]
    every = [set(one.things) <= set(other.things) for one, other in both]
    some = [bool(set(one.things) & set(other.things)) for one, other in both]
    if name == "bare":
        yield share("bare nouns, pictures that show the thing", main, None)
        hits = Counter(one.things[0] for one, hit in zip(asked, main, strict=True) if hit)
        seeds = Counter(one.things[0] for one in asked)
        known = sum(hits[thing] >= 0.8 * tries for thing, tries in seeds.items())
        yield Figure(
            name=f"things with ≥ 80 % of their bare nouns drawn right ({max(seeds.values())} of {BARE_SEEDS} seeds)",
            value=f"{known} of {len(seeds)}",
            bar="≥ 800, never under 250",
            met=known >= 800,
        )
    elif name.startswith("colour"):
        yield share(f"{name}: thing", main, 0.85)
        yield share(f"{name}: ground", grounds, 0.95)
    elif name.startswith("setting"):
        yield share(f"{name}: thing", main, 0.75)
        yield share(f"{name}: setting", grounds, 0.85)
    elif name.startswith("two"):
        yield share(f"{name}: both things", every, 0.50)
        yield share(f"{name}: one at least", some, 0.85)
    elif name == "sentences":
        yield share("sentences as people type them: main thing", main, SENTENCES_BAR)
        yield share("sentences: ground, where one is said", grounds, None)
    else:
        yield share(f"{name}: thing", main, UNGUIDED_BAR, at_most=True)


def share(name: str, hits: list[bool], bar: float | None, *, at_most: bool = False) -> Figure:
    """A share of pictures, and its bar where it has one."""
    value = sum(hits) / max(1, len(hits))
    text = f"{value:.1%} ({sum(hits)} of {len(hits)})"
    if bar is None:
        return Figure(name=name, value=text)
    return Figure(
        name=name, value=text, bar=f"{'≤' if at_most else '≥'} {bar:.0%}", met=value <= bar if at_most else value >= bar
    )


def in_russian(found: dict[str, list[bool]]) -> Iterator[Figure]:
    """How far Russian prompts are behind the English ones for the same scenes and seeds."""
    names = [name for name in RUSSIAN if {name, f"{name}, Russian"} <= found.keys()]
    there = [hit for name in names for hit in found[f"{name}, Russian"]]
    here = [hit for name in names for hit in found[name][: len(found[f"{name}, Russian"])]]
    if there:
        behind = (sum(here) - sum(there)) / len(there)
        yield Figure(
            name="all things shown, English less Russian, same scenes",
            value=f"{100 * behind:+.1f} points ({sum(here)} and {sum(there)} of {len(there)})",
            bar="≤ 3 points",
            met=behind <= RUSSIAN_POINTS,
        )


def cost(rounds: int = 3) -> Iterator[Figure]:
    """A default drawing in a process of its own beside the toybox's, alternating; medians."""
    costs: dict[str, list[list[float]]] = {"picturebook": [], "toybox": []}
    for _ in range(rounds):
        for models, prompt in (("picturebook", "a red fox in the snow"), ("toybox", "a red star on a blue background")):
            code = COST.format(prompt=prompt, models=models)
            out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
            costs[models].append(json.loads(out))
    (memory, seconds), (_, toybox) = (np.median(costs[models], axis=0) for models in costs)
    yield Figure(
        name="a default drawing's time, of the toybox's",
        value=f"{seconds / toybox:.2f} ({seconds:.1f} s and {toybox:.1f} s)",
        bar="≤ 2.5",
        met=bool(seconds <= 2.5 * toybox),
    )
    yield Figure(
        name="a default drawing's peak memory",
        value=f"{memory:.0f} MiB",
        bar="≤ 700 MB",
        met=bool(memory * 2**20 <= 7e8),
    )


def contact_sheet(path: Path, pictures: np.ndarray, asked: list[Asked], seen: list[Seen]) -> None:
    """All pictures with what was asked and what the judge saw below; a red frame where the main thing is missing."""
    height = TILE + 26
    sheet = Image.new("RGB", (COLUMNS * (TILE + 8), -(-len(asked) // COLUMNS) * height), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (picture, one, other) in enumerate(zip(pictures, asked, seen, strict=True)):
        x, y = number % COLUMNS * (TILE + 8), number // COLUMNS * height
        good = one.things[0] in other.things and one.ground in (None, other.ground)
        pen.rectangle((x, y, x + TILE + 5, y + TILE + 5), fill="white" if good else "red")
        sheet.paste(Image.fromarray(picture).resize((TILE, TILE), Image.Resampling.BOX), (x + 3, y + 3))
        for line, shown in enumerate((one, other)):
            words = f"{'+'.join(shown.things) or '-'} {shown.ground or ''}"
            pen.text((x + 3, y + TILE + 4 + 10 * line), words[:24], fill=("black", "gray")[line])
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def tell_mistakes(path: Path, name: str, asked: list[Asked], seen: list[Seen]) -> None:
    """Append what was taken for what, most frequent first."""
    wrong = Counter(
        ("+".join(one.things), "+".join(other.things) or "nothing")
        for one, other in zip(asked, seen, strict=True)
        if not set(one.things) <= set(other.things)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{name}: {one} -> {other} x{count}\n" for (one, other), count in wrong.most_common())
