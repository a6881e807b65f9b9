"""what can go wrong in a subcommand, as one sentence on stderr (or a line of JSON) and an exit code."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from bot.errors import BotError, ConfigError, UserError
from bot.texts import Texts
from engine import BadCheckpoint, BadPicture, BadRequest, EngineError

STOPPED = 130  # what shells say of Ctrl-C
Command = Callable[[argparse.Namespace], int]


class Stopped(KeyboardInterrupt):
    """Ctrl-C or `kill`.

    Of a type of its own: once a plain KeyboardInterrupt has passed through `exec` of a text, as in many an import,
    `python -m` ends by the signal, whoever caught it and whatever exit code was returned.
    """


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Stopped` inside; for the main thread."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: object) -> NoReturn:
    raise Stopped


def report_errors(command: Command) -> Command:
    """Wrap a command so that errors are reported: exit code 2 for bad input, 78 for the config, 1 for the rest."""

    def run(args: argparse.Namespace) -> int:
        try:
            with _stopped_by_signals():
                return command(args)
        except BrokenPipeError:
            raise  # the reader of our output has gone; handled once, in `main`
        except KeyboardInterrupt:
            print_error(args, "Stopped", "stopped.")
            return STOPPED
        except (EngineError, BotError, OSError) as error:
            print_error(args, type(error).__name__, sentence_of(error))
            return 78 if isinstance(error, ConfigError) else 2 if is_bad_input(error) else 1

    return run


def is_bad_input(error: Exception) -> bool:
    """Whether the user can fix it."""
    return isinstance(error, (BadRequest, BadCheckpoint, BadPicture, UserError, OSError))


def sentence_of(error: Exception) -> str:
    """The sentence for the user."""
    if isinstance(error, UserError):
        return " ".join(Texts().say("en", error.text, **error.values).split())
    if isinstance(error, OSError):
        where = f"“{error.filename}”" if error.filename else "a file"
        return f"{where} cannot be used: {error.strerror or error}."
    return str(error)


def print_error(args: argparse.Namespace, kind: str, sentence: str) -> None:
    """To stderr, or to stdout as JSON for programs that asked for it."""
    if getattr(args, "json", False):
        print(json.dumps({"event": "error", "kind": kind, "message": sentence}, ensure_ascii=False), flush=True)
    else:
        print(f"imago: {sentence}", file=sys.stderr)


def print_json(value: Any) -> None:
    """One value on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2))
