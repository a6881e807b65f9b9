"""predicted work of a job, in normal drawings of its model set: what limits, turns and estimates go by.

work = steps × pictures × (U-Net's share × pixels + CLIP's share × crops), each relative to the set's defaults
CLIP's share = CROP × the crops of the defaults
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from bot.errors import UserError
from bot.jobs.job import Draw, Upscale, Work
from engine import BadRequest, Request, Workload, known_seconds, workload

CROP = 0.02  # of a normal step: what CLIP takes to see a crop, from 0.003 to 0.02 where it was measured
MOST_SHARE = 0.5  # of a normal step that its crops may count as
UPSCALING = 0.25  # of a normal drawing
ANY = "a picture"  # in place of the prompt, which changes nothing
LEAST = 0.05  # so that no number of small drawings is free


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What makes a drawing larger than a normal one, each as a multiple."""

    steps: float = 1.0
    count: float = 1.0
    cuts: float = 1.0
    size: float = 1.0
    clip: float = CROP  # CLIP's share of a normal step

    @property
    def work(self) -> float:
        """In normal drawings."""
        return self.steps * self.count * ((1 - self.clip) * self.size + self.clip * self.cuts)

    def heaviest(self) -> list[str]:
        """The options to lower, the one that would help most first."""
        without = {
            "steps": replace(self, steps=1.0).work,
            "count": replace(self, count=1.0).work,
            "cuts": replace(self, cuts=1.0).work,
            "size": replace(self, size=1.0).work,
        }
        return [name for name, work in sorted(without.items(), key=lambda each: each[1]) if work < self.work]


def cost_of(work: Work) -> float:
    """Predicted work of a job; 1 is a normal drawing."""
    factors = _factors(work.request)
    if isinstance(work, Upscale):
        return UPSCALING * factors.size
    return max(LEAST, factors.work) if isinstance(work, Draw) else LEAST


def weight_of(cost: float) -> float:
    """What a job counts as where a limit is a number of jobs: one, or more where it is larger than a normal one."""
    return max(1.0, cost)


def usual_seconds(models: str) -> float | None:
    """What a normal drawing of a set takes here, if that was measured."""
    try:
        return known_seconds(normal_request(models))
    except BadRequest:  # it has been taken away since
        return None


def normal_request(models: str) -> Request:
    """A drawing as a set makes it when nobody says otherwise."""
    return _normal(models).request


def check_cost(work: Work, most: float) -> None:
    """Raises UserError for a single job of more work than `most`, which is 0 for no limit; says what to lower."""
    if most and isinstance(work, Draw | Upscale) and (cost := cost_of(work)) > most:
        heaviest = _factors(work.request).heaviest() if isinstance(work, Draw) else ["size"]
        lower = " ".join(f"--{name}" for name in heaviest)
        raise UserError("job-too-large", work=round(cost), limit=f"{most:g}", options=lower)


def _factors(request: Request) -> Factors:
    try:
        asked, normal = _workload(_Alike(request)), _workload(_normal(request.models))
    except BadRequest:  # the set was taken away: the engine says so
        return Factors()
    return Factors(
        steps=asked.steps / normal.steps,
        count=asked.pictures,
        cuts=asked.crops / normal.crops,
        size=asked.pixels / normal.pixels,
        clip=min(MOST_SHARE, CROP * normal.crops),
    )


class _Alike:
    """A request that equals all others which differ in nothing but words and seed."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._kept = tuple(value for name, value in vars(request).items() if name not in ("prompt", "then", "seed"))

    def __hash__(self) -> int:
        return hash(self._kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alike) and self._kept == other._kept


@lru_cache(maxsize=64)
def _normal(models: str) -> _Alike:
    return _Alike(Request(prompt=ANY, models=models))


@lru_cache(maxsize=1024)  # it reads the set's description
def _workload(alike: _Alike) -> Workload:
    return workload(alike.request)
