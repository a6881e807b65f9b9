"""Request: every option of a picture with its bounds, and one sentence for each invalid value.

`None` means "as the model set says", or off. A Request that exists is valid.
"""

import json
import re
from dataclasses import dataclass, fields
from typing import Any

from engine.errors import BadRequest
from engine.prompts import MAX_WEIGHT, parse_prompt
from engine.ramps import parse_ramp
from engine.steering import change_prompt, format_then, parse_then, prompts_over
from engine.widths import parse_widths, spelled_runs

MAX_PROMPT = 1000  # characters
MAX_SEED = 2**32 - 1
MAX_SIDE = 4096  # pixels of the finished picture
MAX_PICTURE_BYTES = 20_000_000  # of a file that comes from outside
MAX_TARGETS = 4  # pictures that pull
BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, MAX_SEED),
    "steps": (1, 1000),
    "guidance_scale": (0, 100_000),
    "tv_scale": (0, 100_000),
    "range_scale": (0, 100_000),
    "saturation_scale": (0, 100_000),
    "cuts": (1, 256),
    "eta": (0, 1),
    "count": (1, 4),
    "pick": (1, 4),
    "init": (0.01, 0.99),
    "clamp": (0.001, 100_000),
    "guide_every": (1, 20),
    "threads": (1, 256),
}
WHOLE = {"seed", "steps", "cuts", "count", "pick", "guide_every", "threads"}
RAMPS = ("guidance_scale", "tv_scale", "range_scale", "saturation_scale", "cuts")  # may change over the drawing
Value = str | int | float  # of an option
SOLVER = "dpmpp-3m-sde"  # adaptive: its number of steps is not known beforehand
SAMPLERS = ("ddim", "ddpm", SOLVER)
QUALITIES = {"draft": 0.5, "normal": 1.0, "full": 2.0}  # × the steps of a model set
CHOICES: dict[str, tuple[str, ...]] = {
    "sampler": SAMPLERS,
    "quality": tuple(QUALITIES),
    "gradient_at": ("x", "x0", "both"),
    "stop": ("satisfied",),
    "symmetry": ("horizontal", "vertical", "both"),
    "start": ("noise", "perlin"),
}
_SIZE = re.compile(r"\s*([0-9]{1,6})\s*[xX×хХ]\s*([0-9]{1,6})\s*")  # the letter may be Latin or Cyrillic


@dataclass(frozen=True, kw_only=True)
class Request:
    """A picture to draw. Sizes and ramps are normalised to their canonical form."""

    prompt: str  # `text:weight | text:weight`, 1 … MAX_PROMPT characters
    seed: int = 0
    models: str = "picturebook"  # name of a model set
    size: str | None = None  # WIDTHxHEIGHT of the finished picture, pixels
    steps: int | None = None  # of the sampler; of an adaptive one as many as where nothing makes it slower
    quality: str | None = None  # draft, normal or full: so many steps, where `steps` does not say
    sampler: str | None = None  # ddim, ddpm or dpmpp-3m-sde
    eta: float | None = None  # DDIM's share of fresh noise: 0 is none, 1 as much as DDPM
    guidance_scale: float | str | None = None  # strength of CLIP guidance, a number or a ramp; 0 switches it off
    tv_scale: float | str | None = None  # total variation loss
    range_scale: float | str | None = None  # range loss
    saturation_scale: float | str | None = None  # saturation loss
    cuts: int | str | None = None  # crops that CLIP sees at each step
    clamp: float | None = None  # clamp on the gradient's root mean square
    gradient_at: str | None = None  # at x, through the U-Net; at x0, without it; or both: x, then x0
    guide_every: int | None = None  # only each n-th step is guided, n times as strongly
    count: int = 1  # pictures drawn together, each with its own noise
    pick: int | None = None  # return only this one of them, from 1
    init: float | None = None  # share of the init picture to keep: skips that share of the steps
    stop: str | None = None  # satisfied: end early when CLIP has stopped improving
    symmetry: str | None = None  # horizontal, vertical or both
    start: str | None = None  # noise, or perlin: begin with soft blots in it
    then: str | None = None  # what is said instead on the way: 40%:"a blue star";70%:"+ a moon"
    threads: int | None = None  # that share a sum on the CPU, to draw the same pixels again
    widths: str | None = None  # how many pictures the calls of its steps held, to draw the same pixels again

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, checked_option(f.name, getattr(self, f.name)))
        self._check_steered()
        if self.pick is not None and self.pick > self.count:
            raise BadRequest("pick", f"pick must be a whole number from 1 to the count, which is {self.count}.")

    def _check_steered(self) -> None:
        """Every prompt on the way must be one."""
        for _, prompt in prompts_over(self.prompt, parse_then(self.then), 1)[1:] if self.then else ():
            try:
                _check_prompt(prompt)
            except BadRequest as error:
                raise BadRequest("then", f"then leads to words that are no prompt. {error}") from error

    @property
    def pictures(self) -> int:
        """How many single pictures come of it: all of them, or the one that is picked."""
        return self.count if self.pick is None else 1

    @property
    def final_prompt(self) -> str:
        """What it is pulled towards in the end."""
        return prompts_over(self.prompt, parse_then(self.then), 1)[-1][1] if self.then else self.prompt

    @property
    def said_later(self) -> tuple[str, ...]:
        """What is said on the way, in its order."""
        return tuple(change.words for change in parse_then(self.then)) if self.then else ()

    def prompt_after(self, words: str) -> str:
        """What it would be pulled towards if these words came last; not checked."""
        return change_prompt(self.final_prompt, words)

    def to_json(self) -> str:
        """One line, only what differs from the defaults; `from_json` reads it back."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Raises BadRequest for anything `to_json` did not write."""
        try:
            values = json.loads(text)
            known = {f.name for f in fields(cls)}
            if not isinstance(values, dict) or not known.issuperset(values):
                raise ValueError
            return cls(**values)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadRequest("request", "This is not a request that this version of Imago wrote.") from error


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Pictures that travel beside a request: files that `engine.accept_picture` has let in."""

    init: bytes | None = None  # what the drawing begins from
    targets: tuple[tuple[bytes, float], ...] = ()  # what it is pulled towards, with weights as in a prompt

    def __post_init__(self) -> None:
        if len(self.targets) > MAX_TARGETS:
            raise BadRequest("target", f"A drawing takes {MAX_TARGETS} pictures to be pulled towards, not more.")
        if not all(-MAX_WEIGHT <= weight <= MAX_WEIGHT for _, weight in self.targets):
            raise BadRequest("target", "The weight of a picture must be a number from −100 to 100.")

    def __bool__(self) -> bool:
        """Whether there is any picture."""
        return self.init is not None or bool(self.targets)


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """A finished picture to make four times larger."""

    png: bytes
    models: str = "picturebook"  # whose upscaler is used


def read_option(name: str, text: str) -> Any:
    """The value of an option of Request as it was typed, checked and in its canonical spelling. Raises BadRequest."""
    if name not in BOUNDS or (name in RAMPS and ":" in text):
        return checked_option(name, text)
    try:
        number = int(text) if name in WHOLE else float(text)
    except ValueError:
        raise BadRequest(name, _number_sentence(name)) from None
    return checked_option(name, number)


def checked_option(name: str, value: Any) -> Any:
    """One value of a Request in its canonical spelling. Raises BadRequest when it is out of its bounds."""
    if name == "prompt":
        _check_prompt(value)
    elif name == "models" and not isinstance(value, str):
        raise BadRequest("models", "models must be the name of a model set, for example picturebook.")
    elif name == "sampler" and value == "solver":
        return SOLVER
    elif name in CHOICES and value is not None and value not in CHOICES[name]:
        raise BadRequest(name, f"{name} must be one of {', '.join(CHOICES[name])}.")
    elif name == "size" and value is not None:
        return _checked_size(value)
    elif name in RAMPS and isinstance(value, str):
        return _checked_ramp(name, value)
    elif name == "then" and value is not None:
        return _check_then(value)
    elif name == "widths" and value is not None:
        return _checked_widths(value)
    elif name in BOUNDS:
        _check_number(name, value)
    return value


def size_of(text: str) -> tuple[int, int]:
    """(width, height) of a size that a Request has."""
    width, height = text.split("x")
    return int(width), int(height)


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
    if value is None and name not in ("seed", "count"):
        return
    low, high = BOUNDS[name]
    kinds = (int,) if name in WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        raise BadRequest(name, _number_sentence(name))


def _number_sentence(name: str) -> str:
    low, high = BOUNDS[name]
    kind = "a whole number" if name in WHOLE else "a number"
    also = ", or such numbers at percents of the drawing, as in 0:8,100:4" if name in RAMPS else ""
    return f"{name} must be {kind} from {low:g} to {high if high < 1 else int(high)}{also}."


def _checked_ramp(name: str, text: str) -> str:
    """The canonical spelling."""
    try:
        ramp = parse_ramp(text) if ":" in text else None
    except ValueError as error:
        raise BadRequest(name, f"{name} {error}.") from error
    if ramp is None:
        raise BadRequest(name, _number_sentence(name))
    for _, value in ramp.points:
        _check_number(name, int(value) if name in WHOLE and value.is_integer() else value)
    return str(ramp)


def _check_then(text: object) -> str:
    """The canonical spelling."""
    try:
        return format_then(parse_then(str(text)))
    except ValueError as error:
        raise BadRequest("then", f"then {error}.") from error


def _checked_widths(text: object) -> str:
    """The canonical spelling."""
    try:
        return spelled_runs(parse_widths(str(text)))
    except ValueError as error:
        raise BadRequest("widths", f"widths {error}.") from error


def _checked_size(text: object) -> str:
    """The canonical spelling."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None or not all(1 <= int(side) <= MAX_SIDE for side in match.groups()):
        raise BadRequest(
            "size", f"size must be width x height in pixels, each from 1 to {MAX_SIDE}, for example 256x384."
        )
    return f"{int(match[1])}x{int(match[2])}"
