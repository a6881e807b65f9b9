"""how the engine process and its feeder talk: length-prefixed pickles of our own records, over pipes.

Feeder → process: ("draw", number, Request or UpscaleRequest, state or None, Inputs, parent or None), ("stop", number).
Process → feeder: (number, Event), (number, None) at the end of a stream, (number, BEAT) while it lives.
Pickle is safe here: both ends are the same program, and nobody else holds the pipe.
"""

import pickle
import struct
from typing import Any

HEADER = struct.Struct(">I")
BEAT = "beat"
BEAT_SECONDS = 1.0


def pack(message: tuple[Any, ...]) -> bytes:
    """A message as it goes through the pipe."""
    body = pickle.dumps(message, protocol=5)
    return HEADER.pack(len(body)) + body


def unpack(body: bytes) -> tuple[Any, ...]:
    """A message without its header."""
    message: tuple[Any, ...] = pickle.loads(body)
    return message
