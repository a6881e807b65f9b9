"""nothing is used whose size and hash are not the described ones."""

import dataclasses
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.drawing.models import build_models, load_unet
from engine.errors import BadRequest, CorruptWeights, MissingWeights
from engine.model_sets.weights import (
    ModelSet,
    WeightsFile,
    load_model_set,
    model_set_names,
    read_model_set,
    verify,
)


def described(path: Path) -> WeightsFile:
    content = path.read_bytes()
    return WeightsFile(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def weights(tmp_path: Path) -> WeightsFile:
    path = tmp_path / "net.safetensors"
    path.write_bytes(bytes(range(256)) * 40)
    return described(path)


def copied_set(tmp_path: Path, **unet: object) -> ModelSet:
    """The toybox in another folder, with its files linked and its U-Net table changed."""
    toybox = load_model_set("toybox")
    for file in toybox.folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    return dataclasses.replace(toybox, folder=tmp_path, unet={**toybox.unet, **unet})


def test_a_whole_file_is_accepted(weights: WeightsFile) -> None:
    assert verify(weights) == weights.path


def test_a_missing_file_says_so(weights: WeightsFile) -> None:
    weights.path.unlink()
    with pytest.raises(MissingWeights, match="net.safetensors is not there"):
        verify(weights)


def test_a_truncated_file_is_never_used(weights: WeightsFile) -> None:
    """Elsewhere a truncated download once drew on random weights."""
    weights.path.write_bytes(weights.path.read_bytes()[:-1])
    with pytest.raises(CorruptWeights, match="has 10239 bytes in place of 10240"):
        verify(weights)


def test_one_flipped_bit_is_seen(weights: WeightsFile) -> None:
    content = bytearray(weights.path.read_bytes())
    content[5000] ^= 1
    weights.path.write_bytes(content)
    with pytest.raises(CorruptWeights, match="wrong SHA-256"):
        verify(weights)


def test_the_toybox_is_whole_and_small() -> None:
    """Its weights are committed: at most 24 MB together."""
    files = load_model_set("toybox").files()
    for file in files:
        verify(file)
    assert sum(file.bytes for file in files) <= 24_000_000


def test_an_unknown_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="There is no model set “toybx”: choose from .*toybox"):
        load_model_set("toybx")
    assert "toybox" in model_set_names()


@pytest.mark.parametrize("change", ["key lost", "key added", "other shape"])
def test_weights_of_another_network_are_refused(tmp_path: Path, change: str) -> None:
    """Loading is strict: `strict=False` hides wrong weights."""
    toybox = load_model_set("toybox")
    tensors = load_file(toybox.folder / toybox.unet["file"])
    if change == "key lost":
        del tensors["out.2.bias"]
    elif change == "key added":
        tensors["out.3.bias"] = torch.zeros(3)
    else:
        tensors["out.2.bias"] = torch.zeros(5)
    save_file(tensors, tmp_path / "other.safetensors")
    file = described(tmp_path / "other.safetensors")
    changed = copied_set(tmp_path, file=file.path.name, bytes=file.bytes, sha256=file.sha256)
    with pytest.raises(CorruptWeights, match="does not hold the U-Net"):
        load_unet(changed, torch.device("cpu"))


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.safetensors").write_bytes(b"\xff" * 64)
    file = described(tmp_path / "junk.safetensors")
    with pytest.raises(CorruptWeights, match="does not hold the U-Net"):
        load_unet(copied_set(tmp_path, file=file.path.name, bytes=64, sha256=file.sha256), torch.device("cpu"))


def test_a_set_is_built_from_any_folder(tmp_path: Path) -> None:
    models = build_models(copied_set(tmp_path), torch.device("cpu"))
    assert len(models.clips) == 1 and models.upscaler is not None


def test_a_set_may_be_like_one_of_ours(tmp_path: Path) -> None:
    """Twelve sets share networks and defaults; what is said of the weights themselves is never taken over."""
    (tmp_path / "mine.toml").write_text('like = "pixelart"\ntitle = "mine"\n[defaults]\ncuts = 3\n')
    mine, ours = read_model_set(tmp_path / "mine.toml"), load_model_set("pixelart")
    assert mine.unet == ours.unet and mine.clips == ours.clips and mine.licence == mine.credit == ""
    assert replace(mine.defaults, cuts=16) == ours.defaults and mine.defaults.cuts == 3
    (tmp_path / "mine.toml").write_text('like = "../mine"\n')
    with pytest.raises(BadRequest, match="only be like one that comes with Imago"):
        read_model_set(tmp_path / "mine.toml")


def test_a_description_may_begin_with_a_mark(tmp_path: Path) -> None:
    """Notepad writes one; it was no TOML."""
    (tmp_path / "mine.toml").write_bytes(b'\xef\xbb\xbflike = "pixelart"\r\ntitle = "mine"\r\n')
    assert read_model_set(tmp_path / "mine.toml").unet == load_model_set("pixelart").unet


@pytest.mark.parametrize("schedule", ["[]", "[[50, 1.0]]", "[[60, 1.0], [50, 2.0], [100, 0.0]]", '[[100, "many"]]'])
def test_a_schedule_of_cuts_reaches_the_end(tmp_path: Path, schedule: str) -> None:
    """What holds after its last percent would be nobody's decision."""
    (tmp_path / "mine.toml").write_text(f'like = "pixelart"\ntitle = "mine"\n[defaults]\noverview = {schedule}\n')
    with pytest.raises(BadRequest, match="overview is a number or pairs"):
        read_model_set(tmp_path / "mine.toml")
