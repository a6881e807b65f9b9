"""The picture book's training command, and scenes on the device that they are drawn on."""

import numpy as np
import pytest
import torch

from engine.networks.unet import GroupNorm32
from engine.training.picturebook.__main__ import main
from engine.training.picturebook.grounds import GROUNDS
from engine.training.picturebook.tables import Tables
from engine.training.picturebook.unets import FIRST, LAST, Walks, add_noise, in_bfloat16
from engine.training.picturebook.world import things


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Of drawings that show nothing."""
    path = tmp_path_factory.mktemp("tables") / "drawings.npz"
    rng, count = np.random.default_rng(0), len(things())
    sides = {"single": (64, 64), "half": (64, 32)}
    arrays = {name: rng.integers(0, 256, (count, *side, 4), dtype=np.uint8) for name, side in sides.items()}
    np.savez(path, names=list(things()), **arrays)
    return Tables(path)


def test_a_set_that_learned_nothing_does_not_replace_the_one_that_ships(capsys: pytest.CaptureFixture[str]) -> None:
    """`--tiny` is for looking whether it runs."""
    with pytest.raises(SystemExit):
        main(["all", "--tiny"])
    assert "--into" in capsys.readouterr().err


def test_walks_go_down_from_where_they_began(tables: Tables) -> None:
    """Their state is what a resumed run goes on from; all of it lies on the device of the tables."""
    rng, walks = np.random.default_rng(0), Walks(3, torch.device("cpu"))
    walks.begin(rng, tables)
    began = walks.state["t"].clone()
    assert ((began >= FIRST[1][0]) & (began <= FIRST[1][1])).all()
    while (walks.state["t"] >= LAST).all():
        before = walks.state["t"].clone()
        walks.advance(rng, tables.pictures(walks.scenes))
        assert (walks.state["t"] < before).all() and walks.state["x"].isfinite().all()


def test_noise_comes_from_the_random_source_alone(tables: Tables) -> None:
    """A card and a processor see the same batches."""
    scenes = tables.random(np.random.default_rng(1), 4)
    assert scenes.ground.max() < len(GROUNDS)
    first, second = (add_noise(np.random.default_rng(2), tables.pictures(scenes), FIRST) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_rounded_products_end_with_the_network_that_learned_with_them() -> None:
    """`make picturebook` trains all three in one process, and the upscaler needs exact ones."""
    before = torch.get_float32_matmul_precision(), GroupNorm32.forward
    with pytest.raises(KeyboardInterrupt), in_bfloat16(torch.device("cpu")):
        assert torch.get_float32_matmul_precision() == "medium"
        raise KeyboardInterrupt
    assert (torch.get_float32_matmul_precision(), GroupNorm32.forward) == before
