"""the `imago` command."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.cli import backup
from bot.cli import draw as terminal
from bot.cli import models as model_commands
from bot.errors import BotError, ConfigError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit code."""
    parser = argparse.ArgumentParser(prog="imago", description="A chat bot that draws, and its engine.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = subparsers.add_parser("serve", help="run the bot")
    serve.set_defaults(run=run_serve)
    doctor = subparsers.add_parser("doctor", help="check that everything the bot needs is there")
    doctor.set_defaults(run=run_doctor)
    keep = subparsers.add_parser("backup", help="copy database and pictures into one file, also while the bot runs")
    keep.add_argument("target", type=Path, help="the file to make, or a folder for one named by the time")
    keep.set_defaults(run=run_backup)
    for command in (serve, doctor, keep):
        command.add_argument("--config", type=Path, metavar="FILE", help="default: the settings as in the example")
    restore = subparsers.add_parser("restore", help="lay out a backup as a fresh folder, for [bot] folder")
    restore.add_argument("file", type=Path, help="what `imago backup` made")
    restore.add_argument("folder", type=Path, help="a new or empty one")
    restore.set_defaults(run=run_restore)
    terminal.add_commands(subparsers)
    args = parser.parse_args(arguments)
    return int(args.run(args))


def run_serve(args: argparse.Namespace) -> int:
    """0 after an orderly stop, 78 (a matter of configuration) when it cannot start as told."""
    from bot import app, config, log  # the commands that draw start without the chat libraries

    try:
        settings = config.load(args.config)
        bot = settings.bot
        log.set_up(bot.log_level, bot.log_format, prompts=bot.log_prompts, secrets=config.secrets(settings))
        if settings.engine.models == model_commands.AUTO:
            name = model_commands.ready_elsewhere()
            if name is None:
                return 1
            settings = replace(settings, engine=replace(settings.engine, models=name))
        asyncio.run(app.serve(settings))
    except ConfigError as error:
        print(f"imago: {error}", file=sys.stderr)
        return 78
    except BotError as error:
        print(f"imago: {error}", file=sys.stderr)
        return 1
    return 0


def run_doctor(args: argparse.Namespace) -> int:
    """0 when all is well."""
    from bot.cli import doctor

    return doctor.run(args.config)


def run_backup(args: argparse.Namespace) -> int:
    """0 when the file is there and whole."""
    from bot import config

    try:
        made, pictures = backup.backup(config.load(args.config).bot.folder, args.target)
    except (BotError, OSError) as error:
        print(f"imago: {error}", file=sys.stderr)
        return 78 if isinstance(error, ConfigError) else 1
    print(f"{made}: the database and {pictures} files of pictures")
    return 0


def run_restore(args: argparse.Namespace) -> int:
    """0 when the folder is ready to be served."""
    try:
        pictures = backup.restore(args.file, args.folder)
    except (BotError, OSError) as error:
        print(f"imago: {error}", file=sys.stderr)
        return 1
    print(f"{args.folder}: the database and {pictures} files of pictures; set it as folder in [bot] and start the bot")
    return 0


if __name__ == "__main__":
    sys.exit(main())
