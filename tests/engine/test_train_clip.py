"""tests of engine.training.toybox.train_clip, and of the CLIP that it made."""

import numpy as np
import pytest
import torch

from engine.drawing.models import load_models
from engine.model_sets.weights import FOLDER
from engine.networks.imports import import_open_clip
from engine.training.toybox.captions import Caption, caption
from engine.training.toybox.ideal import IdealDenoiser
from engine.training.toybox.train_clip import (
    CROPS,
    DECIDING,
    MODEL,
    Batch,
    Student,
    fitting,
    loss_of,
    make_batch,
    mix_guidance,
    nearly,
)
from engine.training.toybox.train_unet import HELD_OUT, SEEN, add_noise, pictures, scenes_of
from engine.training.toybox.world import held_out

NOTHING = Caption(text="a red cat on red", object="cat", colour="red", background="red", size=None)


@pytest.fixture(scope="module")
def ideal() -> IdealDenoiser:
    return IdealDenoiser(held_out_too=True)


def batch(ideal: IdealDenoiser, *more: Caption) -> Batch:
    import_open_clip()
    from open_clip.tokenizer import SimpleTokenizer

    rng = np.random.default_rng(0)
    length = MODEL["text_cfg"]["context_length"]
    tokenizer = SimpleTokenizer(str(FOLDER / "toybox" / "vocabulary.txt.gz"), context_length=length)
    x, t = add_noise(rng, pictures(scenes_of(rng, 6, SEEN)), DECIDING)
    return make_batch(rng, tokenizer, ideal, x, t, list(more))


def test_what_guidance_sees_is_the_scene_where_little_is_noise(ideal: IdealDenoiser) -> None:
    """And the mean of what it may be, hardly noisy, where all is noise."""
    scenes = pictures(scenes_of(np.random.default_rng(0), 4, SEEN))
    low, high = (add_noise(np.random.default_rng(1), scenes, ((0, 1), (t, t + 1))) for t in (60, 990))
    assert (mix_guidance(*low, ideal) - scenes).abs().mean() < 0.1
    assert mix_guidance(*high, ideal).std((2, 3)).mean() < 0.2


def test_a_caption_fits_as_far_as_the_noise_leaves_it_likely(ideal: IdealDenoiser) -> None:
    """Wholly or not at all where all can be seen; in between where it cannot."""
    rng = np.random.default_rng(0)
    scenes = scenes_of(rng, 8, SEEN)
    captions = [caption(scene, rng) for scene in scenes] + [caption(nearly(scene, rng), rng) for scene in scenes]
    right = torch.tensor([[said.fits(scene) for said in captions] for scene in scenes]).float()
    x, t = add_noise(rng, pictures(scenes), ((0, 1), (500, 501)))
    assert torch.allclose(fitting(ideal.likely(x, t), captions), right, atol=1e-3)
    x, t = add_noise(rng, pictures(scenes), ((0, 1), (950, 951)))
    doubtful = fitting(ideal.likely(x, t), captions)
    assert doubtful.min() >= 0 and doubtful.max() <= 1 and ((doubtful > 0.05) & (doubtful < 0.95)).any()


def test_what_is_nearly_it_differs_in_one_thing_and_is_not_held_out() -> None:
    """Held-out combinations never enter training, not even as what a picture does not show."""
    rng = np.random.default_rng(0)
    for scene in scenes_of(rng, 200, SEEN):
        other = nearly(scene, rng)
        assert not held_out(other.object, other.colour, other.background)
        assert sum(getattr(scene, name) != getattr(other, name) for name in ("object", "colour", "background")) == 1


def test_every_crop_has_a_caption(ideal: IdealDenoiser) -> None:
    """And there are more of them, which may fit or not."""
    found, count = batch(ideal, NOTHING), 6 * CROPS
    assert found.crops.shape == (count, 3, 64, 64) and found.labels.shape == (count, 4)
    assert found.tokens.shape == (count + 6 + 1, 32) and found.fits.shape == (count, count + 6 + 1)
    assert (found.fits[:, :count].diagonal() > 0).all() and not found.fits[:, -1].any()


def test_a_wrong_caption_that_lies_near_costs(ideal: IdealDenoiser) -> None:
    """What is near is what a pull goes by, so it must be likely, too."""
    torch.manual_seed(0)
    student = Student().eval()
    found = batch(ideal, NOTHING)
    student.bias.data.fill_(-40.0)  # everything lies far from everything
    far = loss_of(student, found)
    found.fits[:] = 0
    assert loss_of(student, found) < far
    student.bias.data.fill_(40.0)
    assert loss_of(student, found) > 10 * far


def test_the_committed_clip_knows_scenes_it_never_saw(ideal: IdealDenoiser) -> None:
    """Of twenty-four captions it finds the right one where the noise still leaves it to be found."""
    ((clip, _),) = load_models("toybox", torch.device("cpu")).clips
    scenes = scenes_of(np.random.default_rng(3), 24, HELD_OUT)
    x, t = add_noise(np.random.default_rng(4), pictures(scenes), ((0, 1), (600, 800)))
    points = torch.nn.functional.normalize(clip.encode_images((mix_guidance(x, t, ideal) + 1) / 2), dim=-1)
    right = [f"a {scene.colour} {scene.object} on a {scene.background} background" for scene in scenes]
    best = (points @ clip.encode_texts(right).T).argmax(1)
    assert (best == torch.arange(len(scenes))).float().mean() > 0.9
