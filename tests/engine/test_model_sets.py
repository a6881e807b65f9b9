"""the sets that come with Imago: what they name fits the networks they describe."""

import json
from importlib import resources

import pytest
import torch

from engine.model_sets.weights import ModelSet, load_model_set, model_set_names
from engine.networks.imports import import_open_clip
from engine.networks.unet import UNet, UNetConfig

PUBLISHED = [name for name in model_set_names() if name.startswith("imagenet")]


def unet(described: ModelSet) -> UNet:
    shape = {key: tuple(value) if isinstance(value, list) else value for key, value in described.unet["shape"].items()}
    with torch.device("meta"):
        return UNet(UNetConfig(**shape))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("imagenet256", 552_814_086), ("imagenet256-secondary", 552_814_086), ("imagenet512", 557_973_638)],
)
def test_a_described_unet_is_the_published_one(name: str, parameters: int) -> None:
    """The numbers are those of the published configurations; test_unet.py compares them with the oracle."""
    described = load_model_set(name)
    assert sum(value.numel() for value in unet(described).state_dict().values()) == parameters
    assert described.files()[0].bytes == pytest.approx(4 * parameters, rel=0.01)  # published in float32


@pytest.mark.parametrize("name", PUBLISHED)
def test_openais_clips_have_their_own_activation(name: str) -> None:
    """The plain names run another one, and only warn."""
    import_open_clip()
    for table in load_model_set(name).clips:
        assert table["model"].endswith("-quickgelu")
        assert table["sha256"] in table["urls"][0], "OpenAI's address holds the hash"
        config = resources.files("open_clip").joinpath(f"model_configs/{table['model']}.json")
        assert json.loads(config.read_text())["quick_gelu"] is True


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_file_can_be_fetched_over_https(name: str) -> None:
    for file in load_model_set(name).files():
        assert file.urls and all(url.startswith("https://") for url in file.urls)


def test_the_notebooks_defaults_are_kept() -> None:
    found = load_model_set("imagenet256").defaults
    assert (found.steps, found.sampler, found.cuts, found.cut_power) == (1000, "ddpm", 16, 1.0)
    assert (found.guidance_scale, found.tv_scale, found.range_scale) == (1000.0, 150.0, 50.0)
    finer = load_model_set("imagenet512").defaults
    assert (finer.cuts, finer.cut_power) == (32, 0.5)


def test_files_that_sets_share_are_kept_once() -> None:
    shared = set.intersection(*({file.path for file in load_model_set(name).files()} for name in PUBLISHED))
    assert len(shared) == 2  # CLIP and the upscaler


def test_the_picture_is_finished_as_the_unet_draws_it() -> None:
    """Four times larger is a wish of its own."""
    assert [load_model_set(name).scale for name in ("imagenet256", "imagenet512", "toybox")] == [1, 1, 4]
