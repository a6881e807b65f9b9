"""tests of engine.training.toybox.train_unet."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.drawing.models import load_unet
from engine.model_sets.weights import load_model_set
from engine.training.toybox.bent import Bent
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.pack import pack
from engine.training.toybox.taught import Taught
from engine.training.toybox.train_unet import (
    BENT,
    CONFIG,
    EVEN,
    FIRST,
    HELD_OUT,
    LAST,
    LATE,
    OFTEN,
    PATCH,
    SEEN,
    STRIDES,
    WILD,
    add_noise,
    batch_of,
    begin_walks,
    losses_of,
    pictures,
    scenes_of,
    weights_of,
)
from engine.training.toybox.walks import Walks
from engine.training.toybox.world import COMBINATIONS, HARD, OBJECTS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ideal() -> IdealDenoiser:
    return IdealDenoiser()


def test_nothing_that_is_held_out_is_seen() -> None:
    """The figures would be worth nothing."""
    assert not set(SEEN) & set(HELD_OUT)
    assert set(SEEN) | set(HELD_OUT) == set(COMBINATIONS)
    assert 0.08 < len(HELD_OUT) / len(COMBINATIONS) < 0.12


def test_timesteps_lie_where_they_are_told() -> None:
    """It learns a little further up than it draws."""
    empty, early = torch.zeros(64, 3, 2, 2), load_model_set("toybox").early
    late, even = (add_noise(np.random.default_rng(0), empty, spread)[1] for spread in (LATE, EVEN))
    assert late.float().mean() < even.float().mean() and late.min() >= 0 and even.max() <= 999
    assert early is not None and early["from_timestep"] <= late.max() < LATE[1][-1]


def test_a_batch_is_scenes_and_bent_ones_and_walks(ideal: IdealDenoiser) -> None:
    """Walks that ended begin anew, so that a batch always has its size."""
    rng, walks = np.random.default_rng(0), Walks(3, LAST, STRIDES)
    pulls = torch.zeros(1, 3, 64, 64), torch.tensor([700])
    x, t, told = batch_of(rng, scenes_of(rng, 5, SEEN), Bent(ideal), walks, pulls)
    count = WILD + 5 + BENT + 3
    assert x.shape == (count, 3, 64, 64) and t.shape == (count,) and told.shape == (WILD, 3, 64, 64)
    assert torch.equal(x[-3:], walks.x) and (t[-3:] >= FIRST[1][0]).all() and not walks.missing


def test_many_walks_begin_where_a_pull_has_ended(ideal: IdealDenoiser) -> None:
    """The others with bent scenes, in no order."""
    walks, pulls = Walks(60, LAST, STRIDES), (torch.full((2, 3, 64, 64), 7.0), torch.tensor([700, 701]))
    begin_walks(np.random.default_rng(0), Bent(ideal), walks, pulls)
    taken = (walks.x == 7).all((1, 2, 3))
    assert 15 < taken.sum() < 33 and not taken[:30].all() and not taken[30:].all()
    assert set(walks.t[taken].tolist()) == {700, 701} and not walks.missing


def test_hard_objects_come_twice_as_often() -> None:
    """And nothing that is held out comes with them."""
    counts = {name: sum(c[0] == name for c in OFTEN) / sum(c[0] == name for c in SEEN) for name in OBJECTS}
    assert counts == {name: 2 if name in HARD else 1 for name in OBJECTS} and set(OFTEN) == set(SEEN)


@pytest.mark.parametrize("objective", ["v", "x0"])
def test_losses_are_against_the_best_answer(ideal: IdealDenoiser, objective: str) -> None:
    """A network that answers nothing is as wrong, in v, as what it should have said is large."""
    model = Taught(CONFIG)
    torch.nn.init.zeros_(model.out[-1].weight)
    torch.nn.init.zeros_(model.out[-1].bias)
    x, t = add_noise(np.random.default_rng(0), pictures(scenes_of(np.random.default_rng(0), 2, SEEN)))
    losses, x0, guesses = losses_of(model, ideal, x, t, objective)
    level = ideal.levels[t][:, None, None, None]
    missed = (level.sqrt() * x * (objective == "v") - ideal(x, t)) / (1 - level).sqrt()
    assert torch.allclose(losses, missed.square().mean((1, 2, 3)), rtol=1e-3)
    assert torch.allclose(x0, level.sqrt() * x if objective == "v" else torch.zeros_like(x))
    assert x0.shape == x.shape and guesses.shape[:2] == (2, 16)
    told, _, _ = losses_of(model, ideal, x, t, objective, x0[:1])
    assert told[0] < 1e-6 and torch.allclose(told[1], losses[1], rtol=1e-3)


def test_an_error_weighs_no_more_than_it_may(ideal: IdealDenoiser) -> None:
    """As an error of v under heavy noise; of x0, four times at most, where there is hardly any."""
    t = torch.tensor([5, 990])
    weights = weights_of(ideal, t, 4.0)
    assert torch.allclose(weights / (1 - ideal.levels[t]), torch.tensor([4.0, 1.0]), rtol=1e-2)


def test_the_committed_network_finishes_scenes_it_never_saw() -> None:
    """Where it takes over nearly nothing is left to guess."""
    described = load_model_set("toybox")
    model, first = Taught(CONFIG), described.early["from_timestep"] if described.early else 0
    assert described.unet["objective"] == "x0" and described.unet["patch"] == PATCH == model.patch
    model.load_state_dict(load_unet(described, CPU).state_dict())
    scenes = pictures(scenes_of(np.random.default_rng(1), 16, HELD_OUT))
    x, t = add_noise(np.random.default_rng(2), scenes, ((0, 1), (first - 200, first)))
    with torch.no_grad():
        _, x0, _ = losses_of(model, IdealDenoiser(held_out_too=True), x, t, "x0")
    assert (x0 - scenes).square().mean() < 0.02


def test_packing_leaves_the_head_behind(tmp_path: Path, monkeypatch: object) -> None:
    """The engine loads strictly: a key too many and nobody can draw."""
    from safetensors.torch import load_file, save_file

    from engine.training.toybox import pack as module

    monkeypatch.setattr(module, "SET", tmp_path / "toybox")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    (tmp_path / "toybox.toml").write_text('file = "unet.safetensors"\nbytes = 1\nsha256 = ""\n')
    (tmp_path / "run").mkdir()
    save_file({"out.2.weight": torch.ones(2), "head.1.weight": torch.ones(3)}, tmp_path / "run" / "model.safetensors")
    pack("unet", tmp_path / "run")
    assert list(load_file(tmp_path / "toybox" / "unet.safetensors")) == ["out.2.weight"]
    assert "bytes = 1\n" not in (tmp_path / "toybox.toml").read_text()
    save_file({"out.2.weight": torch.zeros(2)}, tmp_path / "before.safetensors")
    pack("unet", tmp_path / "run", tmp_path / "before.safetensors")
    assert load_file(tmp_path / "toybox" / "unet.safetensors")["out.2.weight"].tolist() == [0.25, 0.25]
