"""`imago doctor`: checks Python, torch, device, weights, database and disk, and says what to do."""
from pathlib import Path


def run(config: Path | None) -> int:
    """Later."""
    return 0
