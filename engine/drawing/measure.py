"""how many pictures a device draws at a time with profit, found out by a few steps of each width."""

import logging
import time

import torch

from engine.drawing.models import Models, choose_device, load_models
from engine.drawing.steps import answers, course_of, first_noise, resolve_defaults
from engine.networks.tuning import lacks_memory
from engine.request import Request
from engine.widths import WIDTHS

log = logging.getLogger(__name__)
GAIN = 1.1  # pictures a second that a wider batch must be worth
WARM_UP, ROUNDS = 2, 3  # steps; the first ones choose kernels, and compile where that was asked for


def best_width(name: str) -> int:
    """The width that a model set is drawn at on this machine: 1 on a CPU, which a single picture keeps busy.

    Raises: EngineError, RuntimeError when the set cannot be drawn at all.
    """
    device = choose_device()
    if device.type == "cpu" or not name:
        return 1
    models = load_models(name, device)
    return choose_width({width: seconds for width in WIDTHS if (seconds := step_seconds(models, width)) is not None})


def choose_width(seconds: dict[int, float]) -> int:
    """The narrowest that is nearly as good as the best: in a wider batch everybody waits longer for a step.

    Args:
        seconds: of a step, by width; those that memory has no room for are not in it.
    """
    pace = {width: width / taken for width, taken in seconds.items()}
    return min((width for width in pace if pace[width] * GAIN >= max(pace.values())), default=1)


def step_seconds(models: Models, width: int) -> float | None:
    """Of a guided step of so many pictures, size and crops as the set likes them; None where memory is too small."""
    asked = [Request(prompt="a star", seed=seed, models=models.description.name) for seed in range(width)]
    requests = [resolve_defaults(request, models.description.defaults) for request in asked]
    try:
        half = requests[0].steps // 2  # where every set is guided
        walks = [course_of(models, [each], first_noise(models, [each]), half) for each in requests]
        questions = [course.question() for course in walks]
        for rounds in (WARM_UP, ROUNDS):
            began = time.perf_counter()
            for _ in range(rounds):
                for answer in answers(models, questions, width):
                    answer.x0.cpu()  # waits for the device
        return (time.perf_counter() - began) / ROUNDS
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        if models.device.type == "cuda":
            torch.cuda.empty_cache()
        return None
