"""the U-Net against guided-diffusion's own, on the same random weights."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from guided_diffusion.unet import UNetModel
from torch import nn

from engine.drawing.threads import threads
from engine.networks.unet import UNet, UNetConfig, in_precision, timestep_embedding
from tests.bench.engine.notebook import guided_diffusion_unet

SMALL = UNetConfig(
    image_size=32,
    in_channels=3,
    out_channels=6,
    model_channels=32,
    num_res_blocks=1,
    attention_resolutions=(2,),
    channel_mult=(1, 2),
    num_head_channels=16,
)
CONFIGS = {
    "learned sigma": SMALL,
    "no resblock_updown": replace(SMALL, resblock_updown=False),
    "no scale-shift": replace(SMALL, use_scale_shift_norm=False),
    "new attention order": replace(SMALL, use_new_attention_order=True),
    "class-conditional": replace(SMALL, num_classes=10),
    "two blocks a level": replace(SMALL, num_res_blocks=2, out_channels=3),
    "fractional multiplier": replace(SMALL, model_channels=64, channel_mult=(0.5, 1, 2)),
    "unshuffled input": replace(SMALL, in_channels=12, out_channels=12, resblock_updown=False),
    "heads by number": replace(SMALL, num_head_channels=-1, num_heads=4),
    "one head": replace(SMALL, num_head_channels=-1, num_heads=1),
    "eight norm groups": replace(SMALL, norm_groups=8),
    "bare": replace(SMALL, resblock_updown=False, use_scale_shift_norm=False, attention_resolutions=()),
}
PUBLISHED_256 = UNetConfig(
    image_size=256,
    in_channels=3,
    out_channels=6,
    model_channels=256,
    num_res_blocks=2,
    attention_resolutions=(8, 16, 32),
    channel_mult=(1, 1, 2, 2, 4, 4),
)
PUBLISHED_512 = replace(
    PUBLISHED_256, image_size=512, attention_resolutions=(16, 32, 64), channel_mult=(0.5, 1, 1, 2, 2, 4, 4)
)


def new_pair(config: UNetConfig) -> tuple[UNetModel, UNet]:
    """Theirs and ours with the same weights, none of them zero, so that every layer is heard."""
    torch.manual_seed(0)
    theirs, ours = guided_diffusion_unet(config), UNet(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.05 + (0.5 if parameter.dim() == 1 else 0))
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


pair = cache(new_pair)  # of which nothing may be changed


def arguments(config: UNetConfig, height: int = 16, width: int = 16) -> list[torch.Tensor]:
    x = torch.randn(2, config.in_channels, height, width)
    labels = [] if config.num_classes is None else [torch.tensor([3, 7])]
    return [x, torch.tensor([17, 903]), *labels]


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return ((ours - theirs).norm() / theirs.norm()).item()


@pytest.mark.parametrize("name", CONFIGS)
def test_outputs_equal_the_oracle(name: str) -> None:
    """Published checkpoints draw the same pictures only if the network computes the same function."""
    theirs, ours = pair(CONFIGS[name])
    given = arguments(CONFIGS[name])
    with torch.no_grad():
        expected = theirs(*given)
        assert expected.std() > 1e-2  # a network that says nothing proves nothing
        assert relative(ours(*given), expected) <= 1e-5


def test_non_square_pictures_equal_the_oracle() -> None:
    """Height and width are not swapped on the way through resampling and attention."""
    theirs, ours = pair(SMALL)
    given = arguments(SMALL, height=8, width=24)
    with torch.no_grad():
        assert relative(ours(*given), theirs(*given)) <= 1e-5


def test_the_gradient_to_the_input_equals_the_oracle() -> None:
    """Guidance lives on the gradient through the network, not on its output."""
    gradients = []
    for network in pair(SMALL):
        torch.manual_seed(1)
        x, t = arguments(SMALL)
        out = network(x.requires_grad_(), t)
        gradients.append(torch.autograd.grad(out.square().sum(), x)[0])
    assert relative(gradients[1], gradients[0]) <= 1e-5


@pytest.mark.parametrize("resblock_updown", [True, False])
def test_a_middle_of_one_pixel_equals_the_oracle_and_has_the_same_gradient_each_time(resblock_updown: bool) -> None:
    """In the smallest pictures; two threads of oneDNN sum the gradient of one pixel in an order of their own."""
    config = replace(SMALL, model_channels=64, resblock_updown=resblock_updown)
    theirs, ours = pair(config)
    x, t = arguments(config, 2, 2)
    x, t = x[:1].requires_grad_(), t[:1]
    with threads(2):
        assert relative(ours(x, t), theirs(x, t)) <= 1e-5
        first, *again = (torch.autograd.grad(ours(x, t).square().sum(), x)[0] for _ in range(20))
    assert all(torch.equal(gradient, first) for gradient in again)


def test_every_weight_is_heard() -> None:
    """A weight that changes nothing would be a layer that the comparison with the oracle cannot see."""
    config = replace(SMALL, num_classes=10)
    _, ours = new_pair(config)
    ours(*arguments(config)).square().sum().backward()
    silent = [name for name, value in ours.named_parameters() if value.grad is None or not value.grad.any()]
    assert silent == []


def test_a_picture_of_a_batch_equals_the_picture_alone() -> None:
    """Pictures of different people may share one call of the network."""
    _, ours = pair(SMALL)
    x, t = arguments(SMALL)
    with torch.no_grad():
        assert relative(ours(x[1:], t[1:]), ours(x, t)[1:]) <= 1e-5


@pytest.mark.parametrize(
    ("config", "parameters", "tensors"),
    [(PUBLISHED_256, 552_814_086, 566), (PUBLISHED_512, 557_973_638, None)],
    ids=["256", "512"],
)
def test_published_checkpoints_fit_key_for_key(config: UNetConfig, parameters: int, tensors: int | None) -> None:
    """Strict loading refuses a single missing, unexpected or misshapen tensor."""
    with torch.device("meta"):
        theirs, ours = guided_diffusion_unet(config).state_dict(), UNet(config).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}
    assert sum(value.numel() for value in ours.values()) == parameters
    assert tensors is None or len(ours) == tensors


def test_sides_that_the_levels_do_not_divide_are_refused() -> None:
    """Sizes are checked against it before the network is called."""
    _, ours = pair(SMALL)
    with pytest.raises(RuntimeError):
        ours(*arguments(SMALL, height=17, width=16))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_it_is_as_near_to_the_truth_as_guided_diffusions(dtype: torch.dtype) -> None:
    """On a GPU the blocks' convolutions run in half precision; what comes out is float32."""
    theirs, ours = new_pair(SMALL)
    x, t = arguments(SMALL)
    with torch.no_grad():
        exact = theirs(x, t)
        theirs.dtype = dtype
        for part in (theirs.input_blocks, theirs.middle_block, theirs.output_blocks):
            part.apply(lambda layer: layer.to(dtype) if isinstance(layer, nn.Conv1d | nn.Conv2d) else layer)
        found = in_precision(ours, dtype)(x, t)
        assert found.dtype == torch.float32
        assert 0 < relative(found, exact) < 1.5 * relative(theirs(x, t), exact) < 0.05
    assert {name: tensor.dtype for name, tensor in ours.state_dict().items()} == {
        name: tensor.dtype for name, tensor in theirs.state_dict().items()
    }


def test_it_may_be_half_precision_all_over() -> None:
    """What it is fed is float32 all the same."""
    _, ours = new_pair(SMALL)
    assert ours.bfloat16()(*arguments(SMALL)).dtype == torch.bfloat16


def test_fractional_timesteps_lie_between_their_neighbours() -> None:
    """A sampler with other steps than the training asks between two of them."""
    low, between, high = timestep_embedding(torch.tensor([10.0, 10.5, 11.0]), 33)
    assert low.shape == (33,) and low[-1] == 0
    assert (between - low).norm() < (high - low).norm()


def test_what_is_worked_out_again_has_the_same_bits_and_is_not_kept() -> None:
    """Half the memory on the way back; of what a block works out inside nothing is kept."""
    torch.manual_seed(0)
    _, ours = new_pair(SMALL)
    ours.requires_grad_(False)
    x, t = torch.randn(1, 3, 32, 32), torch.tensor([500])

    def gone_back() -> tuple[torch.Tensor, int]:
        kept: list[int] = []
        given = x.clone().requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(lambda it: kept.append(it.numel()) or it, lambda it: it):
            found = ours(given, t)
        return torch.autograd.grad(found.pow(2).sum(), given)[0], sum(kept)

    plain, all_of_it = gone_back()
    ours.recompute = True
    again, little = gone_back()
    assert torch.equal(plain, again) and little < all_of_it / 3
