"""noise levels against guided-diffusion's own tables."""

from typing import get_args

import numpy as np
import pytest
from guided_diffusion.gaussian_diffusion import get_named_beta_schedule
from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import Schedule, alphas_cumprod, betas, spaced_timesteps


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


@given(st.integers(1, 1000), st.floats(1, 4))
def test_spaced_timesteps_rise_and_reach_both_ends(count: int, power: float) -> None:
    """However crowded: two equal timesteps would be a step from a level to itself."""
    found = spaced_timesteps(count, 1000, power)
    assert len(found) == count and found[-1] == 999 and (np.diff(found) > 0).all()
    assert found[0] == (0 if count > 1 else 999)


def test_a_higher_power_spends_more_steps_near_the_noise() -> None:
    """The colour of the background is decided there."""
    assert [(spaced_timesteps(60, 1000, power) > 900).sum() for power in (1.0, 1.7, 2.5)] == [6, 16, 24]
