"""noise comes from (seed, picture, stream, step) alone."""

import torch

from engine.diffusion.noise import Stream, gaussian, per_picture, perlin, uniform


def test_the_same_name_gives_the_same_numbers() -> None:
    """Or a resumed drawing would not end on the same pixels."""
    assert torch.equal(gaussian(7, 0, Stream.STEP, 3, (4, 5)), gaussian(7, 0, Stream.STEP, 3, (4, 5)))
    assert torch.equal(uniform(7, 0, Stream.CUTS, 3, (9,)), uniform(7, 0, Stream.CUTS, 3, (9,)))


def test_each_part_of_the_name_matters() -> None:
    """Equal noise in two places would show as a pattern."""
    names = [
        (7, 0, Stream.START, 3),
        (8, 0, Stream.START, 3),
        (7, 1, Stream.START, 3),
        (7, 0, Stream.STEP, 3),
        (7, 0, Stream.START, 4),
    ]
    drawn = [gaussian(*name, (16,)) for name in names]
    assert all(not torch.equal(a, b) for k, a in enumerate(drawn) for b in drawn[:k])


def test_what_a_seed_means_never_changes() -> None:
    """Pinned numbers: a picture's seed must draw it again in the next version too."""
    assert torch.allclose(gaussian(0, 0, Stream.START, 0, (3,)), torch.tensor(PINNED_NORMAL), atol=0, rtol=0)
    assert uniform(0, 0, Stream.CUTS, 0, (2,)).tolist() == PINNED_UNIFORM


def test_normal_numbers_are_normal() -> None:
    drawn = gaussian(1, 0, Stream.STEP, 0, (100_000,))
    assert drawn.dtype == torch.float32
    assert abs(drawn.mean()) < 0.02 and abs(drawn.std() - 1) < 0.02


def test_picture_k_of_a_batch_has_the_noise_of_picture_k_alone() -> None:
    batch = per_picture([(5, 0), (6, 0)], Stream.STEP, 2, (3, 4, 4))
    assert torch.equal(batch[1], gaussian(6, 0, Stream.STEP, 2, (3, 4, 4)))


PINNED_NORMAL = [-0.24822916090488434, -0.02676701545715332, -1.9444162845611572]
PINNED_UNIFORM = [0.596164105912589, 0.3250514063866272]


def test_perlin_noise_is_soft_and_as_strong_as_white_noise() -> None:
    """Neighbours are alike, and a drawing that starts with it finds the variance it expects."""
    blots = perlin(7, 0, 64, 96)
    assert blots.shape == (3, 64, 96) and blots.dtype == torch.float32
    assert abs(float(blots.mean())) < 1e-4 and abs(float(blots.var()) - 1) < 1e-3
    assert float((blots[..., 1:] - blots[..., :-1]).pow(2).mean()) < 0.05  # 2 in white noise


def test_perlin_noise_has_a_seed_and_a_picture() -> None:
    assert torch.equal(perlin(7, 0, 16, 16), perlin(7, 0, 16, 16))
    assert not torch.equal(perlin(7, 0, 16, 16), perlin(8, 0, 16, 16))
    assert not torch.equal(perlin(7, 0, 16, 16), perlin(7, 1, 16, 16))


def test_perlin_noise_has_no_seams_between_its_cells() -> None:
    """Each cell meets the next one at the same value."""
    blots = perlin(3, 0, 64, 64, octaves=1)
    steps = (blots[..., 1:] - blots[..., :-1]).abs()
    assert float(steps[..., 31].max()) <= float(steps.max()) and float(steps[..., 31].max()) < 0.3
