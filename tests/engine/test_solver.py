"""the adaptive splitting solver, on data whose ideal denoiser is known."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engine.diffusion.levels import factors_at, levels_at, log_sigma_at, timesteps_at
from engine.diffusion.noise import Stream, per_picture
from engine.diffusion.samplers import Prediction
from engine.diffusion.schedule import SOLVER_STEPS
from engine.diffusion.solver import MOST_PULL, SLOWEST, SolverWalk, limit_shift, limit_step, splitting_step

SHAPE = (3, 4, 4)
SEEDS = [(5, 0), (6, 1), (7, 0)]
SPREAD = 0.3  # standard deviation of the data
Denoise = Callable[[Tensor, Tensor], Prediction]


def gaussian(x: Tensor, t: Tensor) -> Prediction:
    """The ideal denoiser of normally distributed pictures."""
    alpha, sigma = factors_at("linear", t)[:, :, None, None, None]
    x0 = x * alpha * SPREAD**2 / (alpha**2 * SPREAD**2 + sigma**2)
    return Prediction(x0=x0, eps=(x - alpha * x0) / sigma)


def single(picture: Tensor) -> Denoise:
    """The ideal denoiser where there is but one picture."""

    def denoise(x: Tensor, t: Tensor) -> Prediction:
        alpha, sigma = factors_at("linear", t)[:, :, None, None, None]
        return Prediction(x0=picture.expand_as(x), eps=(x - alpha * picture) / sigma)

    return denoise


def pulled(denoise: Denoise, strengths: list[float]) -> Denoise:
    """A linear loss: the same gradient everywhere, another strength for each picture."""

    def wrapped(x: Tensor, t: Tensor) -> Prediction:
        found = denoise(x, t)
        each = torch.tensor(strengths)[: len(x), None, None, None]
        return Prediction(x0=found.x0, eps=found.eps, pull=each.expand_as(x))

    return wrapped


def walk(count: int = 2, *, steps: int = 20, seeds: list[tuple[int, int]] = SEEDS, **given: object) -> SolverWalk:
    seeds = seeds[:count]
    noise = per_picture(seeds, Stream.START, 0, SHAPE)
    return SolverWalk(
        noise, lambda k: per_picture(seeds, Stream.STEP, k, SHAPE), "linear", steps=steps, **{"x0_limit": 9, **given}
    )


def walked(walk: SolverWalk, denoise: Denoise) -> SolverWalk:
    while not walk.done:
        walk.advance(denoise(walk.x, walk.t))
    return walk


def way_of_gaussian(h: float, order: int) -> float:
    """How far from the exact way, x·√((c² + σ'²) / (c² + σ²)), the solver comes down from σ = e to 1/e."""
    x = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    steps, former, log_sigma = round(2 / h), [], 1.0

    def exact(log_sigma: float) -> float:
        return math.sqrt(SPREAD**2 + math.exp(2 * log_sigma)) / math.sqrt(SPREAD**2 + math.exp(2))

    def ideal(x: Tensor, log_sigma: float) -> Tensor:
        return x * SPREAD**2 / (SPREAD**2 + math.exp(2 * log_sigma))

    wide = torch.full((1, 1, 1, 1), h, dtype=torch.float64)
    former = [
        (ideal(torch.ones_like(x) * exact(1.0 + k * h), 1.0 + k * h), wide) for k in range(1, order)
    ]  # a start that is exact, so that the order is that of the steps
    for _ in range(steps):
        x0, level = ideal(x, log_sigma), torch.full_like(wide, log_sigma)
        x = splitting_step(x, x0, torch.zeros_like(x), level, wide, former, torch.zeros_like(x), 0.0)
        former, log_sigma = [(x0, wide), *former[:1]][: order - 1], log_sigma - h
    return abs(float(x) / exact(-1.0) - 1)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_halving_the_step_divides_the_error_by_two_to_the_order(order: int) -> None:
    """One former step makes it of second order, two of third."""
    errors = [way_of_gaussian(h, order) for h in (0.1, 0.05, 0.025)]
    for coarse, fine in zip(errors, errors[1:], strict=False):
        assert 2 ** (order - 0.3) < coarse / fine < 2 ** (order + 0.6)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 30])
def test_a_single_picture_is_what_it_ends_on(steps: int, eta: float) -> None:
    """With one step, too, where others divide by the last one."""
    picture = torch.linspace(-1, 1, 48).reshape(1, *SHAPE)
    ended = walked(walk(2, steps=steps, eta=eta), single(picture))
    assert torch.equal(ended.x, picture.expand_as(ended.x)) and ended.count == steps


def test_with_fresh_noise_it_draws_pictures_of_the_datas_spread() -> None:
    """The noise that it adds is as much as it takes away."""
    seeds = [(seed, 0) for seed in range(100)]
    ended = walked(walk(100, steps=60, seeds=seeds), gaussian)
    assert float(ended.x.std()) == pytest.approx(SPREAD, rel=0.03)
    assert abs(float(ended.x.mean())) < 0.02


def test_a_linear_loss_moves_the_picture_by_a_known_amount() -> None:
    """(1 − e^(−(1 + η)h))·σ²·score: the pull's own first order step, whatever the denoiser says."""
    x, h = torch.zeros(1, *SHAPE), torch.full((1, 1, 1, 1), 0.1)
    level, shift = torch.full((1, 1, 1, 1), 0.5), torch.full((1, *SHAPE), 0.7)
    ends = [splitting_step(x, x, by, level, h, [], torch.zeros_like(x), 1.0) for by in (shift, torch.zeros_like(x))]
    assert torch.allclose(ends[0] - ends[1], -math.expm1(-0.2) * shift)


@given(st.floats(0.001, 1000.0), st.floats(0.01, 150.0), st.floats(0.005, 0.2), st.sampled_from([0.0, 1.0]))
def test_the_pull_never_moves_a_picture_further_than_it_may(c: float, sigma: float, max_h: float, eta: float) -> None:
    """However strong it is: the step is shorter then, and where it would be endlessly short the pull is weaker."""
    h = limit_step(torch.tensor([c]), torch.tensor([sigma]), MOST_PULL, torch.tensor(max_h), eta)
    shift = limit_shift(torch.full((1, *SHAPE), sigma * c), h, MOST_PULL, eta)
    moved = float(shift.mean()) * -math.expm1(-(1 + eta) * float(h))
    assert moved <= MOST_PULL * (1 + 1e-3) and max_h / SLOWEST * 0.999 <= float(h) <= max_h * (1 + 1e-5)
    assert float(h) <= max_h / SLOWEST * 1.001 or float(shift.mean()) == pytest.approx(sigma * c, rel=1e-3)


def test_a_strong_pull_takes_more_steps_and_each_picture_its_own() -> None:
    """One brake for the whole batch would make everybody wait for the hardest picture, and change its pixels."""
    weak, strong = (walked(walk(1), pulled(gaussian, [force])) for force in (0.01, 3.0))
    assert weak.count < strong.count
    both = walk(2)
    counts: list[int | None] = [None, None]
    while not both.done:
        both.advance(pulled(gaussian, [0.01, 3.0])(both.x, both.t))
        ended = both.t <= 1e-3
        counts = [both.count if now and was is None else was for now, was in zip(ended, counts, strict=True)]
    assert counts[0] < counts[1]


def test_a_picture_of_a_batch_is_the_picture_alone() -> None:
    """Rows end at different times; who has ended stays as it is."""
    strengths = [0.01, 3.0, 0.5]
    together = walked(walk(3), pulled(gaussian, strengths)).x
    for k in range(3):
        alone = walked(walk(1, seeds=SEEDS[k : k + 1]), pulled(gaussian, strengths[k : k + 1])).x
        assert torch.equal(alone[0], together[k])


def test_it_goes_on_from_any_step_with_the_same_pixels() -> None:
    """x and what `memory` says are all of its state."""
    denoise = pulled(gaussian, [0.5, 2.0])
    expected, first = walked(walk(steps=3), denoise).x, walk(steps=3)
    while not first.done:
        again = walk(steps=3, memory=first.memory())
        again.x = first.x.clone()
        assert torch.equal(walked(again, denoise).x, expected)
        first.advance(denoise(first.x, first.t))


def test_its_share_is_that_of_the_logarithm_of_the_noise_and_never_falls() -> None:
    """The number of steps is not known before the end: percent and time left cannot go by it."""
    path, shares = walk(steps=10), [0.0]
    while not path.done:
        path.advance(gaussian(path.x, path.t))
        shares.append(path.share())
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert shares[1] == pytest.approx(0.1, abs=1e-4)


def test_a_step_reads_nothing_from_the_device() -> None:
    """A GPU that is asked for a number in a step waits for it, and then for its next work; meta tensors have none."""
    x = torch.zeros(2, *SHAPE, device="meta")
    path = SolverWalk(x, lambda k: torch.zeros(2, *SHAPE), "linear", steps=SOLVER_STEPS)
    for _ in range(3):
        path.advance(Prediction(x0=x, eps=x, pull=x))
    assert path.x.is_meta and path.count == 3


def test_levels_between_timesteps_meet_the_schedule_at_each() -> None:
    """Whole timesteps keep the bytes that they have had; between them log σ is interpolated."""
    whole = torch.arange(1000)
    assert torch.allclose(levels_at("linear", whole), levels_at("linear", whole.double()), rtol=1e-12)
    t = torch.tensor([0.0, 3.25, 500.5, 999.0], dtype=torch.float64)
    level = levels_at("cosine", t)
    assert torch.allclose(timesteps_at("cosine", ((1 - level) / level).sqrt().log()), t)
    assert log_sigma_at("linear", 999) - log_sigma_at("linear", 0) == pytest.approx(9.664, abs=1e-3)
