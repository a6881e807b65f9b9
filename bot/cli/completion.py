"""`imago completion SHELL`: what bash, zsh and fish need to complete commands and options."""

import argparse
import os
from typing import Any

from bot.cli.guard import report_errors

SHELLS = ("bash", "zsh", "fish")


def add_command(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register it."""
    completion = subparsers.add_parser("completion", help="print what a shell needs to complete commands and options")
    completion.add_argument("shell", choices=SHELLS, help='bash: eval "$(imago completion bash)"')
    completion.set_defaults(run=report_errors(run))


def run(args: argparse.Namespace) -> int:
    """Print the code."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["imago"], shell=args.shell))
    return 0


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, and end; do nothing otherwise."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
