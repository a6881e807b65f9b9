"""what a noisy picture may show, by a table of small pictures: their mean, weighed by how well each explains x_t.

Retrieval inside a diffusion model (Blattmann et al. 2022, arXiv 2204.11824), exact: the table holds things and grounds,
and a scene is one thing, or two side by side, on a ground. With premultiplied colours R and transparency T a scene is
R + T · B, so ⟨x, scene⟩ is ⟨x, R⟩ + ⟨x · B, T⟩: matrix products. Two things lie in halves that, given the ground, know
nothing of one another. The U-Net is shown the mean beside x_t and draws the picture.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.diffusion.schedule import alphas_cumprod

NEGLIGIBLE = 1e-4  # probability of a ground below which its pictures are left out of the mean
DOUBT = 14.0  # nats by which the frame must speak against a ground before it is not tried
PAIRS = 0.35  # share of scenes that show two things


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What scenes are put together from, all in −1 … 1; s is the side."""

    drawn: Tensor  # [things, 3, s, s] premultiplied colours of a thing alone
    clear: Tensor  # [things, 1, s, s] its transparency
    half: Tensor  # [things, 3, s, s/2] the same of one of two
    clear_half: Tensor  # [things, 1, s, s/2]
    grounds: Tensor  # [grounds, 3, s, s], plain ones first


def load_pictures(path: Path) -> Pictures:
    """Read a table's file: premultiplied RGBA as bytes."""
    kept = {name: value.float() / 255 for name, value in load_file(path).items()}
    (drawn, clear), (half, clear_half) = [
        (2 * rgba[:, :3] - rgba[:, 3:], 1 - rgba[:, 3:]) for rgba in (kept["single"], kept["half"])
    ]
    return Pictures(drawn=drawn, clear=clear, half=half, clear_half=clear_half, grounds=2 * kept["grounds"] - 1)


@dataclass(frozen=True)
class Posterior:
    """What pictures [n] may show; probabilities of each picture add up to 1 over all scenes."""

    single: Tensor  # [n, grounds, things]
    left: Tensor  # [n, grounds, things], of pairs
    right: Tensor
    raw_left: Tensor  # [n, grounds, things]: p(pair, ground) = scale · raw_left · raw_right where it exists
    raw_right: Tensor
    scale: Tensor  # [n, grounds]

    @property
    def ground(self) -> Tensor:
        """[n, grounds]"""
        return self.single.sum(2) + self.left.sum(2)

    def pairs(self, one: Tensor, other: Tensor) -> Tensor:
        """p(this one left, the other right, and the ground), [n, grounds, m], of couples [m] that exist."""
        return self.raw_left[..., one] * self.raw_right[..., other] * self.scale[..., None]


class SceneTable(nn.Module):
    """E[x0 | x_t] over all scenes of a table, at the table's own side."""

    fold = 4  # pixels of the table, each way, that are one position of a U-Net

    def __init__(self, pictures: Pictures, known: Tensor | None = None, paired: Tensor | None = None) -> None:
        """Without `known` and `paired` every thing may lie on every ground and beside every other.

        Args:
            known: [things, grounds] bool, which scenes of one thing exist.
            paired: [things, things] bool, which may lie side by side, left and right.
        """
        super().__init__()
        self.levels: Tensor
        self.register_buffer("levels", torch.from_numpy(alphas_cumprod("cosine")).float())
        count, side = len(pictures.drawn), pictures.drawn.shape[-1]
        self.side = side
        known = torch.ones(count, len(pictures.grounds), dtype=torch.bool) if known is None else known
        paired = ~torch.eye(count, dtype=torch.bool) if paired is None else paired
        prior = torch.where(known.T, math.log((1 - PAIRS) / int(known.sum())), -torch.inf)  # grounds things
        left, right = pictures.grounds[..., : side // 2], pictures.grounds[..., side // 2 :]
        self.frame = (pictures.clear.amin((0, 1)) > 0.999) & (
            torch.cat([pictures.clear_half] * 2, 3).amin((0, 1)) > 0.999
        )
        plain = (pictures.grounds == pictures.grounds[:, :, :1, :1]).all(3).all(2).all(1)
        self.plain = int(plain.long().cumprod(0).sum())  # grounds of one colour, at the beginning
        self.settings = range(self.plain, len(pictures.grounds))
        self.prior_pair = math.log(PAIRS / (int(paired.sum()) * len(pictures.grounds)))
        for name, value in {
            "prior": prior,
            "paired": paired.float(),
            "single": pictures.drawn.flatten(1),
            "half": pictures.half.flatten(1),
            "clear": pictures.clear.flatten(1),
            "clear_half": pictures.clear_half.flatten(1),
            "grounds": pictures.grounds.flatten(2),
            "left_grounds": left.flatten(2),
            "right_grounds": right.flatten(2),
            "energy": _energy(pictures.drawn, pictures.clear, pictures.grounds),
            "left_energy": _energy(pictures.half, pictures.clear_half, left),
            "right_energy": _energy(pictures.half, pictures.clear_half, right),
            "frames": pictures.grounds[:, :, self.frame].flatten(1),
            "colours": pictures.grounds[: self.plain, :, 0, 0],
        }.items():
            self.register_buffer("table_" + name, value)

    def table(self, name: str) -> Tensor:
        return cast(Tensor, getattr(self, "table_" + name))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """x0 [n, 3, s, s] of square pictures x_t [n, 3, h, h] in −1 … 1; t: [n] int on 0 … 999."""
        return self.mean(self.posterior(x, t))

    def beside(self, x: Tensor, t: Tensor, positions: tuple[int, int]) -> Tensor:
        """What a U-Net is shown beside x_t [n, 3, h, w], folded into its positions: [n, 3 · k², *positions].

        Of a picture that isn't square it is the middle that the table knows; what lies about it is the edge repeated.
        """
        h, w = x.shape[-2:]
        short, inner = min(h, w), self.fold * min(positions)
        top, left = (h - short) // 2, (w - short) // 2
        found = self(x[..., top : top + short, left : left + short], t)
        if inner != self.side:  # another size than the set's own
            found = F.interpolate(found, (inner, inner), mode="area")
        rows, columns = (self.fold * count - inner for count in positions)
        found = F.pad(found, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2], mode="replicate")
        return F.pixel_unshuffle(found, self.fold)

    def posterior(self, x: Tensor, t: Tensor) -> Posterior:
        """log p(x_t | scene) = (√ᾱ ⟨x, s⟩ − ᾱ ‖s‖² / 2) / (1 − ᾱ) up to a constant."""
        with torch.autocast(x.device.type, enabled=False):
            shrink = x.shape[-1] / self.side
            if shrink != 1:
                x = F.interpolate(x, (self.side, self.side), mode="area")  # whose noise has so much less variance
            level, sharper = self.levels[t.long()][:, None, None], shrink**2  # an adaptive t is rounded down
            gain, loss = sharper * level.sqrt() / (1 - level), sharper * level / (2 * (1 - level))
            middle = self.side // 2

            rows, on = self._likely_grounds(x, gain, loss)

            def fits(x: Tensor, drawn: str, clear: str, grounds: str, energy: str) -> Tensor:
                """[n, grounds, things]; hopeless on settings that are out of the question."""
                pixels = x.flatten(2)  # n 3 p
                inks = pixels.flatten(1) @ self.table(drawn).T  # n things
                bare = (pixels.flatten(0, 1) @ self.table(clear).T).unflatten(0, (-1, 3))  # n 3 things
                plain = torch.einsum("nci,gc->ngi", bare, self.table("colours")) + inks[:, None]
                plain = gain * plain - loss * self.table(energy)[: self.plain]
                over = torch.cat([_dot(pixels[rows[on == k]], self.table(grounds)[k]) for k in self.settings])
                inner = _products(over, self.table(clear).T, rows, len(x)) + inks[rows]
                found = gain[rows, 0] * inner - loss[rows, 0] * self.table(energy)[on]
                whole = found.new_full((len(x), len(self.settings), found.shape[1]), -1e9)
                return torch.cat([plain, whole.index_put((rows, on - self.plain), found)], dim=1)

            single = fits(x, "single", "clear", "grounds", "energy") + self.table("prior")
            left = fits(x[..., :middle], "half", "clear_half", "left_grounds", "left_energy")
            right = fits(x[..., middle:], "half", "clear_half", "right_grounds", "right_energy")
            top_left, top_right = left.amax(2, keepdim=True).detach(), right.amax(2, keepdim=True).detach()
            left, right = (left - top_left).exp(), (right - top_right).exp()
            of_left, of_right = left * (right @ self.table("paired")), right * (left @ self.table("paired"))
            pairs = (of_left.sum(2) + 1e-30).log() + (top_left + top_right)[..., 0] + self.prior_pair  # n grounds
            total = torch.cat([single.flatten(1), pairs], dim=1).logsumexp(1)[:, None]
            ground = (pairs - total).exp()  # p(two things, ground)
            scale = ground / (of_left.sum(2) + 1e-30)
            return Posterior(
                single=(single - total[..., None]).exp(),
                left=of_left * scale[..., None],
                right=of_right * scale[..., None],
                raw_left=left,
                raw_right=right,
                scale=scale,
            )

    @torch.no_grad()
    def _likely_grounds(self, x: Tensor, gain: Tensor, loss: Tensor) -> tuple[Tensor, Tensor]:
        """(row, ground) of the settings that the frame, where no thing lies, does not rule out; ground by ground."""
        frame = x[:, :, self.frame].flatten(1)
        fit = gain[..., 0] * (frame @ self.table("frames").T) - loss[..., 0] * self.table("frames").square().sum(1)
        likely = fit > fit.amax(1, keepdim=True) - DOUBT
        on, rows = likely[:, self.plain :].T.nonzero(as_tuple=True)  # ground by ground
        return rows, on + self.plain

    def mean(self, posterior: Posterior) -> Tensor:
        """x0, [n, 3, s, s]."""

        first = self.plain
        rows, on = (posterior.ground[:, first:].detach() > NEGLIGIBLE).nonzero(as_tuple=True)

        def drawn(weights: Tensor, drawn: str, clear: str, grounds: str, width: int) -> Tensor:
            plain = torch.einsum("ngi,gc->nci", weights[:, :first], self.table("colours"))
            found = (plain.flatten(0, 1) @ self.table(clear)).unflatten(0, (-1, 3))  # n 3 p
            found = found + (weights.sum(1) @ self.table(drawn)).unflatten(1, (3, -1))
            seen = _products(weights[rows, on + first], self.table(clear), rows, len(weights))
            setting = seen[:, None] * self.table(grounds)[on + first]
            return found.index_add(0, rows, setting).unflatten(2, (self.side, width))

        with torch.autocast(posterior.single.device.type, enabled=False):
            middle = self.side // 2
            left = drawn(posterior.left, "half", "clear_half", "left_grounds", middle)
            right = drawn(posterior.right, "half", "clear_half", "right_grounds", middle)
            return drawn(posterior.single, "single", "clear", "grounds", self.side) + torch.cat([left, right], dim=3)


def _products(values: Tensor, table: Tensor, rows: Tensor, count: int) -> Tensor:
    """values [k, m] @ table [m, i], with a product for each of `count` pictures; `rows` [k] says whose a value is.

    How many settings are tried is a picture's own; in one product for all of them the shape, and with it the order of
    everybody's sums, would depend on the company that a picture is drawn in.
    """
    own = rows.argsort(stable=True)
    apart = values[own].split(torch.bincount(rows, minlength=count).tolist())
    # each in memory of its own: how a part of a larger tensor lies in memory may change the sums, too
    return torch.cat([part.clone() @ table for part in apart])[own.argsort()]


def _dot(pixels: Tensor, ground: Tensor) -> Tensor:
    """Sum over the channels of pixels [k, 3, p] times ground [3, p]."""
    found = pixels[:, 0] * ground[0]
    return found.addcmul(pixels[:, 1], ground[1]).addcmul(pixels[:, 2], ground[2])


def _energy(drawn: Tensor, clear: Tensor, grounds: Tensor) -> Tensor:
    """‖R_i + T_i · B_g‖², [grounds, things]."""
    scene = torch.empty_like(drawn)  # one for all: fresh memory for each takes longer than the sums

    def energy(ground: Tensor) -> Tensor:
        return torch.mul(clear, ground, out=scene).add_(drawn).square_().sum((1, 2, 3))

    return torch.stack([energy(ground) for ground in grounds])
