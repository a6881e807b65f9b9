"""the `imago` command."""

import argparse
import asyncio
import os
import resource
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot.cli import backup, completion, draw, inspect
from bot.cli import models as model_commands
from bot.cli.guard import STOPPED, report_errors
from bot.cli.parser import Parser, unknown_command
from bot.errors import BotError, ConfigError

BROKEN_PIPE = 141  # exit code shells use after SIGPIPE
MOST_FILES = 65_536
CONFIG = Path("config.toml")  # in the current folder; used if it exists


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] in (["serve"], ["backup"], ["restore"]):
        os.umask(0o077)  # prompts, pictures and tokens of others are readable by the bot's user only
    try:
        args = _parse(arguments)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains as it ends
        return BROKEN_PIPE
    except KeyboardInterrupt:  # it came while a command's own guard was not yet, or no longer, there
        print("imago: stopped.", file=sys.stderr)
        return STOPPED


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = make_parser()
    completion.complete(parser)
    before_words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if arguments[:1] == ["draw"] and not {"-h", "--help"} & set(before_words):
        return draw.parse(arguments[1:])
    known = parser.commands
    if arguments and not arguments[0].startswith("-") and arguments[0] not in known:
        parser.exit(2, f"imago: {unknown_command(arguments[0], known)}\n")
    return parser.parse_args(arguments)


class _Main(Parser):
    commands: list[str]


def make_parser() -> _Main:
    """All subcommands with their options."""
    parser = _Main(prog="imago", description="A chat bot that draws, and its engine.")
    parser.add_argument("--version", action="version", version=f"imago {_version()}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    serve = subparsers.add_parser("serve", help="run the bot")
    serve.add_argument("--open", action="store_true", help="open the chat page in a browser")
    serve.set_defaults(run=run_serve)
    doctor = subparsers.add_parser("doctor", help="check that everything the bot needs is there")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(run=run_doctor)
    keep = subparsers.add_parser("backup", help="copy database and pictures into one file, also while the bot runs")
    keep.add_argument("target", type=Path, help="the file to make, or a folder for one named by the time")
    keep.set_defaults(run=report_errors(run_backup))
    for command in (serve, doctor, keep):
        command.add_argument(
            "--config", type=Path, metavar="FILE", help="default: config.toml of this folder, if it is there"
        )
    restore = subparsers.add_parser("restore", help="lay out a backup as a fresh folder, for [bot] folder")
    restore.add_argument("file", type=Path, help="what `imago backup` made")
    restore.add_argument("folder", type=Path, help="a new or empty one")
    restore.set_defaults(run=report_errors(run_restore))
    for module in (draw, inspect, model_commands, completion):
        module.add_command(subparsers)
    parser.commands = list(subparsers.choices)
    return parser


def _version() -> str:
    try:
        return version("imago")
    except PackageNotFoundError:
        return "unknown"


def _config_of(args: argparse.Namespace) -> Path | None:
    """The named config file, else config.toml of the current folder, if any."""
    path: Path | None = args.config
    return path or (CONFIG if CONFIG.is_file() else None)


def run_serve(args: argparse.Namespace) -> int:
    """0 after an orderly stop, 78 (EX_CONFIG) when it cannot start as configured."""
    from bot import app, config, log  # the commands that draw start without the chat libraries

    try:
        settings = config.load(_config_of(args))
        bot = settings.bot
        log.set_up(bot.log_level, bot.log_format, prompts=bot.log_prompts, secrets=config.secrets(settings))
        if settings.engine.models == model_commands.AUTO:
            name = model_commands.ready_elsewhere()
            if name is None:
                return 1
            settings = replace(settings, engine=replace(settings.engine, models=name))
        _raise_descriptors()
        asyncio.run(app.serve(settings, opened=webbrowser.open if args.open else None))
    except ConfigError as error:
        print(f"imago: {error}", file=sys.stderr)
        return 78
    except BotError as error:
        print(f"imago: {error}", file=sys.stderr)
        return 1
    return 0


def _raise_descriptors() -> None:
    """As many open files as the system allows: connections, the store and pictures share them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, MOST_FILES)), hard))


def run_doctor(args: argparse.Namespace) -> int:
    """0 when all is well."""
    from bot.cli import doctor

    return doctor.run(_config_of(args), as_json=args.json)


def run_backup(args: argparse.Namespace) -> int:
    """0 when the file is there and whole."""
    from bot import config

    made, pictures = backup.backup(config.load(_config_of(args)).bot.folder, args.target)
    print(f"{made}: the database and {pictures} files of pictures")
    return 0


def run_restore(args: argparse.Namespace) -> int:
    """0 when the folder is ready to be served."""
    pictures = backup.restore(args.file, args.folder)
    print(f"{args.folder}: the database and {pictures} files of pictures; set it as folder in [bot] and start the bot")
    return 0


if __name__ == "__main__":
    sys.exit(main())
