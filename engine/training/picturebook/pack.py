"""put trained networks into the model set: the table of pictures, weights and model cards; write sizes and hashes."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.diffusion.retrieval import SceneTable
from engine.model_sets.weights import FOLDER
from engine.training.picturebook.clips import MODEL
from engine.training.picturebook.tables import Tables

SET = FOLDER / "picturebook"
WORDS = ("things.json", "grounds.json", "kinds.json")
SOURCES = """
## Sources

Drawings: Google's Noto emoji (`@iconify-json/noto` 1.2.9, Apache-2.0); the lambda and the settings are our own. Words:
Unicode CLDR by `emojibase-data` 17.0.0 (MIT, Unicode licence), WordNet 3.1 (Princeton's licence).
See docs/picturebook.md.
"""


def pack(runs: Path, drawings: Path, into: Path = SET) -> None:
    """Pack the runs `unet`, `text` and `upscaler` in a folder, its linear denoiser, and the table of pictures.

    `into`: the set's folder; its description lies beside it. Where there is none it is made of the one that ships.
    """
    description = into.parent / f"{into.name}.toml"
    if into.resolve() != SET:
        into.mkdir(parents=True, exist_ok=True)
        for name in WORDS:
            shutil.copy(SET / name, into)
        shutil.copy(FOLDER / "picturebook.toml", description)
    _write_table(drawings, into / "retrieval.safetensors")
    shutil.copy(runs / "linear.safetensors", into / "linear.safetensors")
    clip = {key.removeprefix("clip."): value for key, value in load_file(runs / "text" / "model.safetensors").items()}
    save_file(clip, into / "clip.safetensors")
    (into / "picturebook-clip.json").write_text(json.dumps(MODEL, indent=2) + "\n")
    shutil.copy(runs / "text" / "vocabulary.txt.gz", into)
    for network in ("unet", "upscaler"):
        save_file(load_file(runs / network / "model.safetensors"), into / f"{network}.safetensors")
    for network, name in (("unet", "unet"), ("text", "clip"), ("upscaler", "upscaler")):
        (into / f"{name}.md").write_text((runs / network / "card.md").read_text() + SOURCES)
    for path in into.glob("*.safetensors"):
        path.chmod(0o644)
        _write_hash(description, path)


def _write_table(drawings: Path, path: Path) -> None:
    """The things alone and as one of two, and the grounds, at the table's side, as bytes."""
    table = Tables(drawings).at(16 * SceneTable.fold)

    def bytes_of(drawn: Tensor, clear: Tensor) -> Tensor:
        cover = 1 - clear
        return _bytes(torch.cat([(drawn + cover) / 2, cover], dim=1))

    tensors = {
        "single": bytes_of(table.drawn, table.clear),
        "half": bytes_of(table.half, table.clear_half),
        "grounds": _bytes((table.grounds + 1) / 2),
    }
    save_file(tensors, path)


def _bytes(values: Tensor) -> Tensor:
    return (values * 255).round().clamp(0, 255).to(torch.uint8).contiguous()


def _write_hash(description: Path, weights: Path) -> None:
    content = weights.read_bytes()
    pattern = re.compile(rf'(file = "{weights.name}"\nbytes = )\d+(\nsha256 = ")[0-9a-f]*"')
    found = rf'\g<1>{len(content)}\g<2>{hashlib.sha256(content).hexdigest()}"'
    description.write_text(pattern.sub(found, description.read_text()))
