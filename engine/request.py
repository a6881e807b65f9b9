"""every knob of a picture, its bounds, and one sentence for each value out of them.

`None` means "as the model set says". A Request that exists is valid.
"""

import json
from dataclasses import dataclass, fields

from engine.errors import BadRequest
from engine.prompts import parse_prompt

MAX_PROMPT = 1000  # characters
MAX_SEED = 2**32 - 1
BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, MAX_SEED),
    "steps": (1, 1000),
    "guidance_scale": (0, 100_000),
    "tv_scale": (0, 100_000),
    "range_scale": (0, 100_000),
    "cuts": (1, 256),
    "eta": (0, 1),
}
WHOLE = {"seed", "steps", "cuts"}
SAMPLERS = ("ddim", "ddpm")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A picture to make."""

    prompt: str  # `text:weight | text:weight`, 1 … MAX_PROMPT characters
    seed: int = 0
    models: str = "toybox"  # name of a model set
    steps: int | None = None  # of the sampler
    sampler: str | None = None  # ddim or ddpm
    eta: float | None = None  # DDIM's share of fresh noise: 0 is none, 1 as much as DDPM
    guidance_scale: float | None = None  # pull of CLIP; 0 switches guidance off
    tv_scale: float | None = None  # pull towards smoothness
    range_scale: float | None = None  # pull back into the range of pixels
    cuts: int | None = None  # crops that CLIP sees at each step

    def __post_init__(self) -> None:
        _check_prompt(self.prompt)
        if not isinstance(self.models, str):
            raise BadRequest("models", "models must be the name of a model set, for example toybox.")
        if self.sampler is not None and self.sampler not in SAMPLERS:
            raise BadRequest("sampler", f"sampler must be one of {', '.join(SAMPLERS)}.")
        for name in BOUNDS:
            _check_number(name, getattr(self, name))

    def to_json(self) -> str:
        """One line, only what differs from the defaults; `from_json` reads it back."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Raises BadRequest for anything that `to_json` did not write."""
        try:
            values = json.loads(text)
            known = {f.name for f in fields(cls)}
            if not isinstance(values, dict) or not known.issuperset(values):
                raise ValueError
            return cls(**values)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadRequest("request", "This is not a request that this version of Imago wrote.") from error


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """A finished picture to make four times larger."""

    png: bytes
    models: str = "toybox"  # whose upscaler is used


def _check_prompt(prompt: str) -> None:
    if not isinstance(prompt, str):
        raise BadRequest("prompt", "The prompt must be text.")
    if len(prompt) > MAX_PROMPT:
        raise BadRequest("prompt", f"The prompt has {len(prompt)} characters: make it {MAX_PROMPT} or fewer.")
    if any(ord(c) < 32 and c not in "\t\n\r" or 0xD800 <= ord(c) <= 0xDFFF for c in prompt):
        raise BadRequest("prompt", "The prompt has characters that are not text: type it again without them.")
    try:
        parse_prompt(prompt)
    except ValueError as error:
        raise BadRequest("prompt", str(error)) from error


def _check_number(name: str, value: object) -> None:
    if value is None and name != "seed":
        return
    low, high = BOUNDS[name]
    kinds = (int,) if name in WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if name in WHOLE else "a number"
        raise BadRequest(name, f"{name} must be {kind} from {low:g} to {int(high)}.")
