"""logging to stderr, one line an event; no prompt and no secret goes there."""

import logging
import sys


def set_up(level: str) -> None:
    """Log from `level` (debug, info, warning, error) on; the libraries only speak when something is wrong."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("bot", "engine"):
        logging.getLogger(name).setLevel(level.upper())
