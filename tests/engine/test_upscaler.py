"""tests of engine.networks.upscaler."""

import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.drawing.upscale import upscale_to_pixels
from engine.errors import CorruptWeights, MissingWeights
from engine.networks.imports import import_torchvision
from engine.networks.upscaler import load_upscaler, upscale
from engine.pictures.images import to_uint8
from tests.fakes.archives import SPRUNG, archive_with_code


class Smear:
    """An upscaler that sees exactly `reach` pixels far, and remembers the largest picture it was given."""

    def __init__(self, reach: int, scale: int = 4) -> None:
        self.reach, self.scale, self.largest = reach, scale, 0
        self.kernel = torch.rand(3, 3, 2 * reach + 1, 2 * reach + 1, generator=torch.Generator().manual_seed(0))

    def __call__(self, image: Tensor, /) -> Tensor:
        self.largest = max(self.largest, image.shape[-1] * image.shape[-2])
        blurred = F.conv2d(image, self.kernel / self.kernel.sum((1, 2, 3), keepdim=True), padding=self.reach)
        return F.interpolate(blurred, scale_factor=self.scale, mode="nearest")


def compact() -> nn.Module:
    import_torchvision()
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    return Compact(num_feat=8, num_conv=2, upscale=4)


def picture(h: int, w: int, n: int = 1) -> Tensor:
    return torch.rand(n, 3, h, w, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(("h", "w", "tile"), [(64, 64, 16), (50, 23, 20), (7, 40, 16), (16, 16, 64), (33, 1, 8)])
def test_tiles_leave_no_seams(h: int, w: int, tile: int) -> None:
    """With an overlap as wide as the network sees, tiling changes nothing, whatever the size."""
    x = picture(h, w, 2)
    whole = upscale(Smear(3), x, tile=max(h, w), overlap=0)
    tiled = upscale(Smear(3), x, tile=tile, overlap=3)
    assert tiled.shape == (2, 3, 4 * h, 4 * w)
    assert torch.allclose(tiled, whole, atol=1e-5)


def test_pixels_tile_by_tile_are_those_of_the_whole() -> None:
    """Only a tile is ever in floating point: a large result must not take five times its size."""
    x = picture(50, 23)
    whole = to_uint8(upscale(Smear(3), x, tile=64, overlap=0)[0])
    assert abs(upscale_to_pixels(Smear(3), x, tile=20, overlap=3).astype(int) - whole).max() <= 1


def test_too_little_overlap_shows() -> None:
    """The test above would be worth nothing if the fake did not look beyond its tile."""
    x = picture(64, 64)
    whole = upscale(Smear(3), x, tile=64, overlap=0)
    assert (upscale(Smear(3), x, tile=16, overlap=1) - whole).abs().max() > 2 / 255


def test_memory_does_not_grow_with_the_picture() -> None:
    """A large picture is made of calls of one size."""
    model = Smear(3)
    upscale(model, picture(100, 200), tile=16, overlap=3)
    assert model.largest == 22 * 22


def test_the_result_stays_in_the_range_of_pictures() -> None:
    """Networks overshoot at edges; outside it is −1 … 1, inside 0 … 1."""

    class Overshooting:
        scale = 2

        def __call__(self, image: Tensor, /) -> Tensor:
            assert image.min() >= 0 and image.max() <= 1
            return F.interpolate(image, scale_factor=2.0) * 3 - 1

    x = upscale(Overshooting(), picture(8, 8), tile=4, overlap=1)
    assert x.min() == -1 and x.max() == 1


def test_half_precision_files_are_read_and_run_in_float32(tmp_path: Path) -> None:
    """Weights are committed in half precision; half-precision arithmetic on a CPU is slow and coarse."""
    model = compact()
    save_file({name: value.half() for name, value in model.state_dict().items()}, tmp_path / "x4.safetensors")
    loaded = load_upscaler(tmp_path / "x4.safetensors")
    assert loaded.scale == 4
    assert {p.dtype for p in loaded.model.parameters()} == {torch.float32}
    x = picture(12, 12)
    with torch.no_grad():
        expected = model((x + 1) / 2).clamp(0, 1) * 2 - 1
    assert (upscale(loaded, x, tile=5, overlap=4) - expected).abs().max() < 2e-3


def test_pickled_weights_are_read(tmp_path: Path) -> None:
    """Most upscalers that people have are .pth files."""
    torch.save({"params": compact().state_dict()}, tmp_path / "x4.pth")
    assert load_upscaler(tmp_path / "x4.pth").scale == 4


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_cannot_run_code(tmp_path: Path) -> None:
    """A weights file of a stranger is input like any other."""
    torch.save({"params": Trap(tmp_path / "sprung")}, tmp_path / "x4.pth")
    with pytest.raises(CorruptWeights, match="x4.pth"):
        load_upscaler(tmp_path / "x4.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.ckpt", "a.bin"])
def test_an_archive_of_torchscript_cannot_run_code(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """torch.jit.load runs an archive's __setstate__, and torch.load and spandrel hand such archives to it."""
    archive_with_code(tmp_path / name)
    with pytest.raises(CorruptWeights, match=name):
        load_upscaler(tmp_path / name)
    assert SPRUNG not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "a.zip"])
@pytest.mark.parametrize("content", [b"", b"not weights at all"])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    """Each library has its own exceptions; none of them means anything to a user."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptWeights, match=name) as caught:
        load_upscaler(tmp_path / name)
    assert caught.value.path == tmp_path / name


def test_a_cut_file_is_one_clear_error(tmp_path: Path) -> None:
    """A download may stop half-way."""
    for name, save in [("a.safetensors", save_file), ("a.pth", torch.save)]:
        save(compact().state_dict(), tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(CorruptWeights):
            load_upscaler(tmp_path / name)


def test_another_network_is_refused(tmp_path: Path) -> None:
    """Valid weights need not be an upscaler's."""
    save_file({"weight": torch.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(CorruptWeights, match="upscaler"):
        load_upscaler(tmp_path / "a.safetensors")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Missing and damaged want different help."""
    with pytest.raises(MissingWeights, match="none.pth"):
        load_upscaler(tmp_path / "none.pth")
