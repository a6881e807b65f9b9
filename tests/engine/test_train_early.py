"""tests of engine.training.toybox.train_early, and of the weights that it made."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.drawing.models import load_unet
from engine.model_sets.weights import load_model_set
from engine.training.toybox import train_early
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.taught import Taught
from engine.training.toybox.train_early import NOISIEST
from engine.training.toybox.train_unet import CONFIG, HELD_OUT, PATCH, SEEN, add_noise, losses_of, pictures, scenes_of

CPU = torch.device("cpu")


def test_it_learns_where_it_draws() -> None:
    """The set hands over to the other network at a timestep that this one was trained on."""
    early = load_model_set("toybox").early
    assert early is not None and early["patch"] == PATCH == Taught(CONFIG).patch
    assert NOISIEST[1][0] < early["from_timestep"]
    _, t = add_noise(np.random.default_rng(0), pictures(scenes_of(np.random.default_rng(0), 32, SEEN)), NOISIEST)
    assert NOISIEST[1][0] <= t.min() and t.max() <= 999


def test_the_committed_network_knows_scenes_it_never_saw() -> None:
    """A tenth of what it would cost to answer with the mean of all pictures."""
    described = load_model_set("toybox")
    model = Taught(CONFIG)
    model.load_state_dict(load_unet(described, CPU, table=described.early).state_dict())
    scenes = pictures(scenes_of(np.random.default_rng(1), 16, HELD_OUT))
    x, t = add_noise(np.random.default_rng(2), scenes, ((0, 1), (610, 900)))
    with torch.no_grad():
        losses, _, _ = losses_of(model, IdealDenoiser(held_out_too=True), x, t, "x0")
    assert losses.mean() < 0.03


def test_a_step_of_training_writes_weights_and_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a batch is made of, in small: wild colours, scenes, bent ones, and a drawing that is pulled."""
    for name, size in (("BATCH", 6), ("WILD", 2), ("BENT", 1), ("PULLED", 1)):
        monkeypatch.setattr(train_early, name, size)
    monkeypatch.setattr(train_early, "examine", lambda average, device, objective, bounds: {"seen": len(bounds)})
    train_early.train(tmp_path / "run", 1, CPU)
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert any(name.endswith(".safetensors") for name in written), written
