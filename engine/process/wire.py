"""how the engine process and its parent talk: length-prefixed pickles of our own records, over pipes.

Parent → process: ("draw", number, Request or UpscaleRequest, state or None, Inputs, parent or None, alone),
    ("stop", number), ("steer", number, number of the words, words).
Process → parent: (number, Event), (number, None) at the end of a stream, and of itself (0, Alive). A process that
    passes drawings on to engines elsewhere also says (number, Died) at the end of a stream.
Pickle is safe here: both ends are the same program, and nobody else holds the pipe.
"""

import pickle
import struct
from dataclasses import dataclass
from typing import Any

HEADER = struct.Struct(">I")
BEAT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Alive:
    """What the process says of itself: a beat each second while it draws, and a word whenever this has changed."""

    at_once: int  # pictures that it draws at a time with profit
    waiting: tuple[int, ...] = ()  # the numbers of those whose silence is no fault: others are in the way
    engines: tuple["EngineState", ...] = ()  # those that it passes drawings on to


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """One engine of a cluster."""

    name: str  # its machine's address, a piece of the machine's id there, and its number on the machine
    at_once: int  # pictures that it draws at a time with profit
    drawing: int  # pictures that it has now
    process: int  # id of the process that runs it, on its machine


@dataclass(frozen=True, kw_only=True)
class Died:
    """The engine that had a drawing is gone."""

    why: str
    lost: bool  # with its machine or the way to it, which is no fault of the drawing
    process: int  # id of the engine's process


def pack(message: tuple[Any, ...]) -> bytes:
    """A message as it goes through the pipe."""
    body = pickle.dumps(message, protocol=5)
    return HEADER.pack(len(body)) + body


def unpack(body: bytes) -> tuple[Any, ...]:
    """A message without its header."""
    message: tuple[Any, ...] = pickle.loads(body)
    return message
