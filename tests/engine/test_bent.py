"""tests of engine.training.toybox.bent."""

import numpy as np
import pytest
import torch

from engine.training.toybox.bent import Bent, blotch
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.world import COLOURS, COMBINATIONS, OBJECTS, held_out

PALETTE = {name: torch.tensor(rgb) / 127.5 - 1 for name, rgb in COLOURS.items()}


@pytest.fixture(scope="module")
def ideal() -> IdealDenoiser:
    return IdealDenoiser()


def test_they_are_no_scenes_but_lie_near_one(ideal: IdealDenoiser) -> None:
    """Else there would be nothing to straighten, or nothing to straighten it to."""
    drawn = Bent(ideal)(np.random.default_rng(0), 64)
    assert drawn.shape == (64, 3, 64, 64) and drawn.abs().max() < 1.3
    away = (ideal(drawn, torch.full((64,), 100)) - drawn).square().mean((1, 2, 3)).sqrt()
    assert (away > 0.02).all() and 0.05 < away.median() < 0.3


def test_no_held_out_combination_is_drawn(ideal: IdealDenoiser) -> None:
    """With a shape that goes before the other one, and is left as it is, the picture has one of its allowed pairs."""
    bent, seen = Bent(ideal), {c for c in COMBINATIONS if not held_out(*c)}
    assert sum(map(len, bent.pairs)) == len(seen) * len(bent.pairs) / 16


def test_wild_ones_have_colours_of_their_own(ideal: IdealDenoiser) -> None:
    """Told both, the best answer is a whole shape in them, and no held-out combination, as near as colours come."""
    bent, t = Bent(ideal), torch.full((64,), 300)
    drawn, ink, paper = bent.wild(np.random.default_rng(0), 64)
    assert drawn.abs().max() <= 1 and ((drawn[:, :, 0, 0] - paper).abs().amax(1) < 0.2).float().mean() > 0.75
    found = ideal.of_colours(drawn, t, ink, paper)
    assert (found - drawn).square().mean((1, 2, 3)).sqrt().median() < 0.2
    palette = torch.stack(list(PALETTE.values()))
    near = [[list(COLOURS)[k] for k in torch.cdist(colours, palette).argmin(1)] for colours in (ink, paper)]
    assert (torch.cdist(ink, palette).amin(1) > 0.2).float().mean() > 0.5
    known = ideal.knows(ink, paper).view(64, len(OBJECTS), -1)[..., 0]
    assert known.tolist() == [[not held_out(name, *pair) for name in OBJECTS] for pair in zip(*near, strict=True)]


def test_blotches_leave_most_of_a_picture_as_it_is() -> None:
    """Some have another colour in places, the others one colour all over."""
    palette = torch.stack(list(PALETTE.values()))
    drawn = blotch(np.random.default_rng(0), palette[:1].expand(200, 3), palette, 0.5, 1.0)
    away = (drawn - palette[0][:, None, None]).square().sum(1).sqrt()
    assert drawn.shape == (200, 3, 64, 64) and 80 < (away.amax((1, 2)) > 0.1).sum() < 110
    assert (away.flatten(1).median(1).values < 0.2).float().mean() > 0.8


def test_the_same_numbers_draw_the_same(ideal: IdealDenoiser) -> None:
    bent = Bent(ideal)
    first, again, other = (bent(np.random.default_rng(seed), 4) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_none_are_none(ideal: IdealDenoiser) -> None:
    """Where no walk has ended, none has to begin."""
    assert Bent(ideal)(np.random.default_rng(0), 0).shape == (0, 3, 64, 64)
