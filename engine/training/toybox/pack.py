"""packs trained networks into the model set: weights, model cards, sizes and hashes."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

from engine.model_sets.weights import FOLDER

SET = FOLDER / "toybox"
LEARNED = 0.25


def pack(network: str, run: Path, mean_with: Path | None = None) -> None:
    """Copy `run`'s averaged weights and its model card as `network` (unet, clip or upscaler) and update toybox.toml.

    Args:
        mean_with: weights that the run began with, to pack a mean of both, LEARNED of it the run's: what it knew before
            and what it learned (Wortsman et al. 2022, WiSE-FT, arXiv 2109.01903).
    """
    SET.mkdir(exist_ok=True)
    target = SET / f"{network}.safetensors"
    tensors = load_file(run / "model.safetensors")
    if mean_with is not None:
        before = load_file(mean_with)
        tensors = {key: before[key].float().lerp(tensors[key].float(), LEARNED).half() for key in before}
    if network == "clip":
        tensors = {key.removeprefix("clip."): value for key, value in tensors.items() if key.startswith("clip.")}
        shutil.copy(run / "vocabulary.txt.gz", SET)
        from engine.training.toybox.train_clip import MODEL

        (SET / "toybox-clip.json").write_text(json.dumps(MODEL, indent=2) + "\n")
    save_file({key: value for key, value in tensors.items() if not key.startswith("head.")}, target)
    if (run / "card.md").exists():
        both = f"- packed: {LEARNED:.0%} of the way from {mean_with.name}\n" if mean_with else ""
        card = (run / "card.md").read_text().replace("\n## Measured", f"{both}\n## Measured")
        (SET / f"{network}.md").write_text(card)
    target.chmod(0o644)
    _write_hash(FOLDER / "toybox.toml", target)


def _write_hash(description: Path, weights: Path) -> None:
    content = weights.read_bytes()
    pattern = re.compile(rf'(file = "{weights.name}"\nbytes = )\d+(\nsha256 = ")[0-9a-f]*"')
    found = rf'\g<1>{len(content)}\g<2>{hashlib.sha256(content).hexdigest()}"'
    description.write_text(pattern.sub(found, description.read_text()))
