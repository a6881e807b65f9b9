"""the best denoiser there can be for the picture book's world: the mean of all scenes, weighed by how they explain x_t.

It teaches the U-Net, says for CLIP how likely each caption fits, and shows it what guidance will show.
"""

from engine.diffusion.retrieval import SceneTable
from engine.training.picturebook.tables import Tables


class IdealDenoiser(SceneTable):
    """E[x0 | x_t] over the scenes that `tables` allow."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables.at(64), tables.known, tables.paired)
