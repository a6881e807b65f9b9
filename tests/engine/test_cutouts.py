"""crops as matrix products against adaptive average pooling, crop by crop."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engine.diffusion.cutouts import Crops, cut, join_crops, random_crops, value_at


def pooled(pictures: Tensor, crops: Crops, side: int) -> Tensor:
    """The 2021 notebook's loop, one crop of one picture at a time."""

    def one(picture: Tensor, top: int, left: int, size: int) -> Tensor:
        return F.adaptive_avg_pool2d(picture[:, top : top + size, left : left + size], side)

    boxes = torch.stack([crops.top, crops.left, crops.size], dim=-1).tolist()
    return torch.stack(
        [torch.stack([one(picture, *box) for box in row]) for picture, row in zip(pictures, boxes, strict=True)]
    )


def some_crops(n: int, k: int, height: int, width: int, min_size: int = 1) -> Crops:
    uniform = torch.rand(n, k, 3, generator=torch.Generator().manual_seed(3))
    return random_crops(uniform, height, width, min_size, power=1.0)


@pytest.mark.parametrize(
    ("height", "width", "side"), [(64, 64, 32), (64, 64, 48), (40, 72, 16), (72, 40, 16), (17, 31, 7), (8, 8, 20)]
)
def test_cuts_equal_adaptive_average_pooling(height: int, width: int, side: int) -> None:
    """Same crops, same pixels: larger and smaller than the output, wide and tall pictures."""
    pictures = torch.randn(2, 3, height, width)
    crops = some_crops(2, 12, height, width)
    cuts = cut(pictures, crops, side)
    assert cuts.shape == (2, 12, 3, side, side)
    torch.testing.assert_close(cuts, pooled(pictures, crops, side), rtol=0, atol=1e-6)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 24), st.integers(0, 2**32 - 1))
def test_any_crop_to_any_side_equals_adaptive_average_pooling(height: int, width: int, side: int, seed: int) -> None:
    """Pooling windows overlap and repeat in odd ways when sides do not divide each other."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randn(1, 2, height, width, generator=generator)
    crops = random_crops(torch.rand(1, 2, 3, generator=generator), height, width, 1, 1.0)
    torch.testing.assert_close(cut(pictures, crops, side), pooled(pictures, crops, side), rtol=0, atol=2e-6)


def test_the_gradient_equals_that_of_adaptive_average_pooling() -> None:
    """The pull on the picture comes back through the crops."""
    pictures = torch.randn(2, 3, 24, 32, requires_grad=True)
    crops, weight = some_crops(2, 5, 24, 32), torch.randn(2, 5, 3, 16, 16)
    (ours,) = torch.autograd.grad((cut(pictures, crops, 16) * weight).sum(), pictures)
    (theirs,) = torch.autograd.grad((pooled(pictures, crops, 16) * weight).sum(), pictures)
    assert theirs.abs().sum() > 0
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_cuts_of_a_picture_in_a_batch_equal_its_cuts_alone() -> None:
    """Each picture has its own crops, whoever it shares the batch with."""
    pictures, crops = torch.randn(3, 3, 32, 32), some_crops(3, 4, 32, 32)
    together = cut(pictures, crops, 16)
    for k in range(3):
        torch.testing.assert_close(
            together[k : k + 1], cut(pictures[k : k + 1], crops[k : k + 1], 16), rtol=0, atol=1e-6
        )


def test_a_flat_picture_stays_flat() -> None:
    """Every row of weights sums to one, so brightness never depends on where a crop lies."""
    cuts = cut(torch.full((1, 3, 21, 33), 0.7), some_crops(1, 20, 21, 33), 9)
    torch.testing.assert_close(cuts, torch.full_like(cuts, 0.7))


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(1, 300),
    st.floats(0.1, 4),
    st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=8),
)
def test_crops_stay_inside_the_picture(
    height: int, width: int, min_size: int, power: float, uniform: list[tuple[float, ...]]
) -> None:
    """A crop over the edge would average fewer pixels than it says; U = 0 and U = 1 included."""
    crops = random_crops(torch.tensor([uniform]), height, width, min_size, power)
    largest = min(height, width)
    assert (crops.size >= min(min_size, largest)).all() and (crops.size <= largest).all()
    assert (crops.top >= 0).all() and (crops.top + crops.size <= height).all()
    assert (crops.left >= 0).all() and (crops.left + crops.size <= width).all()


def test_crop_sizes_follow_the_notebooks_formula() -> None:
    """size = U^power · (max − min) + min."""
    uniform = torch.tensor([[[0.0, 0, 0], [0.25, 0, 0], [1.0, 0, 0]]])
    assert random_crops(uniform, 64, 100, 16, 0.5).size.tolist() == [[16, 40, 64]]
    assert random_crops(uniform, 64, 100, 16, 1.0).size.tolist() == [[16, 28, 64]]


def test_wide_pictures_are_cut_over_their_whole_width() -> None:
    """The notebooks swapped x and y for pictures that are not square."""
    uniform = torch.tensor([[[0.0, 0.5, 0.999], [0.0, 0.999, 0.5]]])
    crops = random_crops(uniform, 20, 100, 10, 1.0)
    assert crops.left.tolist() == [[90, 45]] and crops.top.tolist() == [[5, 10]]


def test_an_overview_sees_as_much_as_a_crop_can() -> None:
    """Disco Diffusion's schedules begin with the whole picture and end with its parts."""
    crops = random_crops(torch.rand(1, 8, 3), 40, 56, 10, 12.0, overview=0.5, grey=0.5)
    assert crops.size[0, :4].tolist() == [40] * 4 and (crops.size[0, 4:] < 40).all()
    assert (crops.top + crops.size <= 40).all() and (crops.left + crops.size <= 56).all()
    assert crops.grey is not None and crops.grey[0].tolist() == [False] * 4 + [True] * 2 + [False] * 2


def test_a_grey_crop_has_no_colour_and_its_brightness() -> None:
    pictures = torch.rand(2, 3, 16, 16)
    plain, grey = (random_crops(torch.zeros(1, 2, 3), 16, 16, 8, 1.0, grey=share) for share in (0.0, 0.5))
    without, with_grey = cut(pictures, join_crops([plain, plain]), 8), cut(pictures, join_crops([plain, grey]), 8)
    assert torch.equal(without[0], with_grey[0]) and torch.equal(without[1, 1], with_grey[1, 1])
    expected = (without[1, 0] * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)
    torch.testing.assert_close(with_grey[1, 0], expected.expand(3, 8, 8))


def test_a_schedule_holds_each_number_up_to_its_percent() -> None:
    schedule = ((20.0, 5.0), (100.0, 1.0))
    assert [value_at(schedule, percent) for percent in (0, 19.9, 20, 100)] == [5.0, 5.0, 1.0, 1.0]
    assert value_at(0.5, 70.0) == 0.5
