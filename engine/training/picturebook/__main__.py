"""`python -m engine.training.picturebook drawings|train NETWORK|pack|all`: make the picture book's models again."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from engine.files import replacing

STEPS = {"unet": 3_000, "text": 2_500, "upscaler": 3_000}
BATCH = {"cpu": {"unet": 96, "text": 192, "upscaler": 8}, "cuda": {"unet": 384, "text": 384, "upscaler": 32}}
SHARES = {"unet": 0.55, "text": 0.2, "upscaler": 0.25}  # of the time, where it is limited
TINY_STEPS, TINY_BATCH = 2, 4  # to see that everything runs: --tiny
PACKAGES = Path(__file__).with_name("package.json")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.training.picturebook")
    parser.add_argument("action", choices=["drawings", "train", "pack", "all"])
    parser.add_argument("network", choices=list(STEPS), nargs="?", help="which to train")
    parser.add_argument("--runs", type=Path, default=Path("runs/picturebook"), help="where drawings and runs lie")
    parser.add_argument("--packages", type=Path, help="a node_modules folder that has the packages already")
    parser.add_argument("--drawings", type=Path, help="the drawings, rendered already (default drawings.npz of --runs)")
    parser.add_argument("--into", type=Path, help="where the packed set goes (default: over the one that ships)")
    parser.add_argument("--device", choices=list(BATCH), default="cpu", help="where networks are trained")
    parser.add_argument("--steps", type=int, help="in all; a stopped run goes on from its checkpoint")
    parser.add_argument("--batch", type=int, help=f"pictures or texts a step (default {BATCH})")
    parser.add_argument("--minutes", type=float, help="as many steps as fit into this time, of all networks together")
    parser.add_argument("--save-every", type=float, default=120.0, help="seconds between checkpoints")
    parser.add_argument("--tiny", action="store_true", help="a few steps of a few pictures, to see that it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads (default: all)")
    args = parser.parse_args(words)
    began = time.monotonic()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.action == "train" and args.network is None:
        parser.error(f"say which network to train: {', '.join(STEPS)}")
    if args.tiny and args.action in ("pack", "all") and args.into is None:
        parser.error("--tiny wants --into: a set that has learned nothing must not replace the one that ships")
    drawings = args.drawings or args.runs / "drawings.npz"
    if args.action == "drawings" or (args.action == "all" and not drawings.exists()):
        draw(drawings, args.runs, args.packages)
    networks = [args.network] if args.action == "train" else list(STEPS) if args.action == "all" else []
    for number, network in enumerate(networks):
        now, share = time.monotonic(), SHARES[network] / sum(SHARES[each] for each in networks[number:])
        until = None if args.minutes is None else now + share * (began + 60 * args.minutes - now)
        limits = {"until": until, "save_every": args.save_every}
        steps = args.steps or (TINY_STEPS if args.tiny else STEPS[network])
        batch = args.batch or (TINY_BATCH if args.tiny else BATCH[args.device][network])
        train(network, args.runs, drawings, torch.device(args.device), steps, batch, args.seed, **limits)
    if args.action in ("pack", "all"):
        from engine.training.picturebook.pack import SET, pack

        pack(args.runs, drawings, args.into or SET)
    return 0


def draw(drawings: Path, runs: Path, packages: Path | None) -> None:
    """Fetch the pinned packages, unless their folder is given, and render all things."""
    from engine.training.picturebook.drawings import write_drawings
    from engine.training.picturebook.world import THINGS_FILE

    if packages is None:
        runs.mkdir(parents=True, exist_ok=True)
        (runs / "package.json").write_text(PACKAGES.read_text())
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=runs, check=True)
        packages = runs / "node_modules"
    things = json.loads(THINGS_FILE.read_text(encoding="utf-8"))
    write_drawings(things, packages, drawings)


def train(
    network: str,
    runs: Path,
    drawings: Path,
    device: torch.device,
    steps: int,
    batch: int,
    seed: int = 0,
    **limits: float | None,
) -> None:
    """Train one network into `runs`/`network`; what is finished is left as it is.

    `limits`: when it must be done, and the seconds between checkpoints.
    """
    from engine.training.picturebook import texts, unets, upscaler

    folder = runs / network
    where = {"drawings": drawings, "device": device, **limits}
    if network == "unet":
        unets.train(folder, steps, batch=batch, seed=seed, **where)
    elif network == "text":
        texts.train(folder, linear_of(runs, drawings), steps, batch=batch, seed=seed, **where)
    else:
        unet = runs / "unet" / "model.safetensors"
        upscaler.train(folder, steps, batch=batch, seed=seed, unet=unet if unet.exists() else None, **where)


def linear_of(runs: Path, drawings: Path) -> Path:
    """The file of the linear denoiser; computed where there is none."""
    from engine.training.picturebook.clips import components, save_linear
    from engine.training.picturebook.tables import Tables

    path = runs / "linear.safetensors"
    if not path.exists():
        runs.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            save_linear(components(Tables(drawings)), str(part))
    return path


if __name__ == "__main__":
    sys.exit(main())
