"""`imago models`, `imago models fetch NAME`, `imago models add FILE`: what is there, and how more gets there."""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

import engine
from bot.cli.guard import print_json, report_errors
from engine import BadRequest, Fetching, Request

AUTO = "auto"  # the set that suits this machine
UNKNOWN = "unknown"  # licence
LONG = 1800  # seconds of a picture from which on a quicker way is named
VERBS = {"download": "fetching", "check": "checking", "convert": "converting"}


def add_command(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register `models` and its actions."""
    models = subparsers.add_parser("models", help="the model sets; fetch one, add a file of your own")
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(run=report_errors(run_models))
    actions = models.add_subparsers(metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download a set, check it and make it ready; goes on where it stopped")
    fetch.add_argument("name", help="of the set, or auto for the one that suits this machine")
    fetch.add_argument("--yes", action="store_true", help="fetch a set whose licence is not known without asking")
    fetch.set_defaults(run=report_errors(run_fetch))
    measure = actions.add_parser(
        "measure", help="say what a picture takes on this machine; the set need not be fetched"
    )
    measure.add_argument("name")
    measure.set_defaults(run=report_errors(run_measure))
    add = actions.add_parser("add", help="take over a weights file that came another way, or a set of your own (.toml)")
    add.add_argument("file", type=Path)
    add.set_defaults(run=report_errors(run_add))


def run_models(args: argparse.Namespace) -> int:
    """List the sets: name, size, whether it is there, title."""
    if args.json:
        print_json([asdict(status) for status in engine.list_model_sets()])
        return 0
    for status in engine.list_model_sets():
        there = "ready" if status.ready else "not fetched"
        suits = "*" if status.suits else " "
        takes = about(status.seconds) if status.seconds else ""
        print(f"{suits} {status.name:22} {status.bytes / 1e6:8.1f} MB  {there:12} {takes:18} {status.title}")
    print("* suits this machine. `imago models measure NAME` says what a picture takes here.", file=sys.stderr)
    return 0


def about(seconds: float) -> str:
    """A time as people say it."""
    minutes = seconds / 60
    if minutes < 1.5:
        whole = max(1, round(seconds))
        return f"about {whole} second{'s' * (whole > 1)}"
    return f"about {round(minutes)} minutes" if minutes < 90 else f"about {round(minutes / 60)} hours"


def time_here(request: Request) -> str | None:
    """What a picture takes by what was measured, and what takes less where that is long; None if nothing was."""
    takes = engine.known_seconds(request)
    if takes is None:
        return None
    sooner = engine.known_seconds(replace(request, sampler="solver", steps=None)) or takes
    hint = f"; with `--sampler solver` {about(sooner)}" if takes > LONG and sooner < takes / 2 else ""
    return f"{about(takes)} on this machine{hint}"


def _measure(name: str) -> str:
    """What a picture takes, by a few steps; the same where nothing can be kept."""
    seconds = engine.measure_pace(name)
    return time_here(Request(prompt="a lighthouse", models=name)) or f"{about(seconds)} on this machine"


def run_measure(args: argparse.Namespace) -> int:
    """Measure by a few steps with random weights."""
    print(f"{args.name}: {_measure(args.name)}")
    return 0


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch with a bar; the name of the set goes to stdout when it is ready."""
    name = engine.best_models() if args.name == AUTO else args.name
    new = engine.model_needs(name).download > 0
    fetch(name, _consent if not args.yes else None)
    print(f"{name} is ready")
    if new and any(status.suits for status in engine.list_model_sets() if status.name == name):
        print(f"A picture takes {_measure(name)}.", file=sys.stderr)
    return 0


def run_add(args: argparse.Namespace) -> int:
    """Take over a file."""
    _follow(engine.add_model_file(args.file))
    print(f"{args.file.name} is taken over")
    return 0


def ready_for_this_machine() -> str:
    """The set that suits it, fetched if it is not there yet."""
    name = engine.best_models()
    fetch(name)
    return name


def ready_elsewhere() -> str | None:
    """The same without torch in this process; None when it failed, which has been told on stderr."""
    command = [sys.executable, "-m", "bot", "models", "fetch", AUTO]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout else None


def fetch(name: str, consent: Callable[[str], bool] | None = None) -> None:
    """Say what it needs and who made it, then fetch what is missing.

    Args:
        consent: asked, with the name of the set, before the first byte of weights whose licence is not known.

    Raises: BadRequest when consent is not given.
    """
    needs = engine.model_needs(name)
    if consent is not None and needs.licence == UNKNOWN and not needs.begun and not consent(name):
        raise BadRequest("models", f"{name} was not fetched. To fetch it in a script, add --yes.")
    if needs.download or needs.disk:
        print(
            f"{name}: {_gb(needs.download)} to download into {needs.folder}; {_gb(needs.disk)} of disk are needed on "
            f"the way, {_gb(needs.free)} are free. {needs.memory}".rstrip(),
            file=sys.stderr,
        )
        if needs.licence:
            print(f"Licence: {needs.licence}. {needs.credit}".rstrip(), file=sys.stderr)
    _follow(engine.fetch_models(name))


def _consent(name: str) -> bool:
    """Ask the person at the terminal; without one the answer is no."""
    print(
        f"The licence of {name} is not known: its author has not said what its pictures may be used for. "
        "Asking them, and answering for the use, is up to you.",
        file=sys.stderr,
    )
    if not sys.stdin.isatty():
        return False
    print("Fetch it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _follow(steps: Iterator[Fetching]) -> None:
    """A bar for each file."""
    with ExitStack() as stack:  # an error is told below the bar, not beside it
        bar: tqdm[Any] | None = None
        shown = ""
        for step in steps:
            what = f"{VERBS[step.phase]} {step.file}"
            if bar is None or what != shown:
                stack.close()
                made = tqdm(total=step.bytes, initial=step.done, desc=what, unit="B", unit_scale=True, ncols=100)
                bar, shown = stack.enter_context(made), what
            bar.n = step.done
            bar.refresh() if step.done >= step.bytes else bar.update(0)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
