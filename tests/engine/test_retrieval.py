"""The table of small pictures: its mean is that of all scenes, counted one by one."""

import itertools
import math

import pytest
import torch
from safetensors.torch import save_file

from engine.diffusion.retrieval import PAIRS, Pictures, SceneTable, load_pictures

THINGS, SIDE = 4, 8


def pictures() -> Pictures:
    """Four blots that leave a frame of one pixel free, on two plain grounds and one that is not."""
    source = torch.Generator().manual_seed(3)

    def blot(width: int) -> tuple[torch.Tensor, torch.Tensor]:
        cover = torch.zeros(THINGS, 1, SIDE, width)
        cover[..., 1:-1, 1:-1] = torch.rand(THINGS, 1, SIDE - 2, width - 2, generator=source)
        return cover * (2 * torch.rand(THINGS, 3, SIDE, width, generator=source) - 1), 1 - cover

    (drawn, clear), (half, clear_half) = blot(SIDE), blot(SIDE // 2)
    grounds = torch.rand(3, 3, SIDE, SIDE, generator=source) * 2 - 1
    grounds[:2] = grounds[:2, :, :1, :1]
    return Pictures(drawn=drawn, clear=clear, half=half, clear_half=clear_half, grounds=grounds)


def every_scene(table: Pictures, known: torch.Tensor, paired: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    """(prior, picture) of each."""
    found = []
    for ground in range(3):
        below = table.grounds[ground]
        for one in range(THINGS):
            if known[one, ground]:
                found.append((0.65 / int(known.sum()), table.drawn[one] + table.clear[one] * below))
        for left, right in itertools.product(range(THINGS), repeat=2):
            if paired[left, right]:
                drawn = torch.cat([table.half[left], table.half[right]], dim=2)
                clear = torch.cat([table.clear_half[left], table.clear_half[right]], dim=2)
                found.append((PAIRS / (int(paired.sum()) * 3), drawn + clear * below))
    return found


@pytest.mark.parametrize("t", [500, 850, 970])
def test_the_mean_is_that_of_all_scenes(t: int) -> None:
    """Grounds that are left out and halves that are told apart must not change the answer."""
    known, paired = torch.ones(THINGS, 3, dtype=torch.bool), ~torch.eye(THINGS, dtype=torch.bool)
    known[1, 2] = paired[0, 3] = paired[3, 0] = False
    table, scenes = SceneTable(pictures(), known, paired), every_scene(pictures(), known, paired)
    level = float(table.levels[t])
    x = math.sqrt(level) * scenes[5][1] + math.sqrt(1 - level) * torch.randn(
        3, SIDE, SIDE, generator=torch.Generator().manual_seed(t)
    )
    logs = torch.tensor(
        [math.log(p) - float((x - math.sqrt(level) * s).square().sum()) / (2 * (1 - level)) for p, s in scenes]
    )
    expected = sum(weight * scene for weight, (_, scene) in zip(logs.softmax(0), scenes, strict=True))
    assert torch.allclose(table(x[None], torch.tensor([t]))[0], expected, atol=2e-3)


def test_it_shows_what_is_seen_at_twice_the_side() -> None:
    """The U-Net's picture is larger than the table's; a mean of four pixels has a quarter of the noise."""
    small = pictures()
    table = SceneTable(small)
    scene = small.half[2] + small.clear_half[2] * small.grounds[2][:, :, :4]
    scene = torch.cat([scene, small.half[1] + small.clear_half[1] * small.grounds[2][:, :, 4:]], dim=2)
    x = torch.nn.functional.interpolate(scene[None], scale_factor=2) * float(table.levels[100]) ** 0.5
    assert torch.allclose(table(x, torch.tensor([100]))[0], scene, atol=1e-2)


@pytest.mark.parametrize("size", [(16, 16), (16, 24), (32, 16), (4, 8)])
def test_pictures_of_any_size_are_shown_something(size: tuple[int, int]) -> None:
    """A picture that isn't square gets the middle of it, and the edges repeated."""
    positions = (size[0] // 4, size[1] // 4)
    found = SceneTable(pictures()).beside(torch.randn(2, 3, *size), torch.tensor([300, 900]), positions)
    assert found.shape == (2, 48, *positions) and bool(torch.isfinite(found).all())


def test_a_gradient_comes_back_through_it() -> None:
    """The pull goes by it where nothing is decided yet."""
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
    SceneTable(pictures()).beside(x, torch.tensor([950]), (4, 4)).square().sum().backward()
    assert x.grad is not None and float(x.grad.abs().max()) > 0


def test_a_file_of_bytes_is_read_as_premultiplied_colours(tmp_path) -> None:
    """The table is kept in bytes, a quarter of half precision's room for four channels."""
    rgba = torch.zeros(1, 4, 8, 8, dtype=torch.uint8)
    rgba[:, 0], rgba[:, 3] = 128, 128  # pure red, half covered
    path = tmp_path / "table.safetensors"
    save_file({"single": rgba, "half": rgba[..., :4].clone(), "grounds": rgba[:, :3].clone()}, path)
    table = load_pictures(path)
    over_black = table.drawn + table.clear * -1
    assert float(over_black[0, 0, 0, 0]) == pytest.approx(2 * 128 / 255 - 1, abs=1e-6)
    assert float(over_black[0, 1, 0, 0]) == pytest.approx(-1, abs=1e-6)
