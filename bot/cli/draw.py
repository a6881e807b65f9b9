"""the `imago` subcommands that need no bot: draw, inspect, and what bot/cli/models.py has."""

import argparse
import json
import secrets
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

import engine
from bot.cli import models as model_commands
from bot.language.options import STYLE
from bot.language.styles import BUILT_IN, NONE, Styles
from engine import (
    BadPicture,
    BadRequest,
    Checkpoint,
    EngineError,
    Finished,
    Inputs,
    Preview,
    Progress,
    Request,
    Started,
    as_json,
)

KNOBS = {  # option of `draw` → how it is told; names are Request's
    "models": "model set (see `imago models`), or auto for the one that suits this machine",
    "seed": "same seed, same picture; default: any",
    "size": "WIDTHxHEIGHT of the picture in pixels, for example 256x384",
    "steps": "1 to 1000; more is slower and finer",
    "count": "1 to 4 pictures of the same words: a grid, and each beside it",
    "pick": "only this one of them, from 1",
    "sampler": "ddim or ddpm",
    "eta": "DDIM's share of fresh noise, 0 to 1",
    "guidance_scale": "pull of CLIP; 0 draws without listening to the prompt",
    "tv_scale": "pull towards smoothness",
    "range_scale": "pull back into the range of pixels",
    "saturation_scale": "pull away from garish colours",
    "cuts": "crops that CLIP looks at in each step",
    "clamp": "largest magnitude of the gradient",
    "init": "share of the init picture that is kept, 0.01 to 0.99; default 0.5",
    "stop": "satisfied: end early when CLIP has stopped improving",
    "symmetry": "horizontal, vertical or both",
    "start": "noise, or perlin for soft blots in it",
}
RAMP_HELP = "Scales and cuts may change over the drawing: percent:value points, as in --guidance-scale 0:1000,100:0."


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommands; each sets `run`, a function of the parsed arguments that returns an exit code."""
    draw = subparsers.add_parser("draw", help="draw a picture from a sentence", epilog=RAMP_HELP)
    draw.add_argument("prompt", nargs="?", help="what to draw; with --resume it may be left out")
    draw.add_argument("-o", "--output", type=Path, metavar="FILE", help="the PNG; default: a new name in out/")
    draw.add_argument("--gif", type=Path, metavar="FILE", help="the animation of its making")
    draw.add_argument("--previews", type=Path, metavar="DIR", help="where a preview is written at each 10 %%")
    draw.add_argument("--checkpoint", type=Path, metavar="FILE", help="kept up to date, to go on from after a stop")
    draw.add_argument("--resume", type=Path, metavar="FILE", help="go on from a checkpoint")
    draw.add_argument("--json", action="store_true", help="print each event as a line of JSON")
    for name, text in KNOBS.items():
        draw.add_argument(f"--{name.replace('_', '-')}", help=text)
    draw.add_argument("--style", help=f"words and options that have a name: {', '.join(BUILT_IN)}")
    draw.add_argument("--init-picture", type=Path, metavar="FILE", help="a picture to begin from")
    draw.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="FILE[:WEIGHT]",
        help="a picture to be pulled towards, away from when the weight is negative; may be repeated",
    )
    draw.set_defaults(run=_guarded(run_draw))
    inspect = subparsers.add_parser("inspect", help="how a picture was drawn, and the command that draws it again")
    inspect.add_argument("file", type=Path)
    inspect.set_defaults(run=_guarded(run_inspect))
    model_commands.add_commands(subparsers, _guarded)


def _guarded(command: Any) -> Any:
    """Turn what can go wrong into one sentence on stderr and an exit code: 2 for bad input, 1 for the rest."""

    def run(args: argparse.Namespace) -> int:
        try:
            return int(command(args))
        except BadRequest as error:
            print(f"imago: {error}", file=sys.stderr)
            return 2
        except EngineError as error:
            print(f"imago: {error}", file=sys.stderr)
            return 1
        except OSError as error:
            where = f"“{error.filename}”" if error.filename else "a file"
            print(f"imago: {where} cannot be used: {error.strerror or error}.", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("\nimago: stopped.", file=sys.stderr)
            return 130

    return run


def run_draw(args: argparse.Namespace) -> int:
    """Draw, and write files as they come; nothing is written before the request and all paths are known to be good."""
    state = args.resume.read_bytes() if args.resume else None
    inputs, request = _inputs(args), _request(args, state)
    if state is None:
        engine.check(request, inputs)
    if args.output is None:
        stem = Path("out") / f"{time.strftime('%Y%m%d-%H%M%S')}-{request.seed}"
        args.output = stem.with_suffix(".png")
        args.gif = args.gif or stem.with_suffix(".gif")
        args.previews = args.previews or stem
    singles = _singles(args.output, request)
    for path in (args.output, *singles, args.gif, args.checkpoint, args.previews and args.previews / "100.png"):
        if path is not None:
            _check_writable(path)
    show = _JsonLines([args.output, *singles]) if args.json else _Bar(request.models)
    for event in engine.draw(request, resume=state, inputs=inputs):
        if isinstance(event, Preview) and args.previews:
            _write(args.previews / f"{event.percent:03}.png", event.png)
        if isinstance(event, Checkpoint) and args.checkpoint:
            _write(args.checkpoint, event.state)
        if isinstance(event, Finished):
            for path, png in zip([args.output, *singles], [event.png, *event.pictures], strict=True):
                _write(path, png)
            if args.gif:
                _write(args.gif, event.gif)
        show.event(event)
    if credit := engine.credit_of(request.models):
        print(credit, file=sys.stderr)
    if not args.json:
        print(args.output, *singles, *([args.gif] if args.gif else []), sep="\n")
    return 0


def _singles(output: Path, request: Request) -> list[Path]:
    """Where each picture of a grid goes: NAME-1.png and so on, beside it."""
    if request.count == 1 or request.pick is not None:
        return []
    return [output.with_name(f"{output.stem}-{k + 1}{output.suffix}") for k in range(request.count)]


def _inputs(args: argparse.Namespace) -> Inputs:
    """The pictures that the options name, made clean."""
    init = _picture(args.init_picture) if args.init_picture else None
    return Inputs(init=init, targets=tuple(_target(text) for text in args.target))


def _target(text: str) -> tuple[bytes, float]:
    """FILE, or FILE:WEIGHT where what follows the last colon is a number."""
    name, colon, tail = text.rpartition(":")
    try:
        weight = float(tail) if colon and not Path(text).exists() else None
    except ValueError:
        weight = None
    return (_picture(Path(text)), 1.0) if weight is None else (_picture(Path(name)), weight)


def _picture(path: Path) -> bytes:
    try:
        return engine.accept_picture(path.read_bytes())
    except BadPicture as error:
        raise BadRequest("picture", f"{path}: {error}") from error


def _request(args: argparse.Namespace, state: bytes | None) -> Request:
    """The request that the options make, or that of the checkpoint, from which the options may not differ."""
    given: dict[str, Any] = {
        name: engine.read_option(name, text) for name in ("prompt", *KNOBS) if (text := getattr(args, name)) is not None
    }
    if given.get("models") == model_commands.AUTO:
        given["models"] = model_commands.ready_for_this_machine()
    if state is None:
        if "prompt" not in given:
            raise BadRequest("prompt", 'Say what to draw, for example: imago draw "a red star on a blue background".')
        given = _dressed(given, args.style)
        return Request(**{"seed": secrets.randbelow(2**32), **given})
    kept = engine.request_of_checkpoint(state)
    asked = replace(kept, **given)
    for field in fields(Request):
        if getattr(asked, field.name) != getattr(kept, field.name):
            raise BadRequest(
                field.name,
                f"The checkpoint's drawing has {field.name} {getattr(kept, field.name)!r}: "
                f"leave {field.name} out to go on with it.",
            )
    return kept


def _dressed(given: dict[str, Any], style: str | None) -> dict[str, Any]:
    """With the words and options of a style added."""
    styles = Styles()
    if style is not None and style.lower() not in (NONE, *styles.names):
        raise BadRequest("style", f"style must be one of {', '.join(styles.names)}.")
    options = {**given, STYLE: (style or NONE).lower()}
    prompt, options = styles.dressed(options.pop("prompt"), options)
    return {"prompt": prompt, **options}


def _check_writable(path: Path) -> None:
    """Raises OSError unless a file can be made there; makes the folder when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(21, "Is a directory", str(path))
    with tempfile.NamedTemporaryFile(dir=path.parent):
        pass


def _write(path: Path, content: bytes) -> None:
    """All or nothing: to a temporary name, then renamed."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


class _Bar:
    """A progress bar on stderr: percent, step, seconds left, distance. Before it a line, as loading takes seconds."""

    def __init__(self, models: str) -> None:
        print(f"Loading {models} …", file=sys.stderr, flush=True)
        self._bar: tqdm[Any] | None = None

    def event(self, event: engine.Event) -> None:
        if isinstance(event, Started):
            form = "{percentage:3.0f}% |{bar}| step {n_fmt}/{total_fmt}, {remaining} left, {rate_fmt}{postfix}"
            self._bar = tqdm(total=event.steps, initial=event.first_step, bar_format=form, unit="step", ncols=100)
        elif isinstance(event, Progress) and self._bar is not None:
            self._bar.set_postfix_str(f"distance {event.distance:.3f}", refresh=False)
            self._bar.update()
        elif isinstance(event, Finished) and self._bar is not None:
            self._bar.close()
            early = f"satisfied after {event.satisfied_at} of " if event.satisfied_at else ""
            print(f"seed {event.seed}, {early}{event.steps} steps in {event.seconds:.1f} s", file=sys.stderr)


class _JsonLines:
    """Each event as one line on stdout, the picture's path in the last, and those of the single ones of a grid."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = [str(path) for path in paths]

    def event(self, event: engine.Event) -> None:
        values = as_json(event)
        if isinstance(event, Finished):
            values["path"], *singles = self._paths
            values.update({"paths": singles} if singles else {})
        print(json.dumps(values, ensure_ascii=False), flush=True)


def run_inspect(args: argparse.Namespace) -> int:
    """Print what the PNG says of itself, then the command that draws it again."""
    about = engine.inspect(args.file.read_bytes())
    for key, value in about.metadata.items():
        print(f"{key}: {value}")
    print(f"\nDraw it again:\n{about.command}")
    return 0
