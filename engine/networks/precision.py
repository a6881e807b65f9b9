"""which precision and layout a large network takes on this processor: what it can do, then a short measurement."""

import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from engine.networks.unet import ResBlock

BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # in /proc/cpuinfo: x86 with AVX-512 or AMX, and Arm
WORTH = 0.8  # of float32's time that bfloat16 may take; nearer than that, noise would decide, and float32 is exact
LAYOUT_WORTH = 0.9  # of channels last's time that the plain layout may take
CHANNELS, SIDE, ROUNDS = 128, 96, 3
REMEMBERED = "processor.json"
Ways = dict[tuple[torch.dtype, bool], float]  # (precision, channels last) → seconds


@dataclass(frozen=True, kw_only=True)
class Quickest:
    """What a large network runs in."""

    bfloat16: bool
    channels_last: bool


PLAIN = Quickest(bfloat16=False, channels_last=True)  # what suits every processor without bfloat16; docs/experiments.md


def multiplies_bfloat16(cpuinfo: str) -> bool:
    """Whether the processor says so, in the words of Linux."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    flags = {flag for key, _, value in lines if key.strip() in ("flags", "Features") for flag in value.split()}
    return bool(flags & BF16_FLAGS)


def choose(ways: Ways) -> Quickest:
    """The quickest, where it is clearly so."""
    seconds = {dtype: min(ways[dtype, False], ways[dtype, True]) for dtype in (torch.float32, torch.bfloat16)}
    half = seconds[torch.bfloat16] <= WORTH * seconds[torch.float32]
    dtype = torch.bfloat16 if half else torch.float32
    return Quickest(bfloat16=half, channels_last=ways[dtype, False] > LAYOUT_WORTH * ways[dtype, True])


def measure() -> Ways:
    """Processor time of a residual block on one thread, which a busy machine disturbs least; each way's best."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for one another awake, and waiting is processor time, too
    try:
        plain = {(torch.float32, last): _seconds(torch.float32, last, SIDE) for last in (False, True)}
        half = {(torch.bfloat16, last): float("inf") for last in (False, True)}
        for way in half:
            if _seconds(*way, SIDE // 6) < min(plain.values()):  # a 36th of the work: emulated it can take 300 times
                half[way] = _seconds(*way, SIDE)
        return plain | half
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def _seconds(dtype: torch.dtype, channels_last: bool, side: int) -> float:
    layout = torch.channels_last if channels_last else torch.contiguous_format
    block = ResBlock(CHANNELS, CHANNELS, 4 * CHANNELS, scale_shift=True)
    for layer in (block.in_layers[2], block.out_layers[3]):
        layer.to(dtype)
    block.to(memory_format=layout)
    x = torch.randn(1, CHANNELS, side, side).to(dtype, memory_format=layout)
    emb, best = torch.randn(1, 4 * CHANNELS), float("inf")
    for _ in range(ROUNDS):  # the first one chooses algorithms
        began = time.process_time()
        block(x, emb)
        best = min(best, time.process_time() - began)
    return best


@cache
def quickest(folder: Path | None = None, measure: Callable[[], Ways] = measure) -> Quickest:
    """What is quickest here, remembered in `folder`, so that a drawing goes on in the precision that it began in."""
    cpuinfo = Path("/proc/cpuinfo")
    told = cpuinfo.read_text() if cpuinfo.exists() else ""
    if not multiplies_bfloat16(told):
        return PLAIN
    key = _processor(told)
    known: dict[str, Any] = {}  # of other machines that share the folder, too
    with suppress(OSError, ValueError, KeyError, TypeError):
        if folder is not None:
            known = dict(json.loads((folder / REMEMBERED).read_text()))
            return Quickest(**known[key])
    found = choose(measure())
    if folder is not None:
        with suppress(OSError):  # then it is measured again next time
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f"{REMEMBERED}.{os.getpid()}.part"
            part.write_text(json.dumps({**known, key: asdict(found)}, indent=1))
            part.replace(folder / REMEMBERED)
    return found


def _processor(cpuinfo: str) -> str:
    """What the measurement is of."""
    models = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    limits = [os.environ.get(name, "") for name in ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")]
    name = models[0] if models else platform.machine()
    return " ".join(filter(None, [name, f"torch {torch.__version__}", *limits]))
