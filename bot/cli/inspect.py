"""`imago inspect`: how a picture was drawn, and the command that draws it again."""

import argparse
from pathlib import Path
from typing import Any

import engine
from bot.cli.guard import print_json, report_errors
from bot.language.understood import line_with_offers
from bot.texts import Texts


def add_command(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register it."""
    inspect = subparsers.add_parser("inspect", help="how a picture was drawn, and the command that draws it again")
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--json", action="store_true", help="as JSON")
    inspect.set_defaults(run=report_errors(run))


def run(args: argparse.Namespace) -> int:
    """Print what the PNG says of itself, then the command that draws it again."""
    about = engine.inspect(args.file.read_bytes())
    if args.json:
        print_json({"metadata": about.metadata, "command": about.command})
        return 0
    for key, value in about.metadata.items():
        print(f"{printable(key)}: {printable(value)}")
    asked = about.request
    if words := line_with_offers(Texts().say, "en", asked.models, asked.final_prompt, asked.seed):
        print(f"\nUnderstood:\n{printable(words)}")
    print(f"\nDraw it again:\n{printable(about.command)}")
    return 0


def printable(text: str) -> str:
    """On one line, without control characters: the file may come from a stranger."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
