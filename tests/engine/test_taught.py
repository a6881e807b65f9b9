"""tests of engine.training.toybox.taught."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.networks.unet import UNet
from engine.training.toybox.taught import BINS, Taught, answers, guess_losses, names_right
from engine.training.toybox.train_unet import CONFIG, SEEN, scenes_of
from engine.training.toybox.world import OBJECTS, Scene

SMALL = replace(CONFIG, model_channels=32)
SCENE = Scene(object="star", colour="red", background="blue", size="", x=20.0, y=44.0, radius=15.0)


def test_the_head_changes_nothing_of_the_network() -> None:
    """It is thrown away: the committed weights must be those of a plain U-Net."""
    torch.manual_seed(0)
    taught = Taught(SMALL)
    torch.nn.init.normal_(taught.out[2].weight)
    plain = UNet(SMALL)
    plain.load_state_dict({key: value for key, value in taught.state_dict().items() if not key.startswith("head.")})
    x, t = torch.randn(2, 48, 16, 16), torch.tensor([10, 900])
    v, guesses = taught(x, t)
    assert torch.equal(v, plain(x, t))
    assert guesses.shape == (2, 16, sum(BINS))


def test_committed_weights_are_read_beside_a_fresh_head() -> None:
    """They have none; that of a run's own checkpoint is read, and any other key that is wrong is refused."""
    plain, taught = UNet(SMALL), Taught(SMALL)
    fresh = taught.head[1].weight.clone()
    taught.load_state_dict(plain.state_dict())
    assert torch.equal(taught.head[1].weight, fresh)
    assert torch.equal(taught.input_blocks[0][0].weight, plain.input_blocks[0][0].weight)
    other = Taught(SMALL)
    other.load_state_dict(taught.state_dict())
    assert torch.equal(other.head[1].weight, fresh)
    with pytest.raises(RuntimeError, match="out.2.weight"):
        taught.load_state_dict({key: value for key, value in plain.state_dict().items() if key != "out.2.weight"})


def test_the_way_to_the_centre_is_told_from_where_one_stands() -> None:
    """Right of the object its centre lies to the left: bins below the middle one."""
    rows = answers([SCENE], 8).view(8, 8, 6)
    assert rows[0, 0, :3].tolist() == [list(OBJECTS).index("star"), 0, 4]
    assert (rows[:, 2, 4] == 16).all()  # pixel 20 is the middle of the third column
    assert rows[0, 7, 4] < 16 < rows[0, 0, 4] and rows[7, 0, 5] < 16 < rows[0, 0, 5]


def test_every_scene_has_answers_within_the_bins() -> None:
    """One out of them would stop a training run of hours."""
    rows = answers(scenes_of(np.random.default_rng(0), 2000, SEEN), 8)
    assert (rows >= 0).all() and (rows.amax((0, 1)) < torch.tensor(BINS)).all()


def test_right_answers_cost_nothing_and_wrong_ones_much() -> None:
    """And the object that most positions believe in is the one that is named."""
    truth = answers([SCENE], 8)
    right = torch.cat(
        [20 * torch.nn.functional.one_hot(truth[..., k], count).float() for k, count in enumerate(BINS)], dim=2
    )
    assert guess_losses(right, [SCENE]).item() < 1e-4
    assert guess_losses(-right, [SCENE]).item() > 60
    assert names_right(right, [SCENE]).tolist() == [True]
    assert names_right(-right, [SCENE]).tolist() == [False]
