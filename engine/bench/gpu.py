"""the full-size network's guided step on a GPU, each way and batch predicted before it is measured.

The prediction is a roofline (Williams et al. 2009): each operation takes what its arithmetic, the bytes that it reads
and writes, or its launch takes, whichever is longest. Compiling is predicted as if it left only the operations that
multiply matrices. Rows come as they are measured, those with a bar first, so a card that is lent for a while is
not lent in vain.
"""

import copy
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from engine.bench.full import Contender, beginning, guidance, peak_of, random_clip, random_unet, stepping, timed
from engine.bench.report import Card, Figure, this_card
from engine.bench.step import PROMPT
from engine.denoisers import network_denoiser
from engine.models import choose_device
from engine.tuning import Tuning, choose_tuning, tuned
from engine.weights import ModelSet, load_model_set

WAYS: dict[str, dict[str, str]] = {
    "eager": {}, "eager, channels_last": {"IMAGO_CHANNELS_LAST": "1"}, "graphs": {"IMAGO_CUDA_GRAPHS": "1"},
    "graphs, channels_last": {"IMAGO_CUDA_GRAPHS": "1", "IMAGO_CHANNELS_LAST": "1"}, "compiled": {"IMAGO_COMPILE": "1"},
}
BATCHES = (1, 8, 2, 4)
WARM_UP, ROUNDS = 3, 10
PEAK_BAR, PICTURE_BAR, STEPS = 0.60, 15.0, 1000


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
        return sum(max(flops / card.flops, moved / card.bandwidth, launch)
                   for flops, moved in self.operations if flops or not compiled)


def measure() -> Iterator[Figure]:
    """On a card that is known."""
    if (card := this_card()) is None:
        yield Figure(name="full-size 256 network on a GPU", value="not measured: there is none whose peak is known")
        return
    yield from rows(load_model_set("imagenet256"), choose_device(), card)


def rows(description: ModelSet, device: torch.device, card: Card, ways: Sequence[str] = tuple(WAYS),
         batches: Sequence[int] = BATCHES) -> Iterator[Figure]:
    """A row for each batch and way, then the best of them against the bars."""
    steps = Steps(description, device)
    best: dict[int, tuple[float, float]] = {}  # batch → (seconds, share of the peak)
    for batch in batches:
        counted, expected = counting(steps.of({}, batch))
        for way in ways:
            name = f"full-size 256 network, {way}, batch {batch}"
            told = f"{counted.flops / 1e12:.2f} TFLOP, predicted {1e3 * counted.seconds(card, WAYS[way]):.1f} ms"
            try:
                ready, found, peak, apart = measured(steps.of(WAYS[way], batch), device, expected)
            except Exception as error:  # a way that this card or this torch cannot go must not hide the others
                yield Figure(name=name, value=f"{told}; failed: {type(error).__name__}: {str(error)[:200]!r}")
                continue
            share = counted.flops / found / card.flops
            best[batch] = min((found, share), best.get(batch, (found, share)))
            yield Figure(name=name, value=f"{told}; {1e3 * found:.1f} ms, {1e3 * found / batch:.1f} a picture, "
                                          f"{share:.0%} of the peak, {(peak - steps.spare) / 2**20:.0f} MiB, "
                                          f"ready after {ready:.0f} s, ends {apart:.1e} from eager")
    if 8 in best:
        _, share = best[8]
        yield Figure(name="share of the dense half-precision peak at batch 8, the best way", value=f"{share:.1%}",
                     bar=f"≥ {PEAK_BAR:.0%}", met=share >= PEAK_BAR)
    if 1 in best:
        whole = STEPS * best[1][0]
        yield Figure(name=f"{STEPS} guided steps of one picture, the best way", value=f"{whole:.1f} s",
                     bar=f"≤ {PICTURE_BAR:g} s", met=whole <= PICTURE_BAR)


class Steps:
    """Guided steps with one and the same random weights."""

    def __init__(self, description: ModelSet, device: torch.device) -> None:
        self._description, self._device = description, device
        self._unet = tuned(random_unet(description), self._tuning({}), device)
        self._clip = random_clip(description, device, self._tuning({}).precision, quicken=True)
        self._embeddings = self._clip.encode_texts([PROMPT])
        self.spare = sum(tensor.nbytes for tensor in self._unet.state_dict().values())  # bytes that a drawing lacks

    def of(self, way: Mapping[str, str], batch: int) -> Contender:
        """A step of a batch, gone this way, with nothing compiled yet."""
        torch.compiler.reset()
        unet = tuned(copy.deepcopy(self._unet), self._tuning(way), self._device)
        schedule = self._description.unet["schedule"]
        denoise = network_denoiser(unet, objective="eps", schedule=schedule, learned_variance=True)
        guide = guidance(self._description, self._clip, self._embeddings, batch)
        return stepping(self._description, guide(denoise), beginning(self._description, batch).to(self._device))

    def _tuning(self, way: Mapping[str, str]) -> Tuning:
        return choose_tuning(self._device, self._description.unet["shape"]["model_channels"], way)


def counting(step: Contender) -> tuple[Counting, Tensor]:
    """(what a step computes, where it ends)."""
    counted, expected = Counting(), step()  # the first one chooses algorithms
    with counted:
        step()
    return counted, expected


def measured(step: Contender, device: torch.device, expected: Tensor) -> tuple[float, float, int, float]:
    """(seconds until it runs warm, median seconds, most bytes, how far it ends from `expected`, as a part of that)."""
    ready = sum(timed(step)[0] for _ in range(WARM_UP - 1))
    peak, last = peak_of(step, device)
    apart = (last.cpu() - expected.cpu()).norm() / expected.cpu().norm()
    return ready, statistics.median(timed(step)[0] for _ in range(ROUNDS)), peak, float(apart)
