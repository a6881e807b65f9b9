"""what a finished picture says of itself: how to draw it again, and nothing about a person."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version

from engine.errors import BadPicture
from engine.request import Request
from engine.weights import ModelSet


def imago_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("imago")
    except PackageNotFoundError:
        return "unknown"


def metadata_of(request: Request, models: ModelSet) -> dict[str, str]:
    """Text chunks for the PNG; every knob is written out, so that later defaults change nothing."""
    return {
        "Software": f"Imago {imago_version()}",
        "Description": request.prompt,
        "imago:request": request.to_json(),
        "imago:weights": json.dumps({file.source or file.path.name: file.sha256 for file in models.files()},
                                    sort_keys=True),
    }


def request_of(metadata: Mapping[str, str]) -> Request:
    """The request that drew a picture; BadPicture when its metadata does not tell."""
    if "imago:request" not in metadata:
        raise BadPicture("This picture does not say how it was drawn: it is not one of Imago's, "
                         "or what sent it stripped the metadata.")
    return Request.from_json(metadata["imago:request"])


def command_of(request: Request) -> str:
    """The shell command that draws the picture again."""
    words = ["imago", "draw", request.prompt]
    for field in fields(Request):
        value = getattr(request, field.name)
        if field.name != "prompt" and value is not None and (field.name, value) != ("count", 1):
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    if request.prompt.startswith("-"):
        words[2:3] = []
        words += ["--", request.prompt]
    return shlex.join(words)
