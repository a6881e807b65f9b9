"""the parser of the command line: one sentence for a mistake, in place of a page of usage."""

import argparse
from difflib import get_close_matches
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one sentence; abbreviated options are not guessed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        self.exit(2, f"imago: {message}; `{self.prog} --help` shows what there is.\n")


def unknown_command(name: str, known: list[str]) -> str:
    """The sentence for a command that is not there."""
    meant = next(iter(get_close_matches(name, known, 1)), None)
    guess = f" Did you mean {meant}?" if meant else ""
    return f"There is no command {name!r}.{guess} There are: {', '.join(known)}."
