"""`python -m engine.training.toybox train unet|early|clip|upscaler`, then `pack`: make the embedded models again."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

import torch

from engine.training.toybox.pack import pack

STEPS = {"unet": 3_600, "early": 5_000, "clip": 3_000, "upscaler": 6_000}
UNETS = ("unet", "early")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.training.toybox")
    parser.add_argument("action", choices=["train", "pack"])
    parser.add_argument("network", choices=list(STEPS), nargs="?", help="which to train; pack takes all without it")
    parser.add_argument("--folder", type=Path, help="where checkpoint and weights go (default runs/NETWORK)")
    parser.add_argument("--steps", type=int, help="in all; a stopped run goes on from its checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start-from", type=Path, help="weights that a new run begins with")
    parser.add_argument("--mean-with", type=Path, help="weights a run began with: pack the mean of both")
    parser.add_argument("--bf16", action="store_true", help="U-Nets: quicker where the processor multiplies bfloat16")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.mean_with and (args.action != "pack" or args.network not in UNETS):
        parser.error("--mean-with goes with packing one of the U-Nets")
    if args.action == "pack":
        for network in [args.network] if args.network else list(STEPS):
            pack(network, args.folder or Path("runs") / network, args.mean_with)
        return 0
    if args.network is None:
        parser.error(f"say which network to train: {', '.join(STEPS)}")
    if args.bf16 and args.network not in UNETS:
        parser.error("--bf16 goes with the U-Nets; the other two are soon trained")
    folder = args.folder or Path("runs") / args.network
    module = import_module(f"engine.training.toybox.train_{args.network}")
    options = {"start_from": args.start_from}
    if args.network in UNETS:
        options["bf16"] = args.bf16
    module.train(folder, args.steps or STEPS[args.network], torch.device(args.device), args.seed, **options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
