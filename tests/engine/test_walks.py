"""tests of engine.training.toybox.walks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.diffusion.denoisers import network_denoiser
from engine.diffusion.schedule import Levels
from engine.drawing.models import load_models
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.train_unet import SEEN, add_noise, pictures, scenes_of
from engine.training.toybox.walks import PulledWalks, Walks, known_scenes, sample_ended_pulls
from engine.training.toybox.world import HARD, SIDE, held_out


def begun(count: int, strides: tuple[int, int] = (5, 45)) -> tuple[Walks, torch.Tensor]:
    walks, scenes = Walks(count, 100, strides), pictures(scenes_of(np.random.default_rng(0), count, SEEN))
    walks.begin(np.random.default_rng(1), *add_noise(np.random.default_rng(2), scenes, ((0, 1), (700, 701))))
    return walks, scenes


def test_a_walk_with_the_best_answers_ends_on_its_scene() -> None:
    """The step is the sampler's: with a perfect network it arrives."""
    ideal, (walks, scenes), rng = IdealDenoiser(), begun(4, (20, 20)), np.random.default_rng(2)
    while walks.missing < 4:
        walks.advance(rng, ideal(walks.x, walks.t))
    assert (ideal(walks.x, walks.t) - scenes).abs().max() < 0.02


def test_only_walks_that_ended_begin_anew() -> None:
    """The others go on from where the network led them."""
    walks, scenes = begun(3)
    walks.state["t"][1] = 99
    before = walks.x.clone()
    assert walks.ended.tolist() == [False, True, False]
    walks.begin(np.random.default_rng(3), scenes[:1], torch.tensor([600]))
    assert torch.equal(walks.x[0], before[0]) and torch.equal(walks.x[1], scenes[0])
    assert walks.t.tolist() == [700, 600, 700] and not walks.missing


def test_each_walk_keeps_its_stride() -> None:
    """Drawings of few steps and of many are learned from."""
    walks, _ = begun(64)
    before, strides = walks.t.clone(), walks.state["stride"].clone()
    walks.advance(np.random.default_rng(4), torch.zeros_like(walks.x))
    assert torch.equal(before - walks.t, strides) and strides.min() >= 5 and strides.max() <= 45


def test_the_noise_stays_as_large_as_the_timestep_says() -> None:
    """x_t of pure noise, answered with what it is, is as noisy at the next timestep."""
    walks, _ = begun(8)
    walks.state["x"] = torch.from_numpy(np.random.default_rng(5).standard_normal(walks.x.shape, dtype=np.float32))
    walks.advance(np.random.default_rng(6), torch.zeros_like(walks.x))
    assert abs(walks.x.std() - 1) < 0.05


def pulled(count: int) -> PulledWalks:
    return PulledWalks(count, (16, 16), load_models("toybox", torch.device("cpu")), IdealDenoiser())


def test_the_pull_leads_towards_what_was_said() -> None:
    """After a walk with perfect answers the picture has the colours of its caption, not those of its first noise."""
    walks, rng = pulled(1), np.random.default_rng(0)
    walks.begin(rng, *add_noise(rng, pictures(scenes_of(rng, 1, SEEN)), ((0, 1), (985, 986))))

    denoise = network_denoiser(walks.ideal, objective="x0", schedule="cosine")
    points = walks.clip.encode_texts(["a red star on a white background"])
    while not walks.missing:
        walks.advance(rng, walks.pull(rng, denoise, points))
    borders = walks.ideal(walks.x, walks.t)[:, :, 0, 0]
    assert (borders > 0.8).all()


def test_each_pulled_walk_has_a_target_of_its_own() -> None:
    """It keeps it until it begins anew, and no caption speaks of what is held out."""
    walks, rng = pulled(24), np.random.default_rng(0)
    walks.begin(rng, torch.zeros(24, 3, SIDE, SIDE), torch.full((24,), 990))
    targets = walks.state["targets"].clone()
    said = [(scene.object, scene.colour, scene.background) for scene in map(walks.ideal.scene, targets.tolist())]
    assert len(set(said)) > 12 and not any(held_out(*combination) for combination in said)
    walks.state["t"][5] = walks.last - 1
    walks.begin(rng, torch.zeros(1, 3, SIDE, SIDE), torch.tensor([990]))
    kept = walks.state["targets"] == targets
    assert kept[:5].all() and kept[6:].all()
    scenes = [walks.ideal.scene(number) for number in walks.state["targets"].tolist()]
    assert all(caption.fits(scene) for caption, scene in zip(walks.captions(rng), scenes, strict=True))


def test_pulls_that_ended_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie where the pull has just ended, and a run that goes on finds the same ones."""
    monkeypatch.setattr("engine.training.toybox.walks.LENGTHS", (6,))  # in earnest forty steps and more
    ideal, models = IdealDenoiser(), load_models("toybox", torch.device("cpu"))
    x, t = sample_ended_pulls(models, ideal, 2, tmp_path / "run" / "pulls.safetensors")
    assert x.shape == (2, 3, SIDE, SIDE) and t[0] == t[1]
    defaults = models.description.defaults
    levels = Levels("cosine", 6, spacing=defaults.spacing)
    [at] = np.flatnonzero(levels.timesteps == int(t[0]))
    assert levels.alphas_cumprod[at] > defaults.until_level >= levels.alphas_cumprod[at + 1]
    assert ideal.likely(x, t).flatten(1).max(1).values.min() > 0.5
    again, _ = sample_ended_pulls(models, ideal, 2, tmp_path / "run" / "pulls.safetensors")
    assert torch.equal(again, x)


def test_hard_objects_are_pulled_towards_twice_as_often() -> None:
    """Every scene that may be seen is, and they are there twice."""
    ideal = IdealDenoiser()
    numbers, times = np.unique(known_scenes(ideal), return_counts=True)
    assert len(numbers) == torch.isfinite(ideal.energy).sum()
    assert all(
        count == 1 + (ideal.scene(int(number)).object in HARD)
        for number, count in zip(numbers[::50], times[::50], strict=True)
    )
