"""the metadata of a finished picture: how to draw it again, and nothing about a person."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine.drawing.reading import prompts_of
from engine.errors import BadPicture
from engine.model_sets.weights import ModelSet
from engine.request import Request

REQUEST, MODELS, WEIGHTS, INPUTS, PARENT, READ = (
    f"imago:{name}" for name in ("request", "models", "weights", "inputs", "parent", "read")
)
FILE = "FILE"  # stands for a picture that the drawing began from or was pulled towards


def imago_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("imago")
    except PackageNotFoundError:
        return "unknown"


def metadata_of(
    request: Request, models: ModelSet, inputs: Mapping[str, Any] | None = None, parent: str | None = None
) -> dict[str, str]:
    """The PNG's text chunks; every option is written out, so that later defaults change nothing.

    Args:
        inputs: SHA-256 of the pixels of the pictures that went in: {"init": …, "targets": [[…, weight], …]}.
        parent: the job that this one came from.
    """
    found = {
        "Software": f"Imago {imago_version()}",
        "Description": request.prompt,
        REQUEST: request.to_json(),
        MODELS: models.name,
        WEIGHTS: json.dumps({file.source or file.path.name: file.sha256 for file in models.files()}, sort_keys=True),
    }
    if models.credit:
        found["Credit"] = models.credit
    texts = prompts_of(models, request, alone=not inputs)
    if any(text != request.prompt for text in texts):  # what the CLIPs read for each picture
        found[READ] = json.dumps(texts if request.pick is None else [texts[request.pick - 1]], ensure_ascii=False)
    if inputs:
        found[INPUTS] = json.dumps(inputs, sort_keys=True)
    if parent is not None:
        found[PARENT] = parent
    return found


def request_of(metadata: Mapping[str, str]) -> Request:
    """The request that drew a picture; BadPicture when its metadata does not tell."""
    if REQUEST not in metadata:
        raise BadPicture(
            "This picture does not say how it was drawn: it is not one of Imago's, "
            "or what sent it stripped the metadata."
        )
    return Request.from_json(metadata[REQUEST])


def command_of(request: Request, inputs: str | None = None) -> str:
    """The shell command that draws the picture again, with FILE for each picture that went in.

    Args:
        inputs: the text chunk that tells of these.
    """
    words = ["imago", "draw", request.prompt]
    for field in fields(Request):
        value = getattr(request, field.name)
        if field.name != "prompt" and value is not None and (field.name, value) != ("count", 1):
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    words += _pictures(inputs) if inputs else []
    if re.search(r"(?<!\S)\\*[-—–]", request.prompt):  # after -- nothing is an option
        words[2:3] = []
        words += ["--", request.prompt]
    return shlex.join(words)


def _pictures(inputs: str) -> list[str]:
    """Metadata may be forged: only numbers from it go into the command."""
    try:
        told = json.loads(inputs)
        weights = [float(weight) for _, weight in told.get("targets", [])]
        first = ["--init-picture", FILE] if "init" in told else []
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadPicture("What this picture says of the pictures it was made from cannot be read.") from error
    return first + [word for weight in weights for word in ("--target", f"{FILE}:{weight}")]
