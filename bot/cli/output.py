"""where a drawing's files go, in the format that their names say, and what a terminal shows of it meanwhile."""

import io
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

import engine
from bot.cli.models import about, time_here
from engine import BadRequest, Finished, Preview, Progress, Request, Started, as_json, write_file

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".gif": "GIF"}
STDOUT = Path("-")
PREVIEW_COLUMNS, PICTURE_COLUMNS = 20, 40  # width of a picture in a terminal
TOLD_AFTER, LONG = 3, 60  # steps after which a log is told how long it takes, if that is more than so many seconds


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where everything goes; made before anything is drawn, so that a wrong path costs no time."""

    picture: Path  # `-` for stdout
    singles: tuple[Path, ...] = ()  # each picture of a grid, beside it
    gif: Path | None = None
    previews: Path | None = None  # a folder
    checkpoint: Path  # where a drawing that stopped can go on from
    keep_checkpoint: bool  # written at each checkpoint, not only after a stop

    def check_writable(self, *, as_json: bool = False) -> None:
        """Raises OSError or BadRequest unless all of it can be written; makes folders that are missing."""
        if STDOUT in (self.picture, self.gif) and (as_json or self.picture == self.gif):
            raise BadRequest(
                "output", "Only one thing can go to stdout: the picture, the GIF, or with --json the events."
            )
        if self.picture == self.gif:
            raise BadRequest("gif", f"{self.gif} cannot be the picture and the GIF: give --gif another name.")
        previews = self.previews and self.previews / "100.png"
        for path in (self.picture, *self.singles, self.gif, previews, self.keep_checkpoint and self.checkpoint):
            if path and path != STDOUT:
                _check_writable(path)
        for path in (self.picture, *self.singles):
            if path != STDOUT:
                format_of(path)

    def write(self, event: Finished) -> None:
        """The picture, each of a grid, and the GIF."""
        alone = event.pictures if self.singles else ()
        for path, png in zip((self.picture, *self.singles), (event.png, *alone), strict=True):
            write(path, event.gif if format_of(path) == "GIF" else encode(png, format_of(path)))
        if self.gif:
            write(self.gif, event.gif)

    @property
    def shown(self) -> list[Path]:
        """What is told at the end."""
        return [path for path in (self.picture, *self.singles, self.gif) if path is not None and path != STDOUT]


def files_for(
    request: Request, output: Path | None, gif: Path | None, previews: Path | None, checkpoint: Path | None
) -> Files:
    """A name without a folder is a file, a folder gets a new name in it; without either, out/ gets all there is."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{request.seed}"
    if output is None:
        output = Path("out") / f"{name}.png"
        gif, previews = gif or output.with_suffix(".gif"), previews or output.with_suffix("")
    elif output.is_dir():
        output = output / f"{name}.png"
    grid = request.pictures > 1 and output != STDOUT
    singles = (output.with_name(f"{output.stem}-{k + 1}{output.suffix}") for k in range(request.count) if grid)
    stopped = Path("out") / f"{name}.checkpoint" if output == STDOUT else output.with_suffix(".checkpoint")
    return Files(
        picture=output,
        singles=tuple(singles),
        gif=gif,
        previews=previews,
        checkpoint=checkpoint or stopped,
        keep_checkpoint=checkpoint is not None,
    )


def format_of(path: Path) -> str:
    """Pillow's name of the format that a file's name asks for; PNG where it asks for none. Raises BadRequest."""
    suffix = path.suffix.lower() if path != STDOUT else ""
    if suffix and suffix not in FORMATS:
        raise BadRequest("output", f"{path}: I write .png, .jpg, .webp and .gif, not {suffix}.")
    return FORMATS.get(suffix, "PNG")


def encode(png: bytes, kind: str) -> bytes:
    """A finished PNG in another format; the metadata that tells how it was drawn is in PNG and WebP and JPEG's XMP."""
    if kind == "PNG":
        return png
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as opened:
        xmp = opened.info.get("xmp") or opened.info.get("XML:com.adobe.xmp") or b""
        extra = {"xmp": xmp.encode() if isinstance(xmp, str) else xmp} if xmp else {}
        opened.convert("RGB").save(out, kind, quality=95, **extra)
    return out.getvalue()


def write(path: Path, content: bytes) -> None:
    """All or nothing: to a temporary name, then renamed; nothing is left behind when it fails.

    A device or a pipe, /dev/null for instance, is written to and stays what it is.
    """
    if path == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    elif _is_special(path):
        path.write_bytes(content)
    else:
        write_file(path.resolve(), content)


def _is_special(path: Path) -> bool:
    """A device, a pipe or a socket."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _check_writable(path: Path) -> None:
    if _is_special(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(21, "Is a directory", str(path))
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied", str(path))
    with tempfile.NamedTemporaryFile(dir=path.parent):
        pass


class Display(Protocol):
    """Shows events as they come."""

    def event(self, event: engine.Event) -> None: ...

    def close(self) -> None: ...


def display_for(request: Request, files: Files, *, as_json: bool) -> Display:
    """Lines of JSON, a bar on a terminal, or a line each 10 % in a log."""
    if as_json:
        return _JsonLines(files)
    print(f"Loading {request.models} …", file=sys.stderr, flush=True)
    if takes := time_here(request):
        print(f"This picture takes {takes}.", file=sys.stderr, flush=True)
    return _Bar(files) if sys.stderr.isatty() else _Lines(files)


class _Lines:
    """For logs and pipes: a line at each 10 %; the paths last."""

    def __init__(self, files: Files) -> None:
        self._files, self._steps, self._taken = files, 0, 0

    def event(self, event: engine.Event) -> None:
        if isinstance(event, Started):
            self._steps = event.steps
        elif isinstance(event, Progress):
            self._taken += 1
            if self._taken == TOLD_AFTER and event.seconds_left > LONG:
                self.line(f"{about(event.seconds_left)} left")
        elif isinstance(event, Preview):
            self.line(f"{event.percent} %, step {event.step} of {self._steps}")
        elif isinstance(event, Finished):
            early = f"satisfied after {event.satisfied_at} of " if event.satisfied_at else ""
            self.line(f"seed {event.seed}, {early}{event.steps} steps in {event.seconds:.1f} s")
            for path in self._files.shown:
                print(path)

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is open."""


class _Bar(_Lines):
    """On a terminal: percent, step, seconds left, distance; and the previews where it can show pictures."""

    def __init__(self, files: Files) -> None:
        super().__init__(files)
        self._bar: tqdm[Any] | None = None
        self._show = picture_shower()

    def event(self, event: engine.Event) -> None:
        if isinstance(event, Started):
            form = "{percentage:3.0f}% |{bar}| step {n_fmt}/{total_fmt}, {remaining} left, {rate_fmt}{postfix}"
            self._bar = tqdm(total=event.steps, initial=event.first_step, bar_format=form, unit="step", ncols=100)
        elif isinstance(event, Progress) and self._bar is not None:
            self._bar.set_postfix_str(f"distance {event.distance:.3f}", refresh=False)
            self._bar.update(event.step - self._bar.n)  # which an adaptive sampler's steps may leave where it is
        elif isinstance(event, Preview):
            if self._show and self._bar is not None and event.percent < 100:
                self._bar.clear()
                self._show(event.png, PREVIEW_COLUMNS)
                self._bar.refresh()
        elif isinstance(event, Finished):
            self.close()
            if self._show:
                self._show(event.png, PICTURE_COLUMNS)
            super().event(event)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _JsonLines:
    """Each event as one line on stdout, the picture's path in the last, and those of the single ones of a grid."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def event(self, event: engine.Event) -> None:
        values = as_json(event)
        if isinstance(event, Finished):
            values["path"] = str(self._files.picture)
            if self._files.singles:
                values["paths"] = [str(path) for path in self._files.singles]
        print(json.dumps(values, ensure_ascii=False), flush=True)

    def close(self) -> None:
        """Nothing is open."""


def picture_shower() -> Any:
    """A function of (PNG, columns) that shows a picture in this terminal; None where the terminal shows none."""
    if not sys.stdout.isatty():
        return None
    from textual_image.renderable import Image as Renderable  # asks the terminal what it can, as it is imported
    from textual_image.renderable.sixel import Image as Sixel
    from textual_image.renderable.tgp import Image as Kitty

    if Renderable not in (Sixel, Kitty):
        return None

    def show(png: bytes, columns: int) -> None:
        from PIL import Image
        from rich.console import Console

        with Image.open(io.BytesIO(png)) as opened:
            Console().print(Renderable(opened, width=columns, height="auto"))

    return show
