"""the `imago` subcommands that need no bot: draw, inspect, and what bot/model_commands.py has."""

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
from bot import model_commands
from engine import BadRequest, Checkpoint, EngineError, Finished, Preview, Progress, Request, Started, as_json

KNOBS = {  # option of `draw` → how it is read and told; names are Request's
    "models": (str, "model set (see `imago models`), or auto for the one that suits this machine"),
    "seed": (int, "same seed, same picture; default: any"),
    "steps": (int, "1 to 1000; more is slower and finer"),
    "sampler": (str, "ddim or ddpm"),
    "eta": (float, "DDIM's share of fresh noise, 0 to 1"),
    "guidance_scale": (float, "pull of CLIP; 0 draws without listening to the prompt"),
    "tv_scale": (float, "pull towards smoothness"),
    "range_scale": (float, "pull back into the range of pixels"),
    "cuts": (int, "crops that CLIP looks at in each step"),
}


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommands; each sets `run`, a function of the parsed arguments that returns an exit code."""
    draw = subparsers.add_parser("draw", help="draw a picture from a sentence")
    draw.add_argument("prompt", nargs="?", help="what to draw; with --resume it may be left out")
    draw.add_argument("-o", "--output", type=Path, metavar="FILE", help="the PNG; default: a new name in out/")
    draw.add_argument("--gif", type=Path, metavar="FILE", help="the animation of its making")
    draw.add_argument("--previews", type=Path, metavar="DIR", help="where a preview is written at each 10 %%")
    draw.add_argument("--checkpoint", type=Path, metavar="FILE", help="kept up to date, to go on from after a stop")
    draw.add_argument("--resume", type=Path, metavar="FILE", help="go on from a checkpoint")
    draw.add_argument("--json", action="store_true", help="print each event as a line of JSON")
    for name, (kind, text) in KNOBS.items():
        draw.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)
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
    request = _request(args, state)
    if args.output is None:
        stem = Path("out") / f"{time.strftime('%Y%m%d-%H%M%S')}-{request.seed}"
        args.output = stem.with_suffix(".png")
        args.gif = args.gif or stem.with_suffix(".gif")
        args.previews = args.previews or stem
    for path in (args.output, args.gif, args.checkpoint, args.previews and args.previews / "100.png"):
        if path is not None:
            _check_writable(path)
    show = _JsonLines(args.output) if args.json else _Bar()
    for event in engine.draw(request, resume=state):
        if isinstance(event, Preview) and args.previews:
            _write(args.previews / f"{event.percent:03}.png", event.png)
        if isinstance(event, Checkpoint) and args.checkpoint:
            _write(args.checkpoint, event.state)
        if isinstance(event, Finished):
            _write(args.output, event.png)
            if args.gif:
                _write(args.gif, event.gif)
        show.event(event)
    if not args.json:
        print(args.output, *([args.gif] if args.gif else []), sep="\n")
    return 0


def _request(args: argparse.Namespace, state: bytes | None) -> Request:
    """The request that the options make, or that of the checkpoint, from which the options may not differ."""
    given = {name: getattr(args, name) for name in ("prompt", *KNOBS) if getattr(args, name) is not None}
    if given.get("models") == model_commands.AUTO:
        given["models"] = model_commands.ready_for_this_machine()
    if state is None:
        if "prompt" not in given:
            raise BadRequest("prompt", "Say what to draw, for example: imago draw \"a red star on a blue background\".")
        return Request(**{"seed": secrets.randbelow(2**32), **given})
    kept = engine.request_of_checkpoint(state)
    asked = replace(kept, **given)
    for field in fields(Request):
        if getattr(asked, field.name) != getattr(kept, field.name):
            raise BadRequest(field.name, f"The checkpoint's drawing has {field.name} {getattr(kept, field.name)!r}: "
                                         f"leave {field.name} out to go on with it.")
    return kept


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
    """A progress bar on stderr: percent, step, seconds left, distance."""

    def __init__(self) -> None:
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
            print(f"seed {event.seed}, {event.steps} steps in {event.seconds:.1f} s", file=sys.stderr)


class _JsonLines:
    """Each event as one line on stdout, the picture's path in the last."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def event(self, event: engine.Event) -> None:
        values = as_json(event)
        if isinstance(event, Finished):
            values["path"] = str(self._output)
        print(json.dumps(values, ensure_ascii=False), flush=True)


def run_inspect(args: argparse.Namespace) -> int:
    """Print what the PNG says of itself, then the command that draws it again."""
    about = engine.inspect(args.file.read_bytes())
    for key, value in about.metadata.items():
        print(f"{key}: {value}")
    print(f"\nDraw it again:\n{about.command}")
    return 0
