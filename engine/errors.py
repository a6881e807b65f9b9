"""the engine's error tree.

EngineError              one clear sentence for the person who asked
├── BadRequest           the request cannot be drawn; `field` names the culprit; nothing was started
├── BadCheckpoint        not a checkpoint, or one of another request or other weights
├── BadPicture           bytes that are not a picture that can be read
├── WeightsError         `path` names the file
│   ├── MissingWeights   not on disk
│   ├── CorruptWeights   wrong size, hash, keys or shapes
│   └── CannotFetch      no mirror gave the file, or there is no room for it
├── NumericalError       the drawing left the numbers that a picture can have
├── OutOfMemory          the device has too little memory for this
└── EngineDied           the engine process crashed, hung or was killed; the work goes on from its checkpoint
"""

from pathlib import Path


class EngineError(Exception):
    """Base class; `str(error)` is a sentence that says what to do."""


class BadRequest(EngineError):
    """The request cannot be drawn."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class BadCheckpoint(EngineError):
    """The checkpoint cannot be resumed."""


class BadPicture(EngineError):
    """The bytes are not a picture that can be read."""

    def __init__(self, sentence: str, *, reason: str = "damaged") -> None:
        super().__init__(sentence)
        self.reason = reason  # kind, bytes, pixels, costly or damaged, for localization


class WeightsError(EngineError):
    """A weights file cannot be used."""

    def __init__(self, path: Path, sentence: str) -> None:
        super().__init__(sentence)
        self.path = path


class MissingWeights(WeightsError):
    """The weights file is not on disk."""


class CorruptWeights(WeightsError):
    """The weights file does not match the model set's hash."""


class CannotFetch(WeightsError):
    """A published weights file could not be fetched."""


class NumericalError(EngineError):
    """The drawing contains NaN or infinity."""


class OutOfMemory(EngineError):
    """The device has too little memory."""


class EngineDied(EngineError):
    """The engine process is gone."""

    def __init__(self, sentence: str, *, process: int = 0, lost: bool = False) -> None:
        super().__init__(sentence)
        self.process = process  # its number: several drawings may hear of one death
        self.lost = lost  # its machine or the way to it is gone, which is no fault of the drawing
