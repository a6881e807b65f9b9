"""device tuning: precision, memory format, compilation, CUDA graphs, determinism, out-of-memory handling."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.errors import BadRequest, OutOfMemory
from engine.networks.precision import PLAIN as PLAIN_CPU
from engine.networks.precision import Quickest, quickest

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
LARGE = 128  # channels of the outermost level from which on a U-Net counts as large


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The chosen settings."""

    precision: torch.dtype
    channels_last: bool
    compiled: bool
    graphs: bool  # CUDA graphs, which need `compiled`
    repeatable: bool  # deterministic order of sums on a GPU
    sparing: bool = False  # less memory for more time: what the way back needs is worked out again in place of kept


PLAIN = Tuning(precision=torch.float32, channels_last=False, compiled=False, graphs=False, repeatable=True)


def choose_tuning(
    device: torch.device,
    channels: int,
    environment: Mapping[str, str] = os.environ,
    on_cpu: Callable[[], Quickest] = quickest,
) -> Tuning:
    """Choose by device and width of the U-Net, unless the environment overrides it; see docs/models.md.

    Half precision on CUDA is what the 2021 notebooks ran these networks in; on a CPU a large network takes what is
    quickest there. What could be quicker yet is off where nobody has measured it.

    Args:
        on_cpu: asked for a large network on a CPU where the environment leaves something open.
    """
    large = channels >= LARGE
    measured = large and device.type == "cpu"
    cpu = on_cpu() if measured and not environment.get("IMAGO_PRECISION") else PLAIN_CPU
    precision = "float16" if device.type == "cuda" and large else "bfloat16" if measured and cpu.bfloat16 else "float32"
    asked = environment.get("IMAGO_PRECISION") or precision
    if asked not in PRECISIONS:
        raise BadRequest("IMAGO_PRECISION", f"IMAGO_PRECISION must be one of {', '.join(PRECISIONS)}.")
    graphs = _switch(environment, "IMAGO_CUDA_GRAPHS", False)
    return Tuning(
        precision=PRECISIONS[asked],
        channels_last=_switch(environment, "IMAGO_CHANNELS_LAST", measured and cpu.channels_last),
        compiled=_switch(environment, "IMAGO_COMPILE", graphs),
        graphs=graphs and device.type == "cuda",
        repeatable=_switch(environment, "IMAGO_REPEATABLE", True),
    )


def tune(network: torch.nn.Module, tuning: Tuning, device: torch.device) -> torch.nn.Module:
    """Move a U-Net to its device and apply the tuning, except for its precision."""
    layout = torch.channels_last if tuning.channels_last else torch.contiguous_format
    network = network.to(device=device, memory_format=layout)
    network.recompute = tuning.sparing
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic cuBLAS needs a workspace
        torch.use_deterministic_algorithms(tuning.repeatable, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # zero-filling memory costs time and is not needed
    return compile_network(network, tuning)


def compile_network(network: torch.nn.Module, tuning: Tuning) -> torch.nn.Module:
    """Set the network to compile at its first call, if chosen."""
    if tuning.compiled:
        network.compile(mode="reduce-overhead" if tuning.graphs else "default")
    return network


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a CPU tensor to the device without waiting for its queue."""
    return tensor.to(device, non_blocking=device.type != "mps")  # MPS reads the source later, when it may be freed


def _switch(environment: Mapping[str, str], name: str, default: bool) -> bool:
    given = environment.get(name, "")
    if given not in ("", "0", "1"):
        raise BadRequest(name, f"{name} must be 0 or 1.")
    return given == "1" if given else default


def lacks_memory(error: RuntimeError) -> bool:
    """Whether torch ran out of memory, which it reports in two ways."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@contextmanager
def memory_sentence(models: str) -> Iterator[None]:
    """Map torch's out-of-memory errors to OutOfMemory, with a suggestion for this model set."""
    try:
        yield
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        where = "graphics card" if isinstance(error, torch.OutOfMemoryError) else "machine"
        smaller = (
            ""
            if models in ("toybox", "picturebook")
            else (
                " or draw with a smaller model set: imagenet256-secondary needs half of imagenet256, "
                "picturebook hardly any,"
            )
        )
        raise OutOfMemory(
            f"The {where} has too little free memory for {models}, however few crops CLIP looks at at a "
            f"time: close other programs,{smaller} and try again."
        ) from error
