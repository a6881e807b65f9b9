"""the published sets of the family: what their files say is what guided-diffusion builds, and does in a step."""

import re
from dataclasses import replace
from functools import cache

import pytest
import torch

from engine.drawing.models import spares_memory
from engine.model_sets.weights import UNKNOWN, load_model_set, model_set_names
from engine.networks.unet import UNet, UNetConfig
from tests.bench.engine.notebook import guided_diffusion_unet
from tests.bench.engine.oracle import apart_from_oracle, shape_of

FAMILY = {
    "pixelart": 113_676_678,
    "pixelart-expanded": 113_676_678,
    "pixelart-hard": 113_676_678,
    "pixelart-soft": 113_676_678,
    "watercolour": 113_676_678,
    "watercolour-2": 113_676_678,
    "pulp": 113_676_678,
    "portrait": 139_579_462,
    "portrait-1.5": 139_579_462,
    "ukiyo-e": 138_289_926,
    "feiart": 557_973_638,
    "isometric": 557_973_638,
}


SHAPES = {shape_of(load_model_set(name)): name for name in ("imagenet256", "imagenet512", *FAMILY)}


@cache
def sizes(shape: UNetConfig) -> dict[str, torch.Size]:
    """Of each tensor, by its key; at the real size, without memory."""
    with torch.device("meta"):
        return {key: value.shape for key, value in UNet(shape).state_dict().items()}


@pytest.mark.parametrize("name", FAMILY)
def test_a_set_of_the_family_is_whole(name: str) -> None:
    """Nobody could fetch one here: what can be known without its file has to be right."""
    described = load_model_set(name)
    unet = described.files()[0]
    count = sum(size.numel() for size in sizes(shape_of(described)).values())
    assert count == FAMILY[name] and unet.fits(4 * count)  # published in float32
    assert described.licence and not described.memory.startswith("A drawing takes about 11 GB")
    assert all(url.startswith("https://huggingface.co/") for url in unet.urls)


def test_on_a_cpu_the_small_sets_spare_memory() -> None:
    """They are for weak computers: 2.2 GB in place of 4. A GPU has no need of it; OpenAI's sets keep their speed."""
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert all(spares_memory(load_model_set(name).unet, cpu) for name in ("pixelart", "ukiyo-e", "portrait"))
    assert not spares_memory(load_model_set("pixelart").unet, cuda)
    assert not spares_memory(load_model_set("imagenet256").unet, cpu)


def test_no_two_sets_have_the_same_weights() -> None:
    """A hash copied into the wrong line would download for an hour and then be refused."""
    files = {name: load_model_set(name).files()[0].sha256 for name in FAMILY}
    assert len(set(files.values())) == len(files) and len(set(model_set_names()) & set(files)) == len(files)


def test_what_asks_for_credit_names_it_and_the_others_do_not_borrow_it() -> None:
    """`like` takes over networks and defaults, never a licence."""
    sets = {name: load_model_set(name) for name in FAMILY}
    assert "KaliYuga" in sets["pixelart"].credit and sets["pixelart"].licence == "CC BY 3.0"
    assert {name for name, found in sets.items() if found.credit} == {"pixelart"}
    assert all(found.licence == UNKNOWN for name, found in sets.items() if name != "pixelart")


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPES.values())
def test_keys_and_shapes_are_guided_diffusions(shape: UNetConfig) -> None:
    """Strict loading refuses a single missing, unexpected or misshapen tensor."""
    with torch.device("meta"):
        theirs = guided_diffusion_unet(shape).state_dict()
    assert sizes(shape) == {key: value.shape for key, value in theirs.items()}


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPES.values())
def test_a_guided_step_of_each_shape_equals_the_oracle(shape: UNetConfig) -> None:
    """Levels, attention, heads and resampling as published, with random weights and narrow layers."""
    channels = 32 if min(shape.channel_mult) < 1 else 16
    narrow = replace(shape, model_channels=channels, num_res_blocks=1, norm_groups=16)
    narrow = narrow if narrow.num_head_channels == -1 else replace(narrow, num_head_channels=16)
    assert apart_from_oracle(narrow, 2 ** (len(narrow.channel_mult) - 1)) <= 1e-5


def test_titles_name_their_authors() -> None:
    """Whose a set is stands in the list."""
    authors = r"KaliYuga|felipe3dartist|thegenerativegeneration|FeiArt|Revrart|version 1\.5"
    assert all(re.search(authors, load_model_set(name).title) for name in FAMILY)
