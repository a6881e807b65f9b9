"""one guided step: ours against the 2021 notebooks' loops, alternating in one run.

All three have the same weights, noise level, crops, losses and threads. The notebooks run CLIP with
the layers it was published with, as open_clip has them; their crops are drawn before the clock
starts, ours while it runs. Where a set has several CLIPs, the first one guides.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.diffusion.cutouts import cut
from engine.diffusion.guidance import Pull, add_guidance, seeded_cutter
from engine.diffusion.noise import Stream, per_picture
from engine.diffusion.samplers import sample
from engine.diffusion.schedule import Levels
from engine.drawing.models import Models, choose_device, load_clip, load_models, load_unet
from engine.drawing.steps import targets_of
from engine.model_sets.weights import ModelSet
from engine.networks.unet import UNet
from tests.bench.engine.notebook import EpsOfUnshuffled, Notebook, guided_diffusion_unet, spaced_diffusion
from tests.bench.engine.report import Figure, at_most

WARM_UP, ROUNDS = 6, 60
PROMPT = "a red star on a blue background"
TIMESTEP = 850  # of the parts, measured alone
TV_SCALE, RANGE_SCALE = 150.0, 50.0  # not the model set's: everybody has to work out all three losses

Contender = Callable[[int], Tensor]  # index of the noise level → x after the step


def measure() -> Iterator[Figure]:
    """Medians, the ratios that have bars, and where the time of ours goes."""
    models = load_models("toybox", choose_device())
    loops = contenders(models, eta=models.description.defaults.eta)
    indices = middle(models.description)
    times = {name: medians(rounds) for name, rounds in alternate(loops, indices).items()}
    for name, (wall, processor) in times.items():
        yield Figure(name=f"one guided step, {name}", value=told(wall, processor))
    mid_2021, final, ours = times.values()
    yield at_most("one guided step: ours ÷ mid-2021 notebook", ours[0] / mid_2021[0], 0.75)
    yield at_most("one guided step: ours ÷ final notebook", ours[0] / final[0], 0.9)
    yield Figure(
        name="the same two ratios in processor time, which a busy machine disturbs less",
        value=f"{ours[1] / mid_2021[1]:.3f}, {ours[1] / final[1]:.3f}",
    )
    for name, rounds in alternate(parts(models), indices).items():
        wall, processor = medians(rounds)
        yield Figure(name=f"of ours, {name}", value=f"{told(wall, processor)}, {100 * processor / ours[1]:.0f} %")


def medians(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    """(wall, processor) seconds."""
    wall, processor = zip(*rounds, strict=True)
    return statistics.median(wall), statistics.median(processor)


def told(wall: float, processor: float) -> str:
    return f"{1000 * wall:.1f} ms ({1000 * processor:.1f} ms of processor time)"


def guide_of(description: ModelSet) -> dict[str, Any]:
    """The table of the U-Net that is pulled: of two, the one of the early steps."""
    return description.early or description.unet


def middle(description: ModelSet) -> list[int]:
    """Of the noise levels that the pulled U-Net draws, evenly spread, the indices of the middle half.

    At the top pure noise would meet a network that expects a picture.
    """
    timesteps = Levels(guide_of(description)["schedule"], description.defaults.steps).timesteps
    first = int(np.searchsorted(timesteps, guide_of(description).get("from_timestep", 0)))
    quarter = (len(timesteps) - first) // 4
    return list(range(first + quarter, max(len(timesteps) - quarter, first + 1)))


def pull_of(models: Models) -> Pull:
    """The model set's, but guiding at every level and with every loss."""
    defaults = models.description.defaults
    return Pull(
        guidance_scale=defaults.guidance_scale,
        tv_scale=TV_SCALE,
        range_scale=RANGE_SCALE,
        cuts=defaults.cuts,
        cut_power=defaults.cut_power,
        smallest_cut=defaults.smallest_cut,
        seeds=[(0, 0)],
    )


def start(models: Models) -> Tensor:
    """Noise to begin with, [1, 3, side, side]."""
    side = models.description.side
    return per_picture([(0, 0)], Stream.START, 0, (3, side, side)).to(models.device)


def contenders(models: Models, *, eta: float) -> dict[str, Contender]:
    """The two notebooks' loops and ours, each a function of the noise level's index."""
    table, defaults, x = guide_of(models.description), models.description.defaults, start(models)
    pull, levels, target = pull_of(models), Levels(table["schedule"], defaults.steps), targets_of(models, [PROMPT])[0]
    ddim = defaults.sampler == "ddim"
    diffusion = spaced_diffusion(table["schedule"], defaults.steps, learned_variance=False)
    theirs = _theirs(load_unet(models.description, models.device, table=table))
    clip = load_clip(models.description, models.description.clips[0], models.device, optimized=False)
    notebook = Notebook(
        diffusion=diffusion,
        model=EpsOfUnshuffled(theirs, table["objective"], table["patch"], diffusion).to(models.device),
        encode_image=clip.encode_images,
        side=clip.side,
        target_embeds=target.embeddings[0],
        weights=target.weights[0],
        clip_guidance_scale=pull.guidance_scale,
        tv_scale=TV_SCALE,
        range_scale=RANGE_SCALE,
    )
    boxes = {i: boxes_at(pull, x, int(levels.timesteps[i])) for i in middle(models.description)}
    denoise = add_guidance(models.denoise, [target], pull, table["schedule"])

    def ours(index: int) -> Tensor:
        steps = sample(
            denoise,
            x,
            lambda i: per_picture(pull.seeds, Stream.STEP, i, tuple(x.shape[1:])),
            levels,
            sampler=defaults.sampler,
            eta=eta,
            start=index,
        )
        return next(steps).x

    return {
        "mid-2021 notebook (2 forwards, 1 backward)": lambda i: notebook.two_forwards(
            x, i, boxes[i], eta=eta if ddim else None
        ),
        "final notebook (1 forward, 1 backward)": lambda i: notebook.shared_forward(
            x, i, boxes[i], eta=eta if ddim else None
        ),
        "ours": ours,
    }


def _theirs(unet: UNet) -> nn.Module:
    """guided-diffusion's network with the same weights."""
    found = guided_diffusion_unet(unet.config)
    found.load_state_dict(unet.state_dict())
    return found


def boxes_at(pull: Pull, x: Tensor, timestep: int) -> list[tuple[int, int, int]]:
    """The crops that ours draws at a timestep, as the notebooks want them."""
    crops = seeded_cutter(pull)(torch.tensor([timestep]), x)
    return [(top, left, size) for top, left, size in torch.stack([crops.top, crops.left, crops.size], -1)[0].tolist()]


def parts(models: Models) -> dict[str, Contender]:
    """What ours is made of, each measured alone and forward and backward together."""
    pull, x, clip = pull_of(models), start(models), models.clips[0][0]
    crops, t = seeded_cutter(pull)(torch.tensor([TIMESTEP]), x), torch.tensor([TIMESTEP])
    pictures = cut(x, crops, clip.side).flatten(0, 1)

    def through(function: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
        given = given.detach().requires_grad_()
        return torch.autograd.grad(function(given).sum(), given)[0]

    return {
        "U-Net": lambda i: through(lambda x: models.denoise(x, t).x0, x),
        "cutouts": lambda i: through(lambda x: cut(x, crops, clip.side), x),
        "CLIP": lambda i: through(clip.encode_images, pictures),
    }


def alternate(loops: dict[str, Contender], indices: list[int]) -> dict[str, list[tuple[float, float]]]:
    """(wall, processor) seconds of each loop in every round; all orders take turns, so that nobody always comes first.

    Processor time is that of all threads together.
    """
    orders = itertools.cycle(itertools.permutations(loops))
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for round_, order, index in zip(range(WARM_UP + ROUNDS), orders, itertools.cycle(indices), strict=False):
        for name in order:
            began = time.perf_counter(), time.process_time()
            loops[name](index).cpu()  # waits for a GPU to finish
            if round_ >= WARM_UP:
                rounds[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return rounds
