"""noise levels against guided-diffusion's own tables."""

from typing import get_args

import numpy as np
import pytest
from guided_diffusion.gaussian_diffusion import get_named_beta_schedule
from guided_diffusion.respace import space_timesteps
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.schedule import Schedule, alphas_cumprod, betas, spaced_timesteps


@pytest.mark.parametrize("name", get_args(Schedule))
@pytest.mark.parametrize("steps", [50, 1000, 4000])
def test_betas_equal_the_oracle(name: Schedule, steps: int) -> None:
    """A network knows only the noise levels it was trained on."""
    np.testing.assert_allclose(betas(name, steps), get_named_beta_schedule(name, steps), rtol=1e-12)


@pytest.mark.parametrize("name", get_args(Schedule))
def test_the_share_of_the_picture_falls_from_nearly_all_to_nearly_none(name: Schedule) -> None:
    """Sampling starts from pure noise and ends on a clean picture."""
    levels = alphas_cumprod(name)
    assert levels.dtype == np.float64 and levels.shape == (1000,)
    assert (np.diff(levels) < 0).all()
    assert levels[0] > 0.999 and 0 < levels[-1] < 1e-4


def test_an_unknown_schedule_is_refused_by_name() -> None:
    """Model sets are written by hand; a typing error must not become a picture of noise."""
    with pytest.raises(ValueError, match="'linaer'.*use 'linear' or 'cosine'"):
        betas("linaer")  # type: ignore[arg-type]


KNOTS = st.lists(st.tuples(st.integers(1, 998), st.floats(0.01, 0.99)), max_size=4).map(
    lambda pairs: tuple(zip(sorted({t for t, _ in pairs}), sorted({share for _, share in pairs}), strict=False))
)


@given(st.integers(1, 1000), KNOTS)
def test_spaced_timesteps_rise_and_reach_both_ends(count: int, spacing: tuple[tuple[int, float], ...]) -> None:
    """However crowded: two equal timesteps would be a step from a level to itself."""
    found = spaced_timesteps(count, 1000, spacing)
    assert len(found) == count and found[-1] == 999 and (np.diff(found) > 0).all()
    assert found[0] == (0 if count > 1 else 999)


@pytest.mark.parametrize("count", [2, 21, 50, 100, 250, 999, 1000])
def test_evenly_spaced_timesteps_are_the_oracles(count: int) -> None:
    """Ties included: one timestep off is another picture."""
    assert set(spaced_timesteps(count)) == space_timesteps(1000, [count])


def test_a_spacing_spends_the_steps_where_it_says() -> None:
    """What is drawn is decided within a narrow range of noise."""
    found = spaced_timesteps(201, 1000, ((800, 0.2), (975, 0.9)))
    assert (found[40], found[180]) == (800, 975)
