"""tests of engine.training.toybox.train_upscaler, and of the weights that it made."""

import numpy as np
import torch
import torch.nn.functional as F

from engine.model_sets.weights import load_model_set
from engine.networks.upscaler import load_upscaler, upscale
from engine.training.toybox.train_upscaler import CROP, SCALE, crops, degrade, held_out_pairs, psnr, tint


def test_small_and_large_crops_show_the_same_spot() -> None:
    """A pair that is shifted teaches the network to shift."""
    small, large = crops(np.random.default_rng(0), 4)
    assert small.shape == (4, 3, CROP, CROP) and large.shape == (4, 3, CROP * SCALE, CROP * SCALE)
    assert (small - F.avg_pool2d(large, SCALE)).abs().mean() < 0.03


def test_batches_come_from_the_random_source_alone() -> None:
    """A resumed run sees the batches that it would have seen."""
    first, second = (crops(np.random.default_rng(5), 2) for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_flaws_are_slight() -> None:
    """An upscaler that is taught to repair much begins to invent."""
    flat = torch.full((32, 3, 64, 64), 0.5)
    spread = degrade(np.random.default_rng(0), flat).std((1, 2, 3))
    assert 0 < spread.min() and spread.max() < 0.03


def test_both_pictures_of_a_pair_are_tinted_alike() -> None:
    """A little blue too much, and a network that knew only the palette drew yellow grain; some stay as they were."""
    grey = torch.full((64, 3, 4, 4), 0.5)
    small, large = tint(np.random.default_rng(0), grey, torch.full((64, 3, 16, 16), 0.5))
    assert torch.allclose(small.mean((2, 3)), large.mean((2, 3))) and 0 <= small.min() and small.max() <= 1
    assert 16 < int((small != grey).any(1).any(1).any(1).sum()) < 48


def test_psnr_of_a_known_error() -> None:
    """An error of a tenth everywhere is 20 dB."""
    assert abs(psnr(torch.full((2, 3, 4, 4), 0.6), torch.full((2, 3, 4, 4), 0.5)) - 20) < 1e-3


def test_the_committed_upscaler_beats_bicubic_on_held_out_scenes() -> None:
    """35.1 against 31.8 dB over 64 scenes when it was trained; 3 less would mean other weights."""
    models = load_model_set("toybox")
    assert models.upscaler is not None
    small, large = held_out_pairs(8)
    drawn = upscale(load_upscaler(models.file(models.upscaler).path), small * 2 - 1, tile=64, overlap=0)
    bicubic = F.interpolate(small, scale_factor=SCALE, mode="bicubic")
    assert psnr((drawn + 1) / 2, large) > psnr(bicubic, large) + 2.5
