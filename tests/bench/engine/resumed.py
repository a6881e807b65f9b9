"""The picture book's trainings, killed with kill -9 and resumed, against such as were left alone: the same weights.

Tiny ones: some steps of four pictures or texts, with a checkpoint after each. It wants the drawings (`make drawings`).
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine.model_sets.weights import FOLDER
from engine.training.picturebook.world import DRAWINGS_FILE
from tests.bench.engine.report import Figure

NETWORKS, STEPS, KILLS = ("unet", "text", "upscaler"), 12, 2
PATIENCE = 600  # seconds for a checkpoint


def measure() -> Iterator[Figure]:
    """Of each network: how often it was killed, and whether its weights are the same bytes."""
    for network in NETWORKS:
        with tempfile.TemporaryDirectory() as temporary:
            straight, killed = Path(temporary, "straight"), Path(temporary, "killed")
            for runs in (straight, killed):
                (runs / "text").mkdir(parents=True)
                shutil.copy(FOLDER / "picturebook" / "linear.safetensors", runs)
                shutil.copy(FOLDER / "picturebook" / "vocabulary.txt.gz", runs / "text")
            _train(network, straight).wait()
            for number in range(1, KILLS + 1):
                _kill(_train(network, killed), killed / network, number * STEPS // (KILLS + 1))
            _train(network, killed).wait()
            same = [_weights(runs, network) for runs in (straight, killed)]
        yield Figure(
            name=f"training of the {network}, killed with kill -9: the same weights",
            value=f"{'yes' if same[0] == same[1] else 'no'}, {KILLS} kills in {STEPS} steps",
            bar="the same",
            met=same[0] == same[1],
        )


def _train(network: str, runs: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "engine.training.picturebook", "train", network, "--threads", "1", "--batch", "4"]
    command += ["--steps", str(STEPS), "--save-every", "0", "--runs", str(runs), "--drawings", str(DRAWINGS_FILE)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _kill(running: "subprocess.Popen[bytes]", folder: Path, checkpoints: int) -> None:
    """After so many checkpoints that were written, at a random instant."""
    end, seen = time.monotonic() + PATIENCE, set[int]()
    while len(seen) < checkpoints:
        if running.poll() is not None or time.monotonic() > end:
            running.kill()
            raise RuntimeError(f"{folder.name} came to its end before it was killed")
        if (path := folder / "checkpoint.pt").exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.02)
    time.sleep(random.random() / 5)
    running.kill()
    running.wait()


def _weights(runs: Path, network: str) -> bytes:
    return (runs / network / "model.safetensors").read_bytes()
