"""the size of a drawing before it is begun: steps, pictures, crops and pixels; without torch."""

from engine.diffusion.schedule import SOLVER_STEPS
from engine.drawing.canvas import finished_size
from engine.errors import BadRequest
from engine.events import Workload
from engine.model_sets.weights import Defaults, ModelSet
from engine.ramps import parse_ramp
from engine.request import QUALITIES, SOLVER, Request


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
        steps=(request.steps or max(1.0, usual_steps(request, models.defaults))) * (1 - (request.init or 0.0)),
        pictures=request.pictures,
        crops=0.0 if unguided else _mean(cuts) / every,
        pixels=width * height,
    )


def usual_steps(request: Request, defaults: Defaults) -> float:
    """Steps where the request does not say, not rounded: the set's or the adaptive sampler's own, times the quality."""
    adaptive = request.sampler == SOLVER != defaults.sampler  # the set's steps are those of another sampler
    return (SOLVER_STEPS if adaptive else defaults.steps) * QUALITIES[request.quality or "normal"]


def _mean(value: int | float | str) -> float:
    """Of a number, or of a ramp over the whole drawing."""
    if not isinstance(value, str):
        return float(value)
    ramp = parse_ramp(value)
    return sum(ramp.at(percent + 0.5) for percent in range(100)) / 100
