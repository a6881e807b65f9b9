"""engine/networks/tuning.py"""

import pytest
import torch

from engine.diffusion.denoisers import network_denoiser
from engine.errors import BadRequest
from engine.model_sets.weights import ModelSet
from engine.networks.precision import PLAIN
from engine.networks.tuning import choose_tuning, tune
from tests.bench.engine.full import beginning, guidance, random_clip, random_unet, stepping

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_the_cpu_and_small_networks_run_in_float32() -> None:
    """The toybox gains nothing from less precision; large networks on a CPU: test_precision.py."""
    assert choose_tuning(CPU, 64, {}).precision is torch.float32
    assert choose_tuning(CUDA, 32, {}).precision is torch.float32
    assert choose_tuning(CUDA, 256, {}).precision is torch.float16


def test_a_large_network_on_a_cpu_runs_in_channels_last() -> None:
    """Measured there; nobody has on a GPU, and the toybox's pixels shall stay as they are."""
    assert choose_tuning(CPU, 256, {}, lambda: PLAIN).channels_last
    assert not choose_tuning(CPU, 256, {"IMAGO_CHANNELS_LAST": "0"}, lambda: PLAIN).channels_last
    assert not choose_tuning(CPU, 64, {}).channels_last and not choose_tuning(CUDA, 256, {}).channels_last


def test_everything_has_a_switch() -> None:
    found = choose_tuning(
        CUDA,
        256,
        {"IMAGO_PRECISION": "bfloat16", "IMAGO_CHANNELS_LAST": "1", "IMAGO_CUDA_GRAPHS": "1", "IMAGO_REPEATABLE": "0"},
    )
    assert (found.precision, found.channels_last, found.compiled, found.graphs) == (torch.bfloat16, True, True, True)
    assert not found.repeatable and choose_tuning(CUDA, 256, {}).repeatable, "the same seed is the same picture"
    assert not choose_tuning(CUDA, 256, {"IMAGO_COMPILE": "0"}).compiled
    assert not choose_tuning(CPU, 256, {"IMAGO_CUDA_GRAPHS": "1"}, lambda: PLAIN).graphs, "a CPU has none"


@pytest.mark.parametrize(("name", "value"), [("IMAGO_PRECISION", "half"), ("IMAGO_COMPILE", "yes")])
def test_a_switch_that_is_none_is_one_sentence(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=f"{name} must be"):
        choose_tuning(CPU, 256, {name: value}, lambda: PLAIN)


@pytest.mark.parametrize("layout", ["0", "1"])
def test_a_network_computes_the_same_in_either_layout(layout: str) -> None:
    torch.manual_seed(0)
    network, x = torch.nn.Conv2d(4, 8, 3), torch.randn(1, 4, 8, 8)
    expected = network(x)
    found = tune(network, choose_tuning(CPU, 32, {"IMAGO_CHANNELS_LAST": layout}), CPU)(x)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of the compiler's own looking around
def test_networks_compile_whole(small: ModelSet) -> None:
    """Where a compiler has to leave a network in the middle, a GPU waits for Python again."""
    unet, clip = random_unet(small), random_clip(small, CPU)
    embeddings, x = clip.encode_texts(["a star"]), beginning(small)
    denoise = network_denoiser(unet, objective="eps", schedule="linear", learned_variance=True)
    step = stepping(small, guidance(small, clip, embeddings)(denoise), x)
    expected = step()
    for network in (unet, clip.visual):
        network.compile(backend="eager", fullgraph=True)
    assert torch.equal(step(), expected)
    torch.compiler.reset()
