"""the full-size network's guided step on a GPU, each way and batch predicted before it is measured.

The prediction is a roofline (Williams et al. 2009): each operation takes what its arithmetic, the bytes that it reads
and writes, or its launch takes, whichever is longest. Compiling is predicted as if it left only the operations that
multiply matrices. Rows come as they are measured, those with a bar first, so a card that is lent for a while is
not lent in vain.
"""

import copy
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from engine.diffusion.denoisers import network_denoiser
from engine.diffusion.samplers import Step
from engine.drawing.measure import step_seconds
from engine.drawing.models import Models, choose_device
from engine.drawing.steps import first_noise, resolve_defaults, steps_of
from engine.model_sets.weights import ModelSet, load_model_set
from engine.networks.tuning import Tuning, choose_tuning, compile_network, tune
from engine.networks.unet import in_precision
from engine.request import Request
from tests.bench.engine.full import peak_of, random_clip, random_unet, timed
from tests.bench.engine.report import Card, Figure, this_card
from tests.bench.engine.step import PROMPT

GRAPHS = {"IMAGO_CUDA_GRAPHS": "1"}
WAYS: dict[str, dict[str, str]] = {
    "graphs": GRAPHS,
    "eager": {},
    "graphs, channels_last": {**GRAPHS, "IMAGO_CHANNELS_LAST": "1"},
    "eager, channels_last": {"IMAGO_CHANNELS_LAST": "1"},
    "compiled": {"IMAGO_COMPILE": "1"},
    "graphs, in any order": {**GRAPHS, "IMAGO_REPEATABLE": "0"},
}
BATCHES = (1, 8, 2, 4)
WARM_UP, ROUNDS = 3, 10
PEAK_BAR, PICTURE_BAR, PEOPLE_BAR = 0.60, 15.0, 3.0


class Counting(TorchDispatchMode):
    """Keeps (FLOPs, bytes read and written) of each operation that runs under it, backward ones, too."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[int, int]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            count = flop_registry.get(func.overloadpacket)
            flops = count(*args, **(kwargs or {}), out_val=out) if count else 0
            moved = sum(leaf.nbytes for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor))
            self.operations.append((flops, moved))
        return out

    @property
    def flops(self) -> int:
        return sum(flops for flops, _ in self.operations)

    def seconds(self, card: Card, way: Mapping[str, str]) -> float:
        """What a step should take at least."""
        compiled = "IMAGO_COMPILE" in way or "IMAGO_CUDA_GRAPHS" in way
        launch = 0.0 if "IMAGO_CUDA_GRAPHS" in way else card.launch
        return sum(
            max(flops / card.flops, moved / card.bandwidth, launch)
            for flops, moved in self.operations
            if flops or not compiled
        )


def measure() -> Iterator[Figure]:
    """On a card that is known."""
    if (card := this_card()) is None:
        yield Figure(name="full-size 256 network on a GPU", value="not measured: there is none whose peak is known")
        return
    yield from rows(load_model_set("imagenet256"), choose_device(), card)


def rows(
    description: ModelSet,
    device: torch.device,
    card: Card,
    ways: Sequence[str] = tuple(WAYS),
    batches: Sequence[int] = BATCHES,
) -> Iterator[Figure]:
    """A row for each batch and way; after those of a batch the bar that the best of them has to reach."""
    drawings = Drawings(description, device)
    for batch in batches:
        counted, expected = counting(drawings.begun({}, batch))
        found: list[tuple[float, str]] = []  # (seconds, way)
        for way in ways:
            name = f"full-size 256 network, {way}, batch {batch}"
            told = f"{counted.flops / 1e12:.2f} TFLOP, predicted {1e3 * counted.seconds(card, WAYS[way]):.1f} ms"
            try:
                ready, seconds, peak, apart = measured(drawings.begun(WAYS[way], batch), device, expected)
            except Exception as error:  # a way that this card or this torch cannot go must not hide the others
                yield Figure(name=name, value=f"{told}; {failure(error)}")
                continue
            found.append((seconds, way))
            yield Figure(
                name=name,
                value=f"{told}; {1e3 * seconds:.1f} ms, {1e3 * seconds / batch:.1f} a picture, "
                f"{counted.flops / seconds / card.flops:.0%} of the peak, "
                f"{(peak - drawings.spare) / 2**20:.0f} MiB, ready after {ready:.0f} s, "
                f"ends {apart:.1e} from eager",
            )
        if found and batch == 8:
            seconds, way = min(found)
            share = counted.flops / seconds / card.flops
            yield Figure(
                name=f"share of the dense half-precision peak at batch 8, {way}",
                value=f"{share:.1%}",
                bar=f"≥ {PEAK_BAR:.0%}",
                met=share >= PEAK_BAR,
            )
            yield people(drawings, way, batch)
        if found and batch == 1:
            yield picture(drawings, min(found)[1])


def people(drawings: "Drawings", way: str, width: int) -> Figure:
    """Pictures a minute where each of so many has asked for one, drawn together, against one after the other."""
    name, bar = f"pictures a minute for {width} people at once, {way}", f"≥ {PEOPLE_BAR:g} times one by one"
    try:
        models = drawings.models(WAYS[way])
        alone, together = step_seconds(models, 1), step_seconds(models, width)
        if alone is None or together is None:
            return Figure(name=name, value="no room in memory", bar=bar, met=False)
    except Exception as error:
        return Figure(name=name, value=failure(error), bar=bar, met=False)
    pace, gain = 60 * width / (together * 2 * drawings.half), width * alone / together
    return Figure(
        name=name,
        value=f"{pace:.2f} of {2 * drawings.half} steps, {gain:.2f} × one by one",
        bar=bar,
        met=gain >= PEOPLE_BAR,
    )


def failure(error: Exception) -> str:
    """What belongs into docs/experiments.md."""
    return f"failed: {type(error).__name__}: {str(error)[:200]!r}"


class Drawings:
    """Drawings with the shapes and defaults of a model set and always the same random weights."""

    def __init__(self, description: ModelSet, device: torch.device) -> None:
        self._description, self._device = description, device
        tuning = self._tuning({})
        self._unet = tune(in_precision(random_unet(description), tuning.precision), tuning, device)
        self._clip = random_clip(description, device, tuning)
        self.spare = sum(tensor.nbytes for tensor in self._unet.state_dict().values())  # bytes that a drawing lacks
        self.half = description.defaults.steps // 2

    def begun(self, way: Mapping[str, str], batch: int) -> Iterator[Step]:
        """The steps of a batch from half-way on."""
        return self.steps(self.models(way), batch, self.half)

    def models(self, way: Mapping[str, str]) -> Models:
        """Networks that are run this way, with nothing compiled yet."""
        torch.compiler.reset()
        tuning, table = self._tuning(way), self._description.unet
        unet = tune(copy.deepcopy(self._unet), tuning, self._device)
        clip = copy.deepcopy(self._clip) if tuning.compiled else self._clip
        compile_network(clip.visual, tuning)
        denoise = network_denoiser(
            unet, objective=table["objective"], schedule=table["schedule"], learned_variance=table["learned_variance"]
        )
        return Models(
            description=self._description, device=self._device, denoise=denoise, clips=[(clip, 1.0)], upscaler=None
        )

    def steps(self, models: Models, batch: int, start: int, x: Tensor | None = None) -> Iterator[Step]:
        """As `imago draw` goes them, from level `start`, where x is, on."""
        asked = [Request(prompt=PROMPT, seed=seed, models=self._description.name) for seed in range(batch)]
        requests = [resolve_defaults(request, self._description.defaults) for request in asked]
        return steps_of(models, requests, first_noise(models, requests) if x is None else x, start)

    def _tuning(self, way: Mapping[str, str]) -> Tuning:
        return choose_tuning(self._device, self._description.unet["shape"]["model_channels"], way)


def counting(walk: Iterator[Step]) -> tuple[Counting, Tensor]:
    """(what a step computes, where the first one ends)."""
    counted, expected = Counting(), next(walk).x  # the first one chooses algorithms
    with counted:
        next(walk)
    return counted, expected


def measured(walk: Iterator[Step], device: torch.device, expected: Tensor) -> tuple[float, float, int, float]:
    """(seconds until it runs warm, median seconds of a step, most bytes, how far the first one ends from `expected`,
    as a part of that)."""

    def step() -> Tensor:
        return next(walk).x

    began = time.perf_counter()
    apart = (step().cpu() - expected.cpu()).norm() / expected.cpu().norm()
    for _ in range(WARM_UP - 1):
        step().cpu()
    ready = time.perf_counter() - began
    peak, _ = peak_of(step, device)
    return ready, statistics.median(timed(step)[0] for _ in range(ROUNDS)), peak, float(apart)


def picture(drawings: Drawings, way: str) -> Figure:
    """A whole picture once all is compiled, and whether its second half comes out the same when it is drawn again."""
    first = 2 * drawings.half - 1
    name, bar = f"a picture of {first + 1} guided steps, {way}", f"≤ {PICTURE_BAR:g} s"
    try:
        models = drawings.models(WAYS[way])
        for _ in zip(range(WARM_UP), drawings.steps(models, 1, first), strict=False):
            pass
        began, kept = time.perf_counter(), []
        for step in drawings.steps(models, 1, first):
            kept.append(step.x.cpu())  # whoever draws looks at each
        seconds = time.perf_counter() - began
        middle = kept[first - drawings.half].to(models.device)
        *_, last = drawings.steps(models, 1, drawings.half - 1, middle)
    except Exception as error:
        return Figure(name=name, value=failure(error), bar=bar, met=False)
    same = "the same" if torch.equal(last.x.cpu(), kept[-1]) else "not the same"
    return Figure(
        name=name,
        value=f"{seconds:.1f} s, {same} pixels when half of it is drawn again",
        bar=bar,
        met=seconds <= PICTURE_BAR,
    )
