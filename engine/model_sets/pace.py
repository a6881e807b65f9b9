"""what a picture takes on this machine, as it was measured last; kept in the models folder."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.model_sets.weights import ModelSet, models_folder

REMEMBERED = "pace.json"
MODEST = 128  # channels of a U-Net that draws in minutes on a processor
MINUTES = 1800  # seconds of a picture that nobody calls minutes any more
CARD = Path("/proc/driver/nvidia/version")  # there where Linux has NVIDIA's driver


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What was measured."""

    step: float  # seconds of a guided step
    steps: int  # of a picture at the set's defaults; an adaptive sampler may take more
    device: str

    @property
    def picture(self) -> float:
        """Seconds of a picture, about."""
        return self.step * self.steps


def known_pace(name: str) -> Pace | None:
    """What was measured last on this machine, if anything was."""
    try:
        return Pace(**_read()[name])
    except (KeyError, TypeError):
        return None


def remember(name: str, pace: Pace) -> None:
    """Where nothing can be written it is measured again when somebody asks."""
    with suppress(OSError):
        models_folder().mkdir(parents=True, exist_ok=True)
        (models_folder() / REMEMBERED).write_text(json.dumps({**_read(), name: asdict(pace)}, indent=1))


def suits(described: ModelSet) -> bool:
    """Whether it draws in minutes here, as far as is known without torch: as it was measured, and where it was not, any
    set beside an NVIDIA card, else small networks.
    """
    if pace := known_pace(described.name):
        return pace.picture <= MINUTES
    small = described.unet["shape"]["model_channels"] <= MODEST and described.side <= 256
    return small or CARD.exists()


def _read() -> dict[str, Any]:
    try:
        found = json.loads((models_folder() / REMEMBERED).read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}
