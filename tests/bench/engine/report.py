"""one measured figure, the machine it was measured on, and both as a row of a Markdown table."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HEADER = "| date | figure | measured | bar | met | machine |\n|---|---|---|---|---|---|"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured, and what it has to reach."""

    name: str
    value: str  # with its unit
    bar: str = ""  # empty where a figure is only told
    met: bool | None = None


@dataclass(frozen=True)
class Card:
    """What a GPU's maker promises."""

    flops: float  # a second, dense half precision
    bandwidth: float  # bytes a second
    launch: float = 5e-6  # seconds that Python and the driver take for a kernel


CARDS = {
    "H200": Card(989e12, 4.8e12),
    "H100": Card(989e12, 3.35e12),
    "A100": Card(312e12, 2.0e12),
    "RTX 4090": Card(165.2e12, 1.01e12),
    "T4": Card(65e12, 0.32e12),
}


def at_most(name: str, value: float, bar: float) -> Figure:
    """A figure that must not be above its bar."""
    return Figure(name=name, value=f"{value:.3f}", bar=f"≤ {bar:g}", met=value <= bar)


def machine() -> str:
    """Processor, cores, threads that torch uses, GPU where there is one, and torch's version."""
    import torch  # not above: what measures memory must do without it

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.machine()
    parts = [processor, f"{os.cpu_count()} cores", f"{torch.get_num_threads()} threads"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join([*parts, f"torch {torch.__version__}"])


def peak_memory() -> int:
    """Most bytes this process has had in memory (Linux). ru_maxrss would begin with that of the one that started it."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024


def this_card() -> Card | None:
    """The GPU that is here, if its peak is known."""
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return next((card for model, card in CARDS.items() if model in name), None)


def row(figure: Figure, where: str) -> str:
    """One line of the table; today's date."""
    met = {True: "yes", False: "**no**", None: ""}[figure.met]
    return f"| {datetime.now(UTC):%Y-%m-%d} | {figure.name} | {figure.value} | {figure.bar} | {met} | {where} |"
