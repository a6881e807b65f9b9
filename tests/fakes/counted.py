"""how often functions of ours are called, without putting anything in their place."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def counted(**functions: Callable[..., Any]) -> Iterator[Counter[str]]:
    """The calls of each function, in every thread that starts meanwhile, by the name given to it here."""
    names = {function.__code__: name for name, function in functions.items()}  # type: ignore[attr-defined]
    calls: Counter[str] = Counter()

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in names:
            calls[names[frame.f_code]] += 1

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
