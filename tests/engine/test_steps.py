"""engine/drawing/steps.py: what a drawing begins with, and what each control does to it."""

import dataclasses

import numpy as np
import pytest
import torch

from engine.diffusion.denoisers import network_denoiser, secondary_denoiser
from engine.drawing.batch import Batch, events_alone
from engine.drawing.draw import Drawing
from engine.drawing.models import Models, load_models
from engine.drawing.steps import (
    TARGET_CUTS,
    beginning,
    first_noise,
    levels_of,
    pull_at,
    resolve_defaults,
    seeds_of,
    steps_of,
    targets_of,
)
from engine.errors import BadRequest
from engine.events import Progress
from engine.model_sets.weights import ModelSet
from engine.networks.secondary import SecondaryNet
from engine.networks.tuning import choose_tuning, tune
from engine.networks.unet import in_precision
from engine.pictures.images import to_tensor
from engine.request import Request
from engine.training.toybox.world import Scene, render
from tests.bench.engine.full import random_clip, random_unet

QUICK = Request(prompt="a red star", seed=5, steps=4, cuts=2, size="128x128")  # half of the side


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("toybox", torch.device("cpu"))


def asked(models: Models, **knobs: object) -> Request:
    return resolve_defaults(dataclasses.replace(QUICK, **knobs), models.description.defaults)  # type: ignore[arg-type]


def drawn(models: Models, *, steps: int | None = None, **knobs: object) -> torch.Tensor:
    """x after the last step, or after so many."""
    request = asked(models, **knobs)
    walk = steps_of(models, [request], first_noise(models, [request]), request.steps - 1)
    return [step.x for _, step in zip(range(steps or request.steps), walk, strict=False)][-1]


def test_every_picture_of_a_request_has_noise_of_its_own(models: Models) -> None:
    """The first has that of the request for one picture."""
    request = asked(models, count=3)
    assert seeds_of([request]) == [(5, 0), (5, 1), (5, 2)]
    noise = first_noise(models, [request])
    assert noise.shape == (3, 3, 32, 32) and not torch.equal(noise[0], noise[1])
    assert torch.equal(noise[:1], first_noise(models, [asked(models)]))


def test_the_first_picture_of_a_batch_is_the_picture_alone(models: Models) -> None:
    """Up to rounding, near the noise."""
    together, alone = drawn(models, count=2, steps=1), drawn(models, steps=1)
    assert torch.allclose(together[:1], alone, atol=2e-3)


@pytest.mark.parametrize(("size", "shape"), [("256x128", (32, 64)), ("64x320", (80, 16))])
def test_pictures_need_not_be_square(models: Models, size: str, shape: tuple[int, int]) -> None:
    x = drawn(models, size=size, steps=2)
    assert tuple(x.shape[-2:]) == shape and torch.isfinite(x).all()


def test_a_drawing_from_a_picture_begins_at_the_level_it_skips_to(models: Models) -> None:
    """A tenth kept skips a tenth of the steps; at least one is drawn."""
    init = np.full((32, 32, 3), 200, np.uint8)
    indices = [beginning(models, asked(models, steps=10, init=share), init)[1] for share in (0.1, 0.5, 0.99)]
    assert indices == [8, 4, 0]
    x, _ = beginning(models, asked(models, steps=10, init=0.99), init)
    assert float((x - to_tensor(init)).abs().mean()) < 0.2


@pytest.mark.parametrize(("init", "noisy"), [(None, False), (0.2, True)])
def test_the_late_steps_have_fresh_noise_only_where_they_are_guided(
    models: Models, init: float | None, noisy: bool
) -> None:
    """From a picture a drawing is guided to its end; else eta matters down to the set's level, no further."""
    request, x = asked(models, steps=10, init=init, guidance_scale=0.0), torch.zeros(1, 3, 32, 32)
    calm = dataclasses.replace(request, eta=0.0)
    levels = levels_of(models, request).alphas_cumprod
    late = int((levels > models.description.defaults.fresh_until_level).sum()) - 1

    def ends(request: Request, start: int) -> torch.Tensor:
        return next(steps_of(models, [request], x, start)).x

    assert torch.equal(ends(request, late), ends(calm, late)) is not noisy
    assert not torch.equal(ends(request, late + 1), ends(calm, late + 1))


def test_without_a_picture_a_drawing_begins_with_noise(models: Models) -> None:
    x, index = beginning(models, asked(models), None)
    assert index == 3 and torch.equal(x, first_noise(models, [asked(models)]))


def test_the_more_of_a_picture_is_kept_the_nearer_the_drawing_stays(models: Models) -> None:
    init = render(Scene(object="star", colour="red", background="blue", size="", x=32.0, y=32.0, radius=19.5))
    far = []
    for share in (0.2, 0.9):
        request = asked(models, steps=10, init=share, guidance_scale=0.0, size=None)
        *_, last = steps_of(models, [request], *beginning(models, request, init))
        far.append(float((last.x[0] - to_tensor(init)).abs().mean()))
    assert far[1] < far[0]


def test_a_soft_start_is_another_start_of_the_same_strength(models: Models) -> None:
    soft, hard = first_noise(models, [asked(models, start="perlin")]), first_noise(models, [asked(models)])
    assert not torch.allclose(soft, hard, atol=0.1) and abs(float(soft.std()) - 1) < 0.05
    assert torch.equal(first_noise(models, [asked(models, start="noise")]), hard)


def test_weights_of_words_and_pictures_are_normalised_together(models: Models) -> None:
    """A picture counts as much as its weight says, however many crops of it are looked at."""
    pictures = [(np.full((32, 32, 3), 9, np.uint8), 2.0)]
    [target] = targets_of(models, ["a star", "a star | fog"], pictures, [(1, 0), (2, 0)])
    assert target.embeddings.shape[:2] == target.weights.shape == (2, 2 + TARGET_CUTS)
    assert torch.allclose(target.weights.sum(1), torch.ones(2))
    assert torch.allclose(target.weights[:, 2:].sum(1), torch.tensor([2 / 3, 2 / 4]))
    assert torch.allclose(target.embeddings.norm(dim=-1), torch.ones(2, 2 + TARGET_CUTS), atol=1e-5)


def test_a_picture_pulls_towards_itself(models: Models) -> None:
    """Or away from itself when its weight is negative."""
    blue = np.zeros((64, 64, 3), np.uint8)
    blue[..., 2] = 255
    request = asked(models, prompt="a circle:0", steps=6, cuts=4, size="64x64")
    means = []
    for weight in (1.0, -1.0):
        *_, last = steps_of(models, [request], first_noise(models, [request]), 5, [(blue, weight)])
        red, _, blues = last.x[0].mean((1, 2))
        means.append(float(blues - red))
    assert means[0] > means[1] + 0.2


def test_a_ramp_is_read_at_its_percent(models: Models) -> None:
    request = asked(models, guidance_scale="0:100,100:300", cuts="0:8,100:3", saturation_scale="50:7", clamp=0.5)
    pulls = [pull_at(models, request, [(5, 0)], percent) for percent in (0, 50, 100)]
    assert [(pull.guidance_scale, pull.cuts, pull.saturation_scale) for pull in pulls] == [
        (100, 8, 7),
        (200, 6, 7),
        (300, 3, 7),
    ]
    assert {pull.clamp for pull in pulls} == {0.5} and {pull.tv_scale for pull in pulls} == {0.0}


def test_both_ways_of_the_gradient_change_over_where_the_noise_is_moderate(models: Models) -> None:
    """Where it is heavy x0 is a blur, and only the way back through the network says what could become of it."""
    both, x = (asked(models, gradient_at=way) for way in ("both", "x"))
    assert [pull_at(models, both, [(5, 0)], 50, level).at_x0 for level in (0.0, 0.29, 0.3, 1.0)] == [
        False,
        False,
        True,
        True,
    ]
    assert not pull_at(models, x, [(5, 0)], 50, 1.0).at_x0


def test_a_flat_ramp_is_the_number(models: Models) -> None:
    flat, number = ({"guidance_scale": scale, "size": "64x64"} for scale in ("0:50,100:50", 50.0))
    assert torch.equal(drawn(models, **flat, cuts="0:2"), drawn(models, **number))


def test_a_ramp_pulls_when_it_says(models: Models) -> None:
    """Silent at first, the drawing begins as one without guidance; then it goes another way."""
    late = "0:0,33:0,34:500"
    assert torch.equal(drawn(models, guidance_scale=late, steps=1), drawn(models, guidance_scale=0.0, steps=1))
    assert not torch.equal(drawn(models, guidance_scale=late), drawn(models, guidance_scale=0.0))


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
@pytest.mark.parametrize(("symmetry", "axes"), [("horizontal", [-1]), ("vertical", [-2]), ("both", [-1, -2])])
def test_a_symmetric_drawing_is_symmetric(models: Models, sampler: str, symmetry: str, axes: list[int]) -> None:
    x = drawn(models, symmetry=symmetry, sampler=sampler, size="64x64")
    assert all(torch.allclose(x, x.flip(axis), atol=1e-3) for axis in axes)
    assert not torch.allclose(x, x.transpose(-1, -2), atol=1e-2)


def test_every_step_is_told_also_where_some_are_skipped(models: Models) -> None:
    from engine.drawing.checkpoint import DrawingState

    request = asked(models, steps=5, init=0.4)
    x, index = beginning(models, request, np.zeros((32, 32, 3), np.uint8))
    batch = Batch()
    batch.take(0, Drawing(models, request, DrawingState(x=x, index=index)))
    events = [event for event in events_alone(batch) if isinstance(event, Progress)]
    assert [event.step for event in events] == [3, 4, 5]


def test_an_unfit_size_is_refused_before_anything_is_drawn(models: Models) -> None:
    with pytest.raises(BadRequest, match="nearest to 100x100"):
        first_noise(models, [asked(models, size="100x100")])


def elsewhere(small: ModelSet, *, secondary: bool) -> Models:
    """The small networks on torch's device without data: what is asked of a tensor there is an error, where a GPU
    would be waited for."""
    device = torch.device("meta")
    tuning = choose_tuning(torch.device("cuda"), small.unet["shape"]["model_channels"], {"IMAGO_PRECISION": "float16"})
    unet = tune(in_precision(random_unet(small), tuning.precision), tuning, device)
    guide = secondary_denoiser(SecondaryNet().requires_grad_(False).to(device), "linear") if secondary else None
    return Models(
        description=small,
        device=device,
        upscaler=None,
        secondary=guide,
        denoise=network_denoiser(unet, objective="eps", schedule="linear", learned_variance=True),
        clips=[(random_clip(small, device, tuning), 1.0)],
    )


@pytest.mark.parametrize(
    ("knobs", "secondary"),
    [
        ({"sampler": "ddpm", "count": 2, "clamp": 0.05, "cuts": "0:4,100:2", "symmetry": "horizontal"}, False),
        ({"sampler": "ddim", "saturation_scale": 10.0}, True),
    ],
)
def test_a_gpu_is_never_waited_for_in_a_step(small: ModelSet, knobs: dict[str, object], secondary: bool) -> None:
    """It always has its next work before it ends the last; only who looks at a step waits for it."""
    models = elsewhere(small, secondary=secondary)
    request = asked(models, steps=2, size=None, **knobs)
    walk = steps_of(models, [request], first_noise(models, [request]), request.steps - 1)
    assert all(step.x.device.type == "meta" for step in walk)
