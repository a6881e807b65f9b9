"""noise levels against guided-diffusion's own tables."""

from typing import get_args

import numpy as np
import pytest
from guided_diffusion.gaussian_diffusion import get_named_beta_schedule

from engine.schedule import Schedule, alphas_cumprod, betas


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
