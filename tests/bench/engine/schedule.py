"""which steps to guide and how strongly: searched against the verifier on training prompts, checked on held-out ones.

After OUSAC (arXiv 2512.14096): fewer guided steps, each guided more strongly. A schedule here is what a request can
say: `guide_every`, `gradient_at`, and `guidance_scale` as a ramp.
"""

import time
from collections.abc import Iterator

import numpy as np

from engine.drawing.models import Models, choose_device, load_models
from engine.training.toybox.captions import english
from engine.training.toybox.judge import adherence, judge
from engine.training.toybox.world import COMBINATIONS, Scene, held_out, random_scene
from tests.bench.engine.adherence import held_out_prompts
from tests.bench.engine.pareto import ours
from tests.bench.engine.report import Figure

PICTURES, KEPT = 24, 3
SCALES = (150.0, 300.0, 600.0)
Knobs = dict[str, object]


def candidates() -> list[Knobs]:
    """What is tried: constant, falling and rising scales, on each or each second or third step, at x or at x0."""
    ramps = [scale for scale in SCALES] + [f"0:{2 * scale:g},100:0" for scale in SCALES]
    return [
        {"guidance_scale": scale, "guide_every": every, "gradient_at": at}
        for scale in ramps
        for every in (1, 2, 3)
        for at in ("x", "x0")
    ]


def training_prompts(count: int) -> tuple[list[Scene], list[str]]:
    """Scenes of combinations that training has seen."""
    rng = np.random.default_rng(77)
    seen = [combination for combination in COMBINATIONS if not held_out(*combination)]
    scenes = [random_scene(rng, [seen[k]]) for k in rng.permutation(len(seen))[:count]]
    return scenes, [english(scene, rng, size=False) for scene in scenes]


def tried(models: Models, knobs: Knobs, scenes: list[Scene], prompts: list[str]) -> tuple[float, float]:
    """(share that shows all three, seconds of processor time a picture)."""
    draw, began = ours(models, knobs), time.process_time()
    found = adherence([judge(draw(prompt, seed)) for seed, prompt in enumerate(prompts)], scenes)
    return found.all_three, (time.process_time() - began) / len(prompts)


def measure(pictures: int = PICTURES) -> Iterator[Figure]:
    """Each candidate on a few training prompts; those on the front of time and adherence again on held-out ones."""
    models, training = load_models("toybox", choose_device()), training_prompts(pictures)
    results = [(knobs, *tried(models, knobs, *training)) for knobs in candidates()]
    for knobs, share, seconds in front(results)[:KEPT]:
        checked, _ = tried(models, knobs, *held_out_prompts(2 * pictures))
        yield Figure(name=f"{knobs}", value=f"{seconds:.2f} s, {share:.1%} in the search, {checked:.1%} held out")


def front(results: list[tuple[Knobs, float, float]]) -> list[tuple[Knobs, float, float]]:
    """Those that none beats in both time and adherence, the most adherent first."""
    kept = [
        one
        for one in results
        if not any(other[1] >= one[1] and other[2] <= one[2] and other[1:] != one[1:] for other in results)
    ]
    return sorted(kept, key=lambda one: -one[1])
