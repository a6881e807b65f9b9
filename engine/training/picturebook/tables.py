"""the drawings and grounds as tensors, and scenes by number put together from them.

With premultiplied colours R and transparency T = 1 − alpha, a scene is R + T · ground; all in −1 … 1.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.diffusion.retrieval import PAIRS, Pictures
from engine.training.picturebook.grounds import GROUNDS, ground
from engine.training.picturebook.world import (
    DRAWINGS_FILE,
    Scene,
    pair_held_out,
    single_held_out,
    things,
)


@dataclass(frozen=True)
class Scenes:
    """Some scenes by number, each tensor [n] int64."""

    left: Tensor  # the thing, or the left one of two
    right: Tensor  # the right one of two; −1 where there is one
    ground: Tensor

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, rows: Tensor | slice) -> "Scenes":
        return Scenes(self.left[rows], self.right[rows], self.ground[rows])

    def to(self, device: torch.device) -> "Scenes":
        """The same on another device."""
        return Scenes(self.left.to(device), self.right.to(device), self.ground.to(device))

    def scene(self, row: int) -> Scene:
        """The one in this row, by name."""
        numbers = [int(self.left[row]), int(self.right[row])]
        return Scene(tuple(things()[k] for k in numbers if k >= 0), GROUNDS[int(self.ground[row])])


def join_scenes(*parts: Scenes) -> Scenes:
    """One after the other."""
    return Scenes(*(torch.cat([getattr(part, name) for part in parts]) for name in ("left", "right", "ground")))


class Tables(nn.Module):
    """What scenes are put together from."""

    single: Tensor  # [things, 3, 64, 64] premultiplied colours
    halves: Tensor  # [things, 3, 64, 32]
    clear: Tensor  # [things, 1, 64, 64] transparency
    clear_half: Tensor  # [things, 1, 64, 32]
    grounds: Tensor  # [grounds, 3, 64, 64]
    known: Tensor  # [things, grounds] bool: what training may see
    paired: Tensor  # [things, things] bool

    def __init__(self, path: Path = DRAWINGS_FILE, held_out_too: bool = False) -> None:
        """`held_out_too`: for measuring; whatever learns must not hear of those scenes."""
        super().__init__()
        with np.load(path) as file:
            if tuple(str(name) for name in file["names"]) != things():
                raise ValueError(f"{path} holds other things than things.json: run `make drawings` again")
            parts = [torch.from_numpy(file[kind]).permute(0, 3, 1, 2).float() / 255 for kind in ("single", "half")]
        (single, clear), (half, clear_half) = [_premultiply(part) for part in parts]
        grounds = torch.stack([torch.from_numpy(ground(name).copy()) for name in GROUNDS])
        known = torch.tensor([[held_out_too or not single_held_out(name, on) for on in GROUNDS] for name in things()])
        paired = torch.tensor(
            [
                [one != other and (held_out_too or not pair_held_out(one, other)) for other in things()]
                for one in things()
            ]
        )
        for name, value in (
            ("single", single),
            ("halves", half),
            ("clear", clear),
            ("clear_half", clear_half),
            ("grounds", grounds.permute(0, 3, 1, 2).float() / 127.5 - 1),
            ("known", known),
            ("paired", paired),
        ):
            self.register_buffer(name, value)
        self.allowed = known.nonzero().cpu().numpy()  # (thing, ground) of each single scene
        self.couples = paired.nonzero().cpu().numpy()  # (left, right) of each pair

    def at(self, side: int) -> Pictures:
        """The same at a smaller side, each pixel the mean of those that it stands for."""
        drawn, clear, half, clear_half, grounds = (
            F.avg_pool2d(table, 64 // side)
            for table in (self.single, self.clear, self.halves, self.clear_half, self.grounds)
        )
        return Pictures(drawn=drawn, clear=clear, half=half, clear_half=clear_half, grounds=grounds)

    def random(self, rng: np.random.Generator, count: int, pairs: float = PAIRS) -> Scenes:
        """Scenes that training may see, drawn at random; a share of them show two things."""
        two = int(rng.binomial(count, pairs))
        one = self.allowed[rng.integers(len(self.allowed), size=count - two)]
        both = self.couples[rng.integers(len(self.couples), size=two)]
        on = rng.integers(len(GROUNDS), size=two)
        rows = np.concatenate([np.stack([one[:, 0], np.full(len(one), -1), one[:, 1]], 1), np.column_stack([both, on])])
        left, right, grounds = torch.from_numpy(rows[rng.permutation(count)].T.astype(np.int64)).to(self.grounds.device)
        return Scenes(left, right, grounds)

    def pictures(self, scenes: Scenes, grounds: Tensor | None = None) -> Tensor:
        """[n, 3, 64, 64] in −1 … 1; `grounds` in the place of the world's."""
        grounds, scenes = self.grounds if grounds is None else grounds, scenes.to(self.grounds.device)
        one = scenes.right < 0
        left, right = scenes.left, scenes.right.clamp(min=0)
        drawn = torch.where(_wide(one), self.single[left], torch.cat([self.halves[left], self.halves[right]], dim=3))
        clear = torch.where(_wide(one), self.clear[left], torch.cat([self.clear_half[left], self.clear_half[right]], 3))
        return drawn + clear * grounds[scenes.ground]


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _premultiply(rgba: Tensor) -> tuple[Tensor, Tensor]:
    cover = rgba[:, 3:]
    return cover * (rgba[:, :3] * 2 - 1), 1 - cover
