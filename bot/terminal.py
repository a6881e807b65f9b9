"""the `imago` subcommands that need no bot: draw, inspect, models."""

import argparse
from typing import Any


def add_commands(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommands; each sets `run`, a function of the parsed arguments that returns an exit code."""
