"""which sampler, how many steps and which of them to guide: searched against a judge on training prompts, checked on
held-out ones.

After OUSAC (arXiv 2512.14096): fewer guided steps, each guided more strongly. A schedule here is what a request can
say. After each batch of prompts the worse half leaves, so most are drawn by those that may win (successive
halving; Jamieson & Talwalkar 2016).
"""

import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence

from tests.bench.engine.report import Figure
from tests.bench.engine.ways import WORLDS, Try, World, key, ours

TOGETHER, PICTURES, CHECKED = 8, 32, 32  # prompts that are drawn in one batch, of the search, and held out
KEPT = 2
Knobs = Mapping[str, object]
SOLVER = "dpmpp-3m-sde"


def candidates(name: str) -> list[Knobs]:
    """What is tried: the set's own way first, then fewer steps, stronger pulls, some steps only, at x0, the solver."""
    scale, steps = {"toybox": (300.0, (60, 50, 40, 30)), "picturebook": (3000.0, (60, 40, 30, 20))}[name]
    ways: list[Knobs] = [{}, *({"steps": count} for count in steps)]
    ways += [{"steps": steps[2], "guidance_scale": said} for said in (2 * scale, f"0:{3 * scale:g},100:{scale:g}")]
    ways += [{"guide_every": 2}, {"steps": steps[0], "guide_every": 2}]
    ways += [{"gradient_at": "x0", "guidance_scale": times * scale} for times in (1, 20)]
    ways += [{"sampler": SOLVER, "steps": count} for count in (48, 24, 16)]
    return [*ways, {"sampler": SOLVER, "steps": 24, "guide_every": 2}]


def measure(pictures: int = PICTURES, sets: Sequence[str] = tuple(WORLDS)) -> Iterator[Figure]:
    """How far each candidate came in the search; then the front of time and adherence on held-out prompts."""
    for name in sets:
        among = candidates(name)
        found = searched(WORLDS[name](pictures, training=True), among)
        for knobs, tries in zip(among, found, strict=True):
            yield Figure(name=f"{name}, {json.dumps(knobs)}", value=f"{told(tries)}, training prompts")
        whole = [(knobs, *summed(tries)) for knobs, tries in zip(among, found, strict=True) if len(tries) == pictures]
        held_out = WORLDS[name](CHECKED)
        for knobs in [{}, *(knobs for knobs, *_ in front(whole)[:KEPT] if knobs)]:
            tries = [one for first in range(0, CHECKED, TOGETHER) for one in tried(held_out, knobs, first)]
            yield Figure(name=f"{name}, {json.dumps(knobs)}", value=f"{told(tries)}, held out")


def searched(world: World, among: list[Knobs]) -> list[list[Try]]:
    """What each candidate did on as many prompts as it stayed for."""
    found: list[list[Try]] = [[] for _ in among]
    active = list(range(len(among)))
    for first in range(0, len(world.prompts), TOGETHER):
        for k in active:
            found[k] += tried(world, among[k], first)
            print(f"{json.dumps(among[k])}: {told(found[k])}", file=sys.stderr, flush=True)
        active = staying({k: summed(found[k]) for k in active})
    return found


def staying(sums: dict[int, tuple[float, float]]) -> list[int]:
    """The better half, of equals the quicker ones; and the first, which is what the others are compared with."""
    ranked = sorted((k for k in sums if k), key=lambda k: (-sums[k][0], sums[k][1]))
    return sorted([0, *ranked[: -(-len(ranked) // 2)]])


def tried(world: World, knobs: Knobs, first: int) -> list[Try]:
    """So many prompts drawn together by a candidate."""
    numbers = range(first, min(first + TOGETHER, len(world.prompts)))
    return world.tried(key(world.models, knobs), ours(world.models, knobs), numbers)


def summed(tries: list[Try]) -> tuple[float, float]:
    """(share that shows what was asked, median of the seconds of a picture)."""
    return sum(one.right for one in tries) / len(tries), statistics.median(one.seconds for one in tries)


def told(tries: list[Try]) -> str:
    """As a row says it."""
    steps = statistics.mean(one.steps for one in tries)
    return f"{sum(one.right for one in tries)} of {len(tries)} right, {summed(tries)[1]:.2f} s, {steps:.0f} steps"


def front(results: list[tuple[Knobs, float, float]]) -> list[tuple[Knobs, float, float]]:
    """Those that none beats in both time and adherence, the most adherent first."""
    kept = [
        one
        for one in results
        if not any(other[1] >= one[1] and other[2] <= one[2] and other[1:] != one[1:] for other in results)
    ]
    return sorted(kept, key=lambda one: -one[1])
