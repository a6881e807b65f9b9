"""the size of a drawing before it is begun: steps, pictures, crops and pixels; without torch."""

from engine.drawing.canvas import finished_size
from engine.errors import BadRequest
from engine.events import Workload
from engine.model_sets.weights import Defaults, ModelSet
from engine.ramps import parse_ramp
from engine.request import QUALITIES, SOLVER, Request

SOLVER_STEPS = 97  # of the adaptive sampler where neither the request nor the set says; it may take more


def workload(request: Request, models: ModelSet) -> Workload:
    """The size of a drawing with the set's defaults for what the request leaves open."""
    cuts = models.defaults.cuts if request.cuts is None else request.cuts
    unguided = request.guidance_scale == 0
    every = request.guide_every or models.defaults.guide_every
    try:
        width, height = finished_size(request, models)
    except BadRequest:  # refused when it is drawn
        width = height = models.side * models.scale
    return Workload(
        steps=_steps(request, models.defaults) * (1 - (request.init or 0.0)),
        pictures=1 if request.pick is not None else request.count,
        crops=0.0 if unguided else _mean(cuts) / every,
        pixels=width * height,
    )


def _steps(request: Request, defaults: Defaults) -> float:
    if request.steps is not None:
        return request.steps
    steps = SOLVER_STEPS if request.sampler == SOLVER != defaults.sampler else defaults.steps
    return max(1.0, steps * QUALITIES[request.quality or "normal"])


def _mean(value: int | float | str) -> float:
    """Of a number, or of a ramp over the whole drawing."""
    if not isinstance(value, str):
        return float(value)
    ramp = parse_ramp(value)
    return sum(ramp.at(percent + 0.5) for percent in range(100)) / 100
