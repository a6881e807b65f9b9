"""the notebook's loop, which ours is measured against: it must be theirs, and do what it is said to do."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.diffusion.denoisers import Objective
from tests.bench.engine.notebook import (
    EpsOfUnshuffled,
    Notebook,
    make_cutouts,
    range_loss,
    spaced_diffusion,
    spherical_dist_loss,
    tv_loss,
)

BOXES = [(0, 0, 16), (2, 5, 9), (7, 1, 4)]


class CountingNetwork(nn.Module):
    """One convolution that knows how often it was called, and counts how often gradients came back."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
        self.forwards = self.backwards = 0

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        self.forwards += 1
        out = self.layer(x) + t[:, None, None, None] / 1000
        if out.requires_grad:
            out.register_hook(self._count)
        return out

    def _count(self, gradient: Tensor) -> None:
        self.backwards += 1


class KnowingNetwork(nn.Module):
    """It knows the answer."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.answer


def notebook(model: nn.Module, **scales: float) -> Notebook:
    torch.manual_seed(1)
    matrix = torch.randn(3 * 8 * 8, 10)
    chosen = {"clip_guidance_scale": 1000.0, "tv_scale": 150.0, "range_scale": 50.0, **scales}
    return Notebook(
        diffusion=spaced_diffusion("linear", 20, learned_variance=False),
        model=model,
        side=8,
        encode_image=lambda pictures: pictures.flatten(1) @ matrix,
        target_embeds=torch.randn(1, 10),
        weights=torch.ones(1),
        **chosen,
    )


def after(step: Callable[..., Tensor], eta: float | None, index: int = 9) -> Tensor:
    torch.manual_seed(2)
    return step(torch.randn(1, 3, 16, 16), index, BOXES, eta=eta)


@pytest.mark.parametrize(("loop", "forwards"), [("two_forwards", 2), ("shared_forward", 1)])
def test_each_loop_costs_what_its_name_says(loop: str, forwards: int) -> None:
    """The comparison is worth nothing if theirs were slowed down."""
    model = CountingNetwork()
    after(getattr(notebook(model), loop), eta=None)
    assert (model.forwards, model.backwards) == (forwards, 1)


@pytest.mark.parametrize("eta", [None, 0.0, 1.0], ids=["ddpm", "ddim", "ddim with noise"])
def test_both_loops_make_the_same_step(eta: float | None) -> None:
    """Sharing the forward saves time and changes nothing else."""
    loops = notebook(CountingNetwork())
    torch.testing.assert_close(after(loops.two_forwards, eta), after(loops.shared_forward, eta))


@pytest.mark.parametrize("name", ["clip_guidance_scale", "tv_scale", "range_scale"])
def test_each_loss_moves_the_picture(name: str) -> None:
    """The range loss of many descendants has no gradient."""
    with_it, without = notebook(CountingNetwork()), notebook(CountingNetwork(), **{name: 0.0})
    assert (after(with_it.shared_forward, None) - after(without.shared_forward, None)).abs().max() > 1e-5


def test_guidance_lowers_the_loss() -> None:
    """A wrong sign would push the picture away from its prompt, at the same speed."""
    loops = notebook(CountingNetwork())
    free = notebook(CountingNetwork(), clip_guidance_scale=0, tv_scale=0, range_scale=0)

    def distance(x: Tensor) -> float:
        embeds = loops.encode_image(make_cutouts((x + 1) / 2, BOXES, 8))
        return spherical_dist_loss(embeds, loops.target_embeds).mean().item()

    assert distance(after(loops.shared_forward, 0.0)) < distance(after(free.shared_forward, 0.0))


@pytest.mark.parametrize("objective", ["v", "x0"])
def test_a_perfect_answer_is_a_perfect_epsilon(objective: Objective) -> None:
    """The toybox's networks predict v or x0 of patches; guided-diffusion's sampler wants ε of pixels."""
    diffusion = spaced_diffusion("cosine", 20, learned_variance=False)
    torch.manual_seed(0)
    x0, eps, index = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8), 7
    level = torch.tensor(diffusion.alphas_cumprod[index]).float()
    said = {"v": level.sqrt() * eps - (1 - level).sqrt() * x0, "x0": x0}[objective]
    wrapped = EpsOfUnshuffled(KnowingNetwork(F.pixel_unshuffle(said, 2)), objective, 2, diffusion)
    x = diffusion.q_sample(x0, torch.tensor([index, index]), eps)
    torch.testing.assert_close(wrapped(x, torch.tensor([diffusion.timestep_map[index]] * 2)), eps)


def test_losses_are_zero_where_there_is_nothing_to_mend() -> None:
    """A flat grey picture that is what the prompt says."""
    flat, point = torch.zeros(1, 3, 8, 8), torch.randn(1, 10)
    assert tv_loss(flat).item() == range_loss(flat).item() == 0
    assert spherical_dist_loss(point, 3 * point).item() == pytest.approx(0, abs=1e-6)
