"""`python -m engine.training.picturebook drawings|train NETWORK|pack|all`: make the picture book's models again."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch

STEPS = {"unet": 3_000, "text": 2_500, "upscaler": 3_000}
PACKAGES = Path(__file__).with_name("package.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.training.picturebook")
    parser.add_argument("action", choices=["drawings", "train", "pack", "all"])
    parser.add_argument("network", choices=list(STEPS), nargs="?", help="which to train")
    parser.add_argument("--runs", type=Path, default=Path("runs/picturebook"), help="where drawings and runs lie")
    parser.add_argument("--packages", type=Path, help="a node_modules folder that has the packages already")
    parser.add_argument("--steps", type=int, help="in all; a stopped run goes on from its checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads (default: all)")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.action == "train" and args.network is None:
        parser.error(f"say which network to train: {', '.join(STEPS)}")
    if args.action in ("drawings", "all"):
        draw(args.runs, args.packages)
    for network in [args.network] if args.action == "train" else list(STEPS) if args.action == "all" else []:
        train(network, args.runs, args.steps or STEPS[network], args.seed)
    if args.action in ("pack", "all"):
        from engine.training.picturebook.pack import pack

        pack(args.runs)
    return 0


def draw(runs: Path, packages: Path | None) -> None:
    """Fetch the pinned packages, unless their folder is given, and render all things."""
    from engine.training.picturebook.drawings import write_drawings
    from engine.training.picturebook.world import THINGS_FILE

    if packages is None:
        runs.mkdir(parents=True, exist_ok=True)
        (runs / "package.json").write_text(PACKAGES.read_text())
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=runs, check=True)
        packages = runs / "node_modules"
    things = json.loads(THINGS_FILE.read_text(encoding="utf-8"))
    write_drawings(things, packages, runs / "drawings.npz")


def train(network: str, runs: Path, steps: int, seed: int) -> None:
    """Train one network into `runs`/`network`."""
    from engine.training.picturebook import texts, unets, upscaler

    folder = runs / network
    if network == "upscaler":
        unet = runs / "unet" / "model.safetensors"
        return upscaler.train(folder, steps, seed=seed, unet=unet if unet.exists() else None)
    unets.optimize()
    if network == "unet":
        return unets.train(folder, steps, seed=seed)
    texts.train(folder, linear_of(runs), steps, seed=seed)
    return None


def linear_of(runs: Path) -> Path:
    """The file of the linear denoiser; computed where there is none."""
    from engine.training.picturebook.clips import components, save_linear
    from engine.training.picturebook.tables import Tables

    path = runs / "linear.safetensors"
    if not path.exists():
        torch.set_float32_matmul_precision("highest")
        save_linear(components(Tables(runs / "drawings.npz")), str(path))
        torch.set_float32_matmul_precision("medium")
    return path


if __name__ == "__main__":
    sys.exit(main())
