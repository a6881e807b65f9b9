"""render the drawings of the things from pinned npm packages into one file outside git: `make drawings`.

The artwork is Google's Noto emoji (Apache-2.0), read from the package `@iconify-json/noto`; the lambda is our own.
"""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from engine.files import replacing

SIDE = 64  # pixels of a picture
SINGLE, HALF = 48, 30  # side of a thing alone, and of one of two
MIDDLE, LOWERED = 32, 34  # centres of a thing alone, and of two things from the top
SCALE = 4  # of the large drawings that the upscaler learns from
LAMBDA = (
    '<circle cx="64" cy="64" r="54" fill="none" stroke="#f77f00" stroke-width="13"/>'
    '<path fill="#f77f00" d="M37 26h25l29 62h11v15H82L64 64 49 103H30l25-58-4-6H37z"/>'
)


def svg_of(name: str, packages: Path) -> str:
    """The drawing `prefix:name` as an SVG document; raises KeyError for an unknown one."""
    prefix, icon = name.split(":")
    if prefix == "own":
        return _svg({"lambda": LAMBDA}[icon], 128, 128)
    return _svg(*_icon(json.loads((packages / "@iconify-json" / prefix / "icons.json").read_text()), icon))


def _icon(table: dict, icon: str) -> tuple[str, int, int]:
    entry = table["icons"].get(icon) or table["icons"][table["aliases"][icon]["parent"]]
    sides = [entry.get(side, table.get(side, 16)) for side in ("width", "height")]
    return entry["body"], *sides


def _svg(body: str, width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}">{body}</svg>'
    )


def render(svg: str, side: int) -> np.ndarray:
    """[side, side, 4] uint8, colours not premultiplied."""
    import resvg_py

    data = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side)
    return np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGBA").resize((side, side)))


def place(svg: str, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """The thing alone [64, 64, 4] and as one of two [64, 32, 4], `scale` times as large."""
    found = []
    for side, width, down in ((SINGLE, SIDE, MIDDLE), (HALF, SIDE // 2, LOWERED)):
        canvas = np.zeros((SIDE * scale, width * scale, 4), dtype=np.uint8)
        top, left = (down - side // 2) * scale, (width - side) // 2 * scale
        canvas[top : top + side * scale, left : left + side * scale] = render(svg, side * scale)
        found.append(canvas)
    return found[0], found[1]


def write_drawings(things: list[dict], packages: Path, path: Path) -> None:
    """Render all things at both sizes, small and SCALE times as large, into a compressed .npz."""
    tables: dict[str, dict] = {}
    arrays: dict[str, list[np.ndarray]] = {"single": [], "half": [], "large_single": [], "large_half": []}
    for thing in things:
        prefix, icon = thing["drawings"][0].split(":")
        if prefix == "own":
            svg = svg_of(thing["drawings"][0], packages)
        else:
            if prefix not in tables:
                tables[prefix] = json.loads((packages / "@iconify-json" / prefix / "icons.json").read_text())
            svg = _svg(*_icon(tables[prefix], icon))
        for scale, prefix in ((1, ""), (SCALE, "large_")):
            for kind, picture in zip(("single", "half"), place(svg, scale), strict=True):
                arrays[prefix + kind].append(picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    names, stacked = [thing["id"] for thing in things], {kind: np.stack(made) for kind, made in arrays.items()}
    with replacing(path) as part, open(part, "wb") as file:
        np.savez_compressed(file, names=names, **stacked)
