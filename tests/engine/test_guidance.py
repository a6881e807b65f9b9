"""the pull: where it points, what it leaves alone, and that each picture of a batch is alone."""

import pytest
import torch
from torch import Tensor

from engine.diffusion.guidance import Pull, Target, add_guidance, seeded_cutter
from engine.diffusion.samplers import Prediction
from engine.diffusion.schedule import alphas_cumprod


class MeanColour:
    """A CLIP that sees the mean colour of a crop and nothing else; its texts are colours."""

    side = 8

    def encode_images(self, pictures: Tensor) -> Tensor:
        return pictures.mean((2, 3)) - 0.5


def echo(x: Tensor, t: Tensor) -> Prediction:
    """A denoiser that takes the noisy picture for the clean one."""
    return Prediction(x0=x, eps=torch.zeros_like(x))


def pull(**changes: object) -> Pull:
    return Pull(
        **{
            "guidance_scale": 100.0,
            "tv_scale": 0.0,
            "range_scale": 0.0,
            "cuts": 4,
            "cut_power": 1.0,
            "smallest_cut": 6,
            "seeds": [(1, 0), (2, 0)],
            **changes,
        }
    )


def target(*colours: tuple[float, float, float], weight: float = 1.0) -> Target:
    embeddings = torch.tensor(colours)[:, None]
    return Target(clip=MeanColour(), embeddings=embeddings, weights=torch.full((len(colours), 1), weight))


RED, BLUE = (1.0, -0.3, -0.3), (-0.3, -0.3, 1.0)
X = torch.zeros(2, 3, 16, 16) + 0.05
T = torch.tensor([500, 500])


def test_each_picture_is_pulled_to_its_own_prompt() -> None:
    found = add_guidance(echo, [target(RED, BLUE)], pull(), "cosine")(X, T)
    assert found.pull is not None
    red, blue = found.pull.mean((2, 3))
    assert red[0] > 0 > red[2] and blue[2] > 0 > blue[0]


def test_a_negative_weight_pushes_away() -> None:
    found = add_guidance(echo, [target(RED, RED, weight=-1.0)], pull(), "cosine")(X, T)
    assert found.pull is not None and (found.pull.mean((2, 3))[:, 0] < 0).all()


def test_picture_k_of_a_batch_is_pulled_like_picture_k_alone() -> None:
    """Its own prompt, timestep and cuts: pictures of different people may share a batch."""
    x, t = torch.randn(2, 3, 16, 16), torch.tensor([700, 200])
    together = add_guidance(echo, [target(RED, BLUE)], pull(tv_scale=5.0, range_scale=3.0), "cosine")(x, t)
    alone = add_guidance(echo, [target(BLUE)], pull(tv_scale=5.0, range_scale=3.0, seeds=[(2, 0)]), "cosine")(
        x[1:], t[1:]
    )
    assert torch.allclose(together.pull[1:], alone.pull, atol=1e-5)
    assert torch.allclose(together.distance[1:], alone.distance, atol=1e-6)


def test_scale_zero_is_the_bare_network() -> None:
    found = add_guidance(echo, [target(RED, BLUE)], pull(guidance_scale=0.0), "cosine")(X, T)
    assert found.pull is None and torch.equal(found.x0, X)


def test_pictures_noisier_than_the_interval_are_left_alone() -> None:
    """Each by its own timestep, also within one batch."""
    level = float(alphas_cumprod("cosine")[600])
    found = add_guidance(echo, [target(RED, BLUE)], pull(from_level=level), "cosine")(X, torch.tensor([900, 300]))
    assert found.pull[0].abs().max() == 0 and found.pull[1].abs().max() > 0


def test_pictures_cleaner_than_the_interval_are_only_looked_at() -> None:
    """CLIP still says how far they are, which people see and `--stop satisfied` asks for."""
    level = float(alphas_cumprod("cosine")[600])
    mixed = add_guidance(echo, [target(RED, BLUE)], pull(until_level=level), "cosine")(X, torch.tensor([900, 300]))
    assert mixed.pull[0].abs().max() > 0 and mixed.pull[1].abs().max() == 0
    late = add_guidance(echo, [target(RED, BLUE)], pull(until_level=level), "cosine")(X, torch.tensor([500, 300]))
    assert late.pull is None and torch.allclose(late.distance[1], mixed.distance[1]) and not late.x0.requires_grad


def test_the_cuts_come_from_seed_and_timestep() -> None:
    """Or a resumed drawing would look elsewhere and end on other pixels."""
    cutter = seeded_cutter(pull())
    assert torch.equal(cutter(T, X).top, cutter(T, X).top)
    assert not torch.equal(cutter(T, X).left, cutter(T - 1, X).left)


@pytest.mark.parametrize("outside", [0.0, 1.0])
def test_the_range_loss_acts_on_the_predicted_picture(outside: float) -> None:
    """Its gradient must not be lost on the way to x."""
    x = X + outside * 2
    found = add_guidance(echo, [target(RED, BLUE, weight=0.0)], pull(range_scale=10.0), "cosine")(x, T)
    assert (found.pull.mean() < 0) == bool(outside)


def test_nothing_keeps_a_gradient() -> None:
    """A drawing that kept its graphs would eat the memory step by step."""
    found = add_guidance(echo, [target(RED, BLUE)], pull(), "cosine")(X, T)
    assert not any(part.requires_grad for part in (found.x0, found.eps, found.pull, found.distance))


def test_the_clamp_shortens_a_long_gradient_and_leaves_a_short_one() -> None:
    """Each picture's on its own, its direction kept."""
    free = add_guidance(echo, [target(RED, BLUE)], pull(), "cosine")(X, T).pull
    size = free.pow(2).mean((1, 2, 3)).sqrt()
    least = float(size.min())
    for limit in (least / 2, float(size.max()) * 2):
        held = add_guidance(echo, [target(RED, BLUE)], pull(clamp=limit), "cosine")(X, T).pull
        expected = free * (limit / size.clamp(min=limit))[:, None, None, None]
        assert torch.allclose(held, expected, rtol=1e-4, atol=1e-9)


def test_the_saturation_loss_pulls_back_what_clip_sees_beyond_the_range() -> None:
    x = X + 2
    found = add_guidance(echo, [target(RED, BLUE, weight=0.0)], pull(saturation_scale=10.0), "cosine")(x, T)
    assert (found.pull < 0).all()


def test_at_x0_the_network_is_not_gone_back_through() -> None:
    """Which would cost as much as the way there; the pull still points to the prompt, and is as strong by the scale."""

    def no_way_back(x: Tensor, t: Tensor) -> Prediction:
        assert not torch.is_grad_enabled()
        return echo(x, t)

    found = add_guidance(no_way_back, [target(RED, BLUE)], pull(at_x0=True), "cosine")(X, T)
    assert found.pull is not None and found.distance is not None and found.distance.shape == (2,)
    red, blue = found.pull.mean((2, 3))
    assert red[0] > 0 > red[2] and blue[2] > 0 > blue[0]
    twice = add_guidance(no_way_back, [target(RED, BLUE)], pull(at_x0=True, guidance_scale=200.0), "cosine")(X, T)
    torch.testing.assert_close(twice.pull, 2 * found.pull)


def test_at_x0_the_way_back_is_that_of_gaussian_data() -> None:
    """A scale means the same with and without the network, where the network is the ideal denoiser of such data."""
    schedule, spread = "linear", 0.5

    def ideal(x: Tensor, t: Tensor) -> Prediction:
        level = torch.from_numpy(alphas_cumprod(schedule)).float()[t][:, None, None, None]
        x0 = x * level.sqrt() * spread**2 / (level * spread**2 + 1 - level)
        return Prediction(x0=x0, eps=torch.zeros_like(x))

    noisy = torch.tensor([900, 900])  # CLIP sees nearly x0 alone there
    through, at_x0 = (
        add_guidance(ideal, [target(RED, BLUE)], pull(at_x0=way), schedule)(X, noisy) for way in (False, True)
    )
    assert through.pull is not None and at_x0.pull is not None
    torch.testing.assert_close(at_x0.pull, through.pull, rtol=0.1, atol=0.0)
