"""time against adherence: the 2021 notebook's own loop at 1000, 250 and 100 steps, and our samplers; a PNG in docs/.

The notebook's loop is that of `notebook.py` with its own scales (1000, 150, 50) and DDPM. All draw the same held-out
prompts with the same seeds, and the verifier that reads pixels judges them.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from engine.diffusion.denoisers import Objective
from engine.diffusion.noise import Stream, per_picture
from engine.diffusion.schedule import Levels
from engine.drawing.models import Models, choose_device, load_clip, load_models, load_unet
from engine.drawing.steps import first_noise, resolve_defaults, steps_of, targets_of
from engine.drawing.upscale import enlarge
from engine.request import Request
from engine.training.toybox.judge import adherence, judge
from tests.bench.engine.adherence import held_out_prompts
from tests.bench.engine.notebook import EpsOfUnshuffled, Notebook, spaced_diffusion
from tests.bench.engine.report import Figure
from tests.bench.engine.step import _theirs, boxes_at, pull_of

PICTURES = 40
NOTEBOOK = (1000, 250, 100)  # steps
OURS: dict[str, dict[str, object]] = {
    "ours": {},
    "ours, half the steps": {"quality": "draft"},
    "ours, gradient at x0": {"gradient_at": "x0"},
    "ours, every second step": {"guide_every": 2},
    "solver": {"sampler": "dpmpp-3m-sde"},
    "solver, draft": {"sampler": "dpmpp-3m-sde", "quality": "draft"},
    "solver, draft, at x0": {"sampler": "dpmpp-3m-sde", "quality": "draft", "gradient_at": "x0"},
}
PAGE = Path("docs/pareto.png")
Draw = Callable[[str, int], np.ndarray]  # prompt, seed → picture
Point = tuple[str, float, float]  # what, seconds a picture, share of pictures that show all three


def measure(pictures: int = PICTURES) -> Iterator[Figure]:
    """A row for each way, as it is measured; then the picture of all of them."""
    models = load_models("toybox", choose_device())
    scenes, prompts = held_out_prompts(pictures)
    ways: dict[str, Draw] = {name: ours(models, knobs) for name, knobs in OURS.items()}
    ways |= {f"notebook, {steps} steps": notebook(models, steps) for steps in reversed(NOTEBOOK)}
    points: list[Point] = []
    for name, draw in ways.items():
        began = time.process_time()
        seen = [judge(draw(prompt, seed)) for seed, prompt in enumerate(prompts)]
        seconds, share = (time.process_time() - began) / len(prompts), adherence(seen, scenes).all_three
        points.append((name, seconds, share))
        plot(points).save(PAGE, optimize=True)
        yield Figure(name=f"toybox, {name}", value=f"{seconds:.2f} s of processor time a picture, {share:.1%}")


def ours(models: Models, knobs: dict[str, object]) -> Draw:
    """The product's own way with some options."""

    def draw(prompt: str, seed: int) -> np.ndarray:
        asked = Request(prompt=prompt, seed=seed, **knobs)  # type: ignore[arg-type]
        request = resolve_defaults(asked, models.description.defaults)
        *_, last = steps_of(models, [request], first_noise(models, [request]), request.steps - 1)
        return enlarge(models, list(last.x))[0]

    return draw


def notebook(models: Models, steps: int) -> Draw:
    """The final notebook's loop, which knows one network: the finishing one."""
    table = models.description.unet
    diffusion = spaced_diffusion(table["schedule"], steps, learned_variance=False)
    theirs = _theirs(load_unet(models.description, models.device, table=table))
    objective: Objective = table["objective"]
    model = EpsOfUnshuffled(theirs, objective, table["patch"], diffusion).to(models.device)
    clip = load_clip(models.description, models.description.clips[0], models.device, quicken=False)
    levels, side = Levels(table["schedule"], steps), models.description.side

    def draw(prompt: str, seed: int) -> np.ndarray:
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
        )
        torch.manual_seed(seed)
        x = per_picture([(seed, 0)], Stream.START, 0, (3, side, side)).to(models.device)
        for index in range(steps - 1, -1, -1):
            boxes = boxes_at(pull_of(models), x, int(levels.timesteps[index]))
            x = loop.shared_forward(x, index, boxes, eta=None)
        return enlarge(models, list(x.clamp(-1, 1)))[0]

    return draw


def plot(points: list[Point], width: int = 900, height: int = 520) -> Image.Image:
    """Seconds on a logarithmic axis, adherence upwards."""
    image = Image.new("RGB", (width, height), "white")
    pen, left, bottom = ImageDraw.Draw(image), 70, height - 60
    seconds = np.log10([point[1] for point in points])
    low, high = float(seconds.min()) - 0.15, float(seconds.max()) + 0.55
    pen.line([(left, 20), (left, bottom), (width - 20, bottom)], fill="black", width=2)
    pen.text((width // 2 - 90, height - 25), "seconds of processor time a picture", fill="black")
    pen.text((8, 4), "pictures that show object, colour and background", fill="black")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - share * (bottom - 40)
        pen.text((left - 45, y - 6), f"{share:.0%}", fill="black")
        pen.line([(left, y), (width - 20, y)], fill=(225, 225, 225))
    for (name, took, share), place in zip(points, seconds, strict=True):
        x, y = left + (place - low) / (high - low) * (width - 20 - left), bottom - share * (bottom - 40)
        colour = (200, 60, 40) if name.startswith("notebook") else (30, 90, 200)
        pen.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour)
        pen.text((x + 9, y - 6), f"{name}: {took:.2g} s", fill=colour)
    return image
