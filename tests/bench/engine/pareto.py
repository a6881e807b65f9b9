"""time against adherence: the 2021 notebooks' own loop at 1000, 250 and 100 steps, and our ways; docs/pareto.png.

The notebook's loop is that of `notebook.py` with its own scales (1000, 150, 50) and DDPM; in the picture book, whose
CLIP reads what a linear denoiser says, it is that of the notebook with a secondary model. All draw the same held-out
prompts with the same seeds, one at a time and in turn, and the judge that reads pixels says which pictures are right.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from engine.diffusion.denoisers import Objective
from engine.diffusion.noise import Stream, per_picture
from engine.diffusion.schedule import Levels
from engine.drawing.models import Models, load_clip, load_retrieval, load_unet
from engine.drawing.steps import targets_of
from engine.drawing.upscale import enlarge
from tests.bench.engine.notebook import EpsOfUnshuffled, Notebook, spaced_diffusion
from tests.bench.engine.report import Figure, at_most
from tests.bench.engine.schedule import SOLVER, Knobs, summed, told
from tests.bench.engine.step import _theirs, boxes_at, pull_of
from tests.bench.engine.ways import WORLDS, Asks, Draw, Try, World, key, ours

PICTURES, OF_NOTEBOOK = 24, 2  # a picture of the notebook's takes a minute: it draws every second prompt
NOTEBOOK = (1000, 250, 100)  # steps
OURS: dict[str, Knobs] = {
    "ours": {},
    "draft": {"quality": "draft"},
    "each second step": {"guide_every": 2},
    "at x0": {"gradient_at": "x0"},
    "solver": {"sampler": SOLVER},
    "solver, draft": {"sampler": SOLVER, "quality": "draft"},
    "solver, 24": {"sampler": SOLVER, "steps": 24},
}
BAR = 1 / 8
PAGE = Path("docs/pareto.png")
Point = tuple[str, float, float]  # what, seconds a picture, share of pictures that show what was asked


def measure(pictures: int = PICTURES, sets: Sequence[str] = tuple(WORLDS)) -> Iterator[Figure]:
    """A row for each way of each set, how long ours takes to the notebook's adherence, and the figure of all."""
    panels: dict[str, list[Point]] = {}
    for name in sets:
        found = taken(WORLDS[name](pictures))
        for way, tries in found.items():
            yield Figure(name=f"{name}, {way}", value=told(list(tries.values())))
        panels[name] = [(way, *reversed(summed(list(tries.values())))) for way, tries in found.items()]
        yield from quicker(name, found)
        plot(panels).save(PAGE, optimize=True)


def taken(world: World) -> dict[str, dict[int, Try]]:
    """Every way's tries by prompt; prompt by prompt, as a busy machine is not always as busy."""
    models = world.models
    ways: dict[str, tuple[str, Draw]] = {
        name: (key(models, knobs), ours(models, knobs)) for name, knobs in OURS.items()
    }
    for steps in NOTEBOOK:
        name = f"notebook, {steps} steps"
        ways[name] = (name, notebook(models, steps))
    found: dict[str, dict[int, Try]] = {name: {} for name in ways}
    for number in range(len(world.prompts)):
        for name in ways:
            if name in OURS or number % OF_NOTEBOOK == 0:
                (found[name][number],) = world.tried(*ways[name], [number])
        print(f"{models.description.name}: {number + 1} of {len(world.prompts)}", file=sys.stderr, flush=True)
    return found


def quicker(name: str, found: Mapping[str, Mapping[int, Try]]) -> Iterator[Figure]:
    """The time of our quickest way that is as adherent as the notebook at its own 1000 steps, and of the default.

    Both on the prompts that the notebook has drawn.
    """
    theirs = found[f"notebook, {NOTEBOOK[0]} steps"]
    share, seconds = summed(list(theirs.values()))
    same = {way: summed([tries[number] for number in theirs]) for way, tries in found.items() if way in OURS}
    good = {way: took for way, (adherent, took) in same.items() if adherent >= share}
    for label, way in (("quickest", min(good, key=good.__getitem__, default="none")), ("defaults", "ours")):
        if way not in good:
            yield Figure(name=f"{name}: time to the notebook's adherence, {label}", value="not reached", met=False)
            continue
        right = f"{share * len(theirs):.0f} and {same[way][0] * len(theirs):.0f} of {len(theirs)}"
        what = f"{name}: time to the notebook's adherence ({right}), {label}: {way} ÷ notebook"
        yield at_most(what, good[way] / seconds, BAR)


def notebook(models: Models, steps: int) -> Draw:
    """The final notebook's loop, which knows one U-Net, the finishing one; or that with a secondary model."""
    table = models.description.unet
    diffusion = spaced_diffusion(table["schedule"], steps, learned_variance=False)
    theirs = _theirs(load_unet(models.description, models.device, table=table))
    objective: Objective = table["objective"]
    beside = load_retrieval(models.description, models.device)
    model = EpsOfUnshuffled(theirs, objective, table["patch"], diffusion, beside).to(models.device)
    clip = load_clip(models.description, models.description.clips[0], models.device, optimized=False)
    levels, side, guide = Levels(table["schedule"], steps), models.description.side, models.secondary

    def draw(asked: Asks) -> tuple[list[np.ndarray], int]:
        ((prompt, seed),) = asked
        target = targets_of(models, [prompt])[0]
        loop = Notebook(
            diffusion=diffusion,
            model=model,
            encode_image=clip.encode_images,
            side=clip.side,
            target_embeds=target.embeddings[0],
            weights=target.weights[0],
            clip_guidance_scale=1000.0,
            tv_scale=150.0,
            range_scale=50.0,
            secondary=None if guide is None else lambda x, t: guide(x, t.cpu()).x0,
        )
        torch.manual_seed(seed)
        x = per_picture([(seed, 0)], Stream.START, 0, (3, side, side)).to(models.device)
        step = loop.shared_forward if guide is None else loop.two_forwards
        for index in range(steps - 1, -1, -1):
            boxes = boxes_at(pull_of(models), x, int(levels.timesteps[index]))
            x = step(x, index, boxes, eta=None)
        return enlarge(models, list(x.clamp(-1, 1))), steps

    return draw


def plot(panels: dict[str, list[Point]], width: int = 720, height: int = 520) -> Image.Image:
    """One panel for each set: seconds on a logarithmic axis, adherence upwards."""
    image = Image.new("RGB", (width * len(panels), height), "white")
    for number, (name, points) in enumerate(panels.items()):
        image.paste(panel(name, points, width, height), (number * width, 0))
    return image


def panel(name: str, points: list[Point], width: int, height: int) -> Image.Image:
    """The notebook's ways in red, ours in blue; names that would lie on one another are moved apart."""
    image = Image.new("RGB", (width, height), "white")
    pen, left, bottom = ImageDraw.Draw(image), 60, height - 60
    seconds = np.log10([point[1] for point in points])
    low, high = float(seconds.min()) - 0.15, float(seconds.max()) + 0.75
    pen.line([(left, 30), (left, bottom), (width - 20, bottom)], fill="black", width=2)
    pen.text((width // 2 - 110, height - 25), "seconds of processor time a picture", fill="black")
    pen.text((8, 6), f"{name}: held-out prompts whose picture shows all that was asked", fill="black")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - share * (bottom - 50)
        pen.text((left - 40, y - 6), f"{share:.0%}", fill="black")
        pen.line([(left, y), (width - 20, y)], fill=(225, 225, 225))
    written: list[float] = []
    for (way, took, share), place in sorted(zip(points, seconds, strict=True), key=lambda one: -one[0][2]):
        x, y = left + (place - low) / (high - low) * (width - 20 - left), bottom - share * (bottom - 50)
        colour = (200, 60, 40) if way.startswith("notebook") else (30, 90, 200)
        pen.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour)
        line = max([y - 6, *(other + 13 for other in written[-1:])])
        pen.line([(x + 5, y), (x + 12, line + 6)], fill=colour)
        pen.text((x + 14, line), f"{way}: {took:.2g} s", fill=colour)
        written.append(line)
    return image
