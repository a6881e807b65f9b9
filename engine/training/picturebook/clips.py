"""the vision tower of the picture book's CLIP, and the linear denoiser that guidance looks through: both computed.

Where a drawing is decided nearly all is noise, and the log-probability of a scene is linear in x_t: ⟨x, scene⟩, a
matched filter. So the vision tower is one: an open_clip ViT with a single patch as large as the picture and no block,
which says a picture's principal components, weighed by λ^−¼. Between Wiener's filter (the guide) and the sphere that
makes the pull of a prompt nearly s − E[s], the scene that was asked for less what is there. Components that differ
less count for more than in pixels, or the pull would only see grounds, and for less than fully whitened, or it would
only see things.
"""

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.diffusion.linear import LinearDenoiser
from engine.networks.imports import import_open_clip
from engine.training.picturebook.tables import Scenes, Tables

COMPONENTS, SIDE = 512, 32
PICTURES, BATCH = 12_000, 500  # scenes that the components are of
WEIGHT = -0.25  # power of the variance
MODEL = {
    "embed_dim": COMPONENTS,
    "vision_cfg": {
        "image_size": SIDE,
        "patch_size": SIDE,
        "layers": 0,
        "width": COMPONENTS,
        "head_width": 64,
        "pool_type": "avg",
    },
    "text_cfg": {"context_length": 20, "vocab_size": 2514, "width": 384, "heads": 6, "layers": 2},
}


def components(tables: Tables, seed: int = 11) -> LinearDenoiser:
    """Mean and principal components of scenes that training may see, by subspace iteration."""
    rng, source = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    size = 3 * SIDE**2
    covariance, mean = torch.zeros(size, size), torch.zeros(size)
    for _ in range(PICTURES // BATCH):
        pixels = small(tables.pictures(tables.random(rng, BATCH))).flatten(1)
        covariance += pixels.T @ pixels / PICTURES
        mean += pixels.sum(0) / PICTURES
    covariance -= torch.outer(mean, mean)
    basis = torch.randn(size, COMPONENTS + 100, generator=source)
    for _ in range(5):
        basis = torch.linalg.qr(covariance @ basis)[0]
    variance, turn = torch.linalg.eigh(basis.T @ covariance @ basis)
    rows = (basis @ turn).flip(1)[:, :COMPONENTS].T.contiguous()
    return LinearDenoiser(mean, rows, variance.flip(0)[:COMPONENTS])


def small(pictures: Tensor) -> Tensor:
    """[n, 3, 64, 64] → [n, 3, 32, 32]"""
    return F.avg_pool2d(pictures, 64 // SIDE)


def save_linear(linear: LinearDenoiser, path: str) -> None:
    """In the form that `load_linear` reads."""
    tensors = {"mean": linear.mean.half(), "basis": linear.basis.half(), "variance": linear.variance}
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path)


def clip_of(linear: LinearDenoiser) -> nn.Module:
    """open_clip's CLIP with the vision tower of these components; the text tower is new."""
    import_open_clip()
    from open_clip.model import CLIP

    clip = CLIP(**MODEL)
    rows = linear.basis * linear.variance[:, None] ** WEIGHT
    visual = clip.visual
    with torch.no_grad():
        visual.conv1.weight.copy_(rows.view_as(visual.conv1.weight))
        visual.positional_embedding.zero_()
        visual.positional_embedding[1] = -(rows @ linear.mean)
        visual.class_embedding.zero_()
        visual.proj.copy_(torch.eye(COMPONENTS))
    visual.requires_grad_(False)
    return clip


class Points:
    """Where the vision tower puts scenes; what the text tower has to say."""

    def __init__(self, clip: nn.Module, tables: Tables) -> None:
        self.visual, self.tables = clip.visual, tables
        self.grounds = torch.cat([tables.grounds, tables.grounds.mean(0, keepdim=True)])  # the last: nothing was said

    @torch.no_grad()
    def __call__(self, asked: Scenes) -> Tensor:
        """[m, d], unit length; ground −1 is whichever."""
        return F.normalize(self.visual(small(self.tables.pictures(asked, self.grounds))), dim=-1)
