"""`imago draw`: the grammar of the chats, options that name files, and a picture in the format that a name asks for."""

import argparse
import json
import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import engine
from bot.cli import models as model_commands
from bot.cli.guard import report_errors
from bot.cli.output import Files, display_for, files_for, write
from bot.cli.parser import Parser
from bot.errors import UserError
from bot.language import options as grammar
from bot.language import understood
from bot.language.options import STYLE
from bot.language.styles import BUILT_IN, Styles
from bot.messages import Value
from bot.texts import Texts
from engine import BadPicture, BadRequest, Checkpoint, EngineError, Finished, Inputs, Preview, Request

KNOBS = {  # option of `draw` → help text; names are Request's
    "models": "model set (see `imago models`), or auto for the one that suits this machine",
    "seed": "same seed, same picture; default: any",
    "size": "WIDTHxHEIGHT of the picture in pixels, for example 256x384",
    "steps": "1 to 1000; more is slower and finer",
    "count": "1 to 4 pictures of the same words: a grid, and each beside it",
    "pick": "only this one of them, from 1",
    "quality": "draft, normal or full, in place of steps: half, as many, or twice as many as the model set takes",
    "sampler": "ddim, ddpm, or dpmpp-3m-sde (also: solver), which takes fewer steps and as many as it needs",
    "eta": "DDIM's share of fresh noise, 0 to 1",
    "guidance_scale": "pull of CLIP; 0 draws without listening to the prompt",
    "tv_scale": "pull towards smoothness",
    "range_scale": "pull back into the range of pixels",
    "saturation_scale": "pull away from garish colours",
    "cuts": "crops that CLIP looks at in each step",
    "clamp": "largest magnitude of the gradient",
    "gradient_at": "x; x0 to spare the way back through the U-Net; both to spare it in the later half",
    "guide_every": "guide each n-th step only, n times as strongly: 1 to 20",
    "init": "share of the init picture that is kept, 0.01 to 0.99; default 0.5",
    "stop": "satisfied: end early when CLIP has stopped improving",
    "symmetry": "horizontal, vertical or both",
    "then": 'what is said instead on the way, for example 40%%:"a blue star"; + adds a part, - takes one away',
    "threads": "how many threads share a sum on the CPU, as inspect says",
    "widths": "how many pictures the calls of its steps held, as inspect says",
    "start": "noise, or perlin for soft blots in it",
}
EPILOG = (
    "Options of the picture stand anywhere, also inside the quoted sentence, as in every chat; after -- everything is "
    "a word. Scales and cuts may change over the drawing: percent:value points, as in --guidance-scale 0:1000,100:0."
)
LONGEST_STDIN = 10_000  # characters of a prompt that comes through a pipe


def add_command(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register `draw` for its help and for completion; `parse` reads its arguments."""
    draw = subparsers.add_parser("draw", help="draw a picture from a sentence", epilog=EPILOG)
    draw.add_argument("words", nargs="*", metavar="WORDS", help="what to draw; may come through a pipe")
    _add_files(draw)
    for name, text in KNOBS.items():
        draw.add_argument(f"--{grammar.option_name(name)}", help=text)
    draw.add_argument("--style", help=f"words and options that have a name: {', '.join(BUILT_IN)}")


def _add_files(parser: argparse.ArgumentParser) -> None:
    """The options of the command line alone: those that name files."""
    add = parser.add_argument
    add("-o", "--output", type=Path, metavar="FILE", help=".png, .jpg, .webp or .gif, a folder, or - for stdout")
    add("--gif", type=Path, metavar="FILE", help="the animation of its making")
    add("--previews", type=Path, metavar="DIR", help="where a preview is written at each 10 %%")
    add("--checkpoint", type=Path, metavar="FILE", help="kept up to date, to go on from after a stop")
    add("--resume", type=Path, metavar="FILE", help="go on from a checkpoint")
    add("--json", action="store_true", help="print each event, and an error, as a line of JSON")
    add("--init-picture", type=Path, metavar="FILE", help="a picture to begin from")
    text = "a picture to be pulled towards, away from when the weight is negative; may be repeated"
    add("--target", action="append", default=[], metavar="FILE[:WEIGHT]", help=text)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options that name files; all else is `text`, in the grammar of the chats."""
    parser = Parser(prog="imago draw", add_help=False)
    _add_files(parser)
    arguments = list(arguments)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    args, rest = parser.parse_known_args(arguments[:cut])
    args.text = " ".join([*_quote(rest), *map(grammar.escape, arguments[cut + 1 :])])
    args.run = report_errors(run)
    return args


def _quote(arguments: list[str]) -> list[str]:
    """The words of --then in quotation marks again, which the shell has taken away."""
    found: list[str] = []
    for argument in arguments:
        said = argument.startswith("--then=") or found[-1:] == ["--then"]
        found.append(grammar.quote_changes(argument) if said else argument)
    return found


def run(args: argparse.Namespace) -> int:
    """Draw, and write files as they come; nothing is written before the request and all paths are known to be good."""
    state = args.resume.read_bytes() if args.resume else None
    if state is None and not sys.stdin.isatty() and not grammar.read(args.text)[0]:
        args.text = f"{sys.stdin.read(LONGEST_STDIN).strip()} {args.text}"
    inputs, request = _inputs(args), _request(args.text, state)
    if state is None:
        engine.check_request(request, inputs)
    files = files_for(request, args.output, args.gif, args.previews, args.checkpoint)
    files.check_writable(as_json=args.json)
    kept: list[bytes] = []  # the newest checkpoint, alone
    display = display_for(request, files, as_json=args.json)
    try:
        for event in engine.draw(request, resume=state, inputs=inputs):
            if isinstance(event, Preview) and files.previews:
                write(files.previews / f"{event.percent:03}.png", event.png)
            elif isinstance(event, Checkpoint):
                kept = [event.state]
                if files.keep_checkpoint:
                    write(files.checkpoint, event.state)
            elif isinstance(event, Finished):
                files.write(event)
            display.event(event)
    except (KeyboardInterrupt, EngineError, OSError):
        display.close()
        if kept:
            _say_how_to_go_on(files, kept[0], as_json=args.json)
        raise
    if credit := engine.credit_of(request.models):
        print(credit, file=sys.stderr)
    if words := understood.line_with_offers(Texts().say, "en", request.models, request.final_prompt, request.seed):
        print(words, file=sys.stderr)
    return 0


def _say_how_to_go_on(files: Files, state: bytes, *, as_json: bool) -> None:
    """Keep what was drawn so far."""
    try:
        files.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        write(files.checkpoint, state)
    except OSError:
        return  # nowhere to keep it: the error that ended the drawing is told
    again = ["imago", "draw", "--resume", str(files.checkpoint), "-o", str(files.picture)]
    again += ["--gif", str(files.gif)] if files.gif else []
    if as_json:
        print(json.dumps({"event": "kept", "checkpoint": str(files.checkpoint), "command": shlex.join(again)}))
    else:
        print(f"\nTo go on: {shlex.join(again)}", file=sys.stderr)


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


def _request(text: str, state: bytes | None) -> Request:
    """The request that a text makes, or that of the checkpoint, from which the text may not differ."""
    prompt, options = grammar.read(text)
    if state is None:
        if not prompt:
            raise BadRequest("prompt", 'Tell me what to draw, for example: imago draw "a red star on blue".')
        prompt, styled = _apply_style(prompt, _with_models(options), text)
        return grammar.request(prompt, {"seed": secrets.randbelow(2**32), **styled})
    kept = engine.request_of_checkpoint(state)
    if STYLE in options:
        raise BadRequest(STYLE, "A style cannot be given to a drawing that goes on: leave --style out.")
    said: dict[str, Any] = ({"prompt": prompt} if prompt else {}) | _with_models(options)
    asked = replace(kept, **said)
    for field in fields(Request):
        if getattr(asked, field.name) != getattr(kept, field.name):
            raise BadRequest(
                field.name,
                f"The checkpoint's drawing has {field.name} {getattr(kept, field.name)!r}: "
                f"leave {field.name} out to go on with it.",
            )
    return kept


def _apply_style(prompt: str, options: dict[str, Value], text: str) -> tuple[str, dict[str, Value]]:
    """Words and options with a style's; raises UserError where the models do not know its words."""
    words, styled = Styles().apply(prompt, options, text)
    models = str(styled.get("models", Request.models))
    if words != prompt and not engine.knows_any_word(models):
        name = str(options[STYLE])
        raise UserError("style-unknown", name=name, models=models, where=f"⟨--style {name}⟩")
    return words, styled


def _with_models(options: dict[str, Value]) -> dict[str, Any]:
    """With the set that `auto` stands for."""
    if options.get("models") == model_commands.AUTO:
        return {**options, "models": model_commands.ready_for_this_machine()}
    return dict(options)
