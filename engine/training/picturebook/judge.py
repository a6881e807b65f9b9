"""Reads off a picture's pixels which things it shows and on which ground; knows no network.

The ground is what the border shows. What differs from it is compared with every drawing of the table on that ground,
by colours and slopes at once, each drawing shifted, stretched, turned and bent a little until it fits best. A thing is
named if its drawing explains what differs even where it fits worst, and much better than any other thing's drawing does
where the two differ.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.training.picturebook.world import Renderer

SIDE = 64  # pixels; pictures are looked at in this side
OPPONENT = ((0.299, 0.587, 0.114), (-0.4, -0.4, 0.8), (0.8, -0.64, -0.16))  # RGB to lightness, blueness, redness
RING = 5  # pixels from the edge in which the ground is looked for
WRONG = 0.3  # distance of two colours from which on one is simply another; black and white lie 1 apart
TINT = 0.12  # by which a whole ground may be off in each of the three values
GROUND_COST = 0.6  # mean distance on the ring, in WRONG, of a ground that is named at all
GROUND_LEAD = 0.85  # and its largest ratio to that of the next ground
SLOPES = 1.5  # weight of slopes beside colours
SHIFTS = (-4, -2, 0, 2, 4)  # pixels by which a drawing may be shifted in the first search, each way
CANDIDATES, FINALISTS = 6, 3  # drawings whose fit is searched closely, and more closely
FLOOR = 0.75  # likeness of a drawing that is named
DOUBT = 0.0005  # largest doubt with which one is named
CONTRAST = (0.7, 1.4)  # of what is named, as a share of its drawing's
CUT = 0.06  # largest share of what is named that may lie beyond its place
BENDS = (-2, -1, 0, 1, 2)  # pixels by which parts may have moved in one of PASSES, each way
PASSES = 3
PART = 9  # side of such a part
STIFF = 0.0004  # what each pixel squared of such a move costs, as squared distance of colours
SPOT = 5  # side of the place where a drawing fits worst
GAIN, OFFSET = 0.25, 0.1  # by how much the colours of a thing may be stronger or weaker, and lighter or darker
RELUCTANCE = 0.1  # with which they are taken to be
SURE = 0.9  # likeness of a thing alone from which on no two are looked for
FAINT = 0.02  # root mean square difference from the ground below which nothing is drawn


@dataclass(frozen=True)
class Seen:
    """What a picture shows: ids of things from left to right, and of the ground; nothing where it isn't recognised."""

    things: tuple[str, ...]
    ground: str | None


@dataclass(frozen=True)
class Fit:
    """How well the best drawing explains a part of a picture, and the best drawing of another thing."""

    thing: int
    likeness: float  # at most 1
    other: int
    lead: float  # its squared error where the two differ, as a share of the other's there
    worst: float  # distance of colours where it fits worst
    cut: float  # share of the drawing that lies beyond its place
    contrast: float
    drawn: Tensor  # what it says is there, as features

    @property
    def doubt(self) -> float:
        """Small where it fits everywhere, and all the other's parts that differ do not."""
        return float(self.worst**2 * self.lead * max(0.0, 1 - self.likeness) ** 0.5)

    @property
    def named(self) -> bool:
        whole = self.likeness >= FLOOR and self.cut <= CUT and CONTRAST[0] <= self.contrast <= CONTRAST[1]
        return whole and self.doubt <= DOUBT


class Judge:
    """Knows the drawings and the grounds."""

    def __init__(
        self, names: Sequence[str], single: np.ndarray, half: np.ndarray, grounds: Mapping[str, np.ndarray]
    ) -> None:
        """`single`: [n, 64, 64, 4] uint8 as they stand alone, `half`: [n, 64, 32, 4] as one of two; grounds: 64 px."""
        self.names = list(dict.fromkeys(names))
        self.thing_of = torch.tensor([self.names.index(name) for name in names])
        self.ground_names = list(grounds)
        self.grounds = _opponent(np.stack(list(grounds.values())))
        self.views = [
            _View(_premultiply(single), slice(0, SIDE)),
            _View(_premultiply(half), slice(0, SIDE // 2)),
            _View(_premultiply(half), slice(SIDE // 2, SIDE)),
        ]

    def read(self, picture: np.ndarray) -> Seen:
        """What a [side, side, 3] uint8 picture shows, side a multiple of 64."""
        return next(self.read_all(picture[None]))

    def read_all(self, pictures: np.ndarray) -> Iterator[Seen]:
        """The same of each of [n, side, side, 3] uint8."""
        for cost, fits in self.evidence(pictures):
            yield Seen(tuple(self.names[fit.thing] for fit in fits if fit.named), self._name_ground(cost))

    @torch.no_grad()
    def evidence(self, pictures: np.ndarray) -> Iterator[tuple[Tensor, list[Fit]]]:
        """Of each picture: what it costs to call the border each ground, and the best fits, one or two."""
        seen = _opponent(pictures)
        costs, numbers, tints = self._grounds_of(seen)
        for picture, cost, number, tint in zip(seen, costs, numbers, tints, strict=True):
            ground = self.grounds[number] + tint[:, None, None]
            if ground.flatten(1).std(dim=1).amax() > 0:
                ground = _register(ground[None], lambda part: part, picture)[0]
            soft, ground = _blur(torch.stack([picture, ground]))
            yield cost, self._fits(soft - ground, ground)

    def _grounds_of(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ring = torch.ones(SIDE, SIDE, dtype=torch.bool)
        ring[RING:-RING, RING:-RING] = False
        apart = _blur(seen)[:, None, :, ring] - _blur(self.grounds)[None, :, :, ring]  # n grounds 3 pixels
        near = apart.norm(dim=2, keepdim=True) < WRONG
        tints = apart.masked_fill(~near, torch.nan).nanmedian(dim=3).values.nan_to_num().clamp(-TINT, TINT)
        untinted = apart - tints[..., None]
        costs = (_cost(apart) + _cost(untinted)) / 2
        numbers = costs.argmin(1)
        return costs, numbers, tints[torch.arange(len(seen)), numbers]

    def _name_ground(self, cost: Tensor) -> str | None:
        best, second = cost.topk(2, largest=False).values.tolist()
        known = best <= GROUND_COST and best <= GROUND_LEAD * second
        return self.ground_names[int(cost.argmin())] if known else None

    def _fits(self, difference: Tensor, ground: Tensor) -> list[Fit]:
        """The best fit of a thing alone, or those of two side by side if together they explain more."""
        if difference.square().mean().sqrt() < FAINT:
            return []
        whole = self.views[0].fit(difference, ground, self.thing_of)
        if whole.named and whole.likeness > SURE:
            return [whole]
        pair = [view.fit(difference, ground, self.thing_of) for view in self.views[1:]]
        seen = [_features(difference[None, ..., view.columns])[0] for view in self.views[1:]]
        common = sum(float(a @ b.drawn) for a, b in zip(seen, pair, strict=True))
        lengths = [sum(float(v.square().sum()) for v in vs) for vs in (seen, [fit.drawn for fit in pair])]
        together = common / max(1e-6, (lengths[0] * lengths[1]) ** 0.5)
        return [whole] if whole.likeness >= together else pair


class _View:
    """One place of the picture in which a drawing may lie: all of it, or a half."""

    def __init__(self, table: Tensor, columns: slice) -> None:
        self.table, self.columns = _blur(table), columns  # [n, 4, SIDE, width]
        small = functional.avg_pool2d(table, 2)
        self.rgb, self.cover = small[:, :3], small[:, 3:]

    def fit(self, difference: Tensor, ground: Tensor, thing_of: Tensor) -> Fit:
        """The best fit in this place to a difference from a ground, both [3, SIDE, SIDE], blurred."""
        difference, ground = difference[None, ..., self.columns], ground[None, ..., self.columns]
        seen = _features(difference)[0]
        numbers, poses = self._pose(difference, ground, seen)
        placed = self._place(numbers, poses)
        whole = self.table[numbers, 3].sum((1, 2)) * (poses[:, 2] + poses[:, 3]).exp()
        bent = _register(placed, lambda part: part[:, :3] - part[:, 3:] * ground, difference[0])
        found = torch.cat([bent, functional.avg_pool2d(bent, 3, 1, 1)])
        drawn = found[:, :3] - found[:, 3:] * ground
        features = _features(drawn)
        likeness, soft = _likeness(features, seen).view(2, -1).max(dim=0)
        rows = soft * len(numbers) + torch.arange(len(numbers))
        things, best = thing_of[numbers], int(likeness.argmax())
        other = int(torch.where(things == things[best], -1.0, likeness).argmax())
        mine, theirs = _recolour(drawn[rows[[best, other]]], found[rows[[best, other]], 3:], difference[0])
        apart, error, worse = mine - theirs, difference[0] - mine, difference[0] - theirs
        differ, missed, lost = (x.square().sum(0).clamp(max=WRONG**2) for x in (apart, error, worse))
        return Fit(
            thing=int(things[best]),
            likeness=float(likeness[best]),
            other=int(things[other]),
            lead=float((differ * missed).sum() / (differ * lost).sum().clamp(min=1e-6)),
            worst=float(functional.avg_pool2d(error[None], SPOT, 1, SPOT // 2)[0].norm(dim=0).max()),
            cut=float(1 - placed[best, 3].sum() / whole[best]),
            contrast=float(features[rows[best]] @ seen / features[rows[best]].square().sum().clamp(min=1e-6)),
            drawn=features[rows[best]],
        )

    def _pose(self, difference: Tensor, ground: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of the drawings that fit best, and how they lie then, [n, 5]: right, down, log sizes, turn."""
        numbers, shifts = self._candidates(difference, ground)
        poses = torch.cat([shifts, torch.zeros(len(shifts), 3)], dim=1)

        def closer(tries: Tensor) -> tuple[Tensor, Tensor]:
            tried = (poses[:, None] + tries).flatten(0, 1)
            drawn = self._place(numbers.repeat_interleave(len(tries)), tried)
            likeness = _likeness(_features(drawn[:, :3] - drawn[:, 3:] * ground), seen).view(len(numbers), -1)
            best = likeness.argmax(dim=1)
            return tried.view(len(numbers), len(tries), -1)[torch.arange(len(numbers)), best], likeness.amax(dim=1)

        poses, likeness = closer(COARSE_TRIES)
        keep = likeness.topk(min(FINALISTS, len(numbers))).indices
        numbers, poses = numbers[keep], poses[keep]
        for tries in FINE_TRIES:
            poses, _ = closer(tries)
        return numbers, poses

    def _candidates(self, difference: Tensor, ground: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of the drawings that fit best at some shift, [n], and those shifts in pixels, [n, 2]."""
        templates = self.rgb - self.cover * functional.avg_pool2d(ground, 2)
        flat = templates.flatten(1)
        flat = flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-3)
        reach = max(SHIFTS) // 2
        padded = functional.pad(functional.avg_pool2d(difference, 2), (reach,) * 4)[0]
        height, width = templates.shape[2:]
        corners = [(reach + y // 2, reach + x // 2) for y in SHIFTS for x in SHIFTS]
        windows = torch.stack([padded[:, y : y + height, x : x + width].flatten() for y, x in corners])
        likeness, at = (windows @ flat.T).max(dim=0)  # of each drawing, over the shifts
        best = likeness.topk(min(CANDIDATES, len(likeness))).indices
        shifts = torch.tensor([(x, y) for y in SHIFTS for x in SHIFTS], dtype=torch.float32)
        return best, shifts[at[best]]

    def _place(self, drawings: Tensor, poses: Tensor) -> Tensor:
        """Each drawing in its pose, [n, 4, SIDE, width]."""
        width, turn = self.table.shape[-1], poses[:, 4]
        across, down = torch.exp(-poses[:, 2]), torch.exp(-poses[:, 3])
        ratio = SIDE / width
        theta = torch.stack(
            [
                turn.cos() * across,
                turn.sin() * across * ratio,
                -poses[:, 0] * 2 / width * across,
                -turn.sin() * down / ratio,
                turn.cos() * down,
                -poses[:, 1] * 2 / SIDE * down,
            ],
            dim=1,
        ).view(-1, 2, 3)
        grid = functional.affine_grid(theta, [len(theta), 4, SIDE, width], align_corners=False)
        return functional.grid_sample(self.table[drawings], grid, align_corners=False)


def _likeness(drawn: Tensor, seen: Tensor) -> Tensor:
    """How alike features [n, f] are to [f], at most 1, whatever their contrast."""
    return drawn @ seen / (drawn.norm(dim=1) * seen.norm()).clamp(min=1e-6)


def _cost(apart: Tensor) -> Tensor:
    """Mean distance of colours in WRONG, [n, grounds], of differences [n, grounds, 3, pixels]."""
    return apart.norm(dim=2).clamp(max=WRONG).mean(2) / WRONG


def _tries(*rows: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.cartesian_prod(*(torch.tensor(row) for row in rows))


STILL = (0.0,)
COARSE_TRIES = _tries((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0), STILL, STILL, STILL)
FINE_TRIES = (
    _tries(STILL, STILL, (-0.05, 0.0, 0.05), (-0.05, 0.0, 0.05), (-0.06, 0.0, 0.06)),
    _tries((-0.6, 0.0, 0.6), (-0.6, 0.0, 0.6), (-0.03, 0.0, 0.03), STILL, STILL),
)


def _opponent(pictures: np.ndarray) -> Tensor:
    """[n, side, side, 3] uint8 → [n, 3, SIDE, SIDE]."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255
    if x.shape[-1] != SIDE:
        x = functional.avg_pool2d(x, x.shape[-1] // SIDE)
    return torch.einsum("oc,nchw->nohw", torch.tensor(OPPONENT), x)


def _premultiply(drawings: np.ndarray) -> Tensor:
    """[n, h, w, 4] uint8 → [n, 4, h, w], colours as `_opponent` has them, times coverage."""
    rgba = torch.from_numpy(np.ascontiguousarray(drawings)).permute(0, 3, 1, 2).float() / 255
    colours = torch.einsum("oc,nchw->nohw", torch.tensor(OPPONENT), rgba[:, :3])
    return torch.cat([colours * rgba[:, 3:], rgba[:, 3:]], dim=1)


def _blur(x: Tensor) -> Tensor:
    """[n, c, h, w], by a binomial of five pixels each way."""
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    channels = x.shape[1]
    rows, columns = (kernel.view(shape).expand(channels, 1, *shape[2:]) for shape in ((1, 1, 1, 5), (1, 1, 5, 1)))
    x = functional.conv2d(functional.pad(x, (2, 2, 0, 0), mode="replicate"), rows, groups=channels)
    return functional.conv2d(functional.pad(x, (0, 0, 2, 2), mode="replicate"), columns, groups=channels)


def _register(images: Tensor, shown: Callable[[Tensor], Tensor], target: Tensor) -> Tensor:
    """Images [n, c, h, w] bent smoothly so that what is shown of them meets the target [3, h, w]."""
    flow = images.new_zeros(len(images), 2, *images.shape[2:])  # pixels right and down
    for _ in range(PASSES):
        step, trust = _step(_warp(images, flow), shown, target)
        flow = _smooth(_smooth((flow + step) * trust)) / _smooth(_smooth(trust))
    return _warp(images, flow)


def _step(images: Tensor, shown: Callable[[Tensor], Tensor], target: Tensor) -> tuple[Tensor, Tensor]:
    """By how many pixels each part would have to move, [n, 2, h, w], and how much that would gain, [n, 1, h, w]."""
    reach, (height, width) = max(BENDS), images.shape[2:]
    padded = functional.pad(images, (reach,) * 4, mode="replicate")
    steps, costs = [(x, y) for y in BENDS for x in BENDS], []
    for x, y in steps:
        moved = padded[..., reach - y : reach - y + height, reach - x : reach - x + width]
        wrong = (shown(moved) - target).square().sum(1).clamp(max=WRONG**2)
        costs.append(
            functional.avg_pool2d(wrong, PART, 1, PART // 2, count_include_pad=False) + STIFF * (x * x + y * y)
        )
    found = torch.stack(costs, dim=1)  # n steps h w
    shares = torch.softmax(-found / STIFF, dim=1)
    step = torch.einsum("nshw,sd->ndhw", shares, images.new_tensor(steps))
    return step, found.amax(1, keepdim=True) - found.amin(1, keepdim=True) + 1e-6


def _smooth(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, PART, 1, PART // 2, count_include_pad=False)


def _warp(images: Tensor, flow: Tensor) -> Tensor:
    """What lies at each place after moving by the flow."""
    height, width = images.shape[2:]
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    grid = torch.stack([(x - flow[:, 0]) * 2 / width - 1, (y - flow[:, 1]) * 2 / height - 1], dim=-1)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _recolour(drawn: Tensor, cover: Tensor, seen: Tensor) -> Tensor:
    """Differences from a ground [n, 3, h, w] with the colours that [3, h, w] has: other gains, and other offsets."""
    basis = torch.stack([drawn, cover.expand_as(drawn)], dim=2).flatten(3)  # n 3 2 p
    usual = torch.tensor([1.0, 0.0])
    gram = basis @ basis.mT + RELUCTANCE * torch.eye(2)
    there = (basis @ seen.flatten(1)[None, :, :, None])[..., 0] + RELUCTANCE * usual
    gain = torch.linalg.solve(gram, there)[..., 0].clamp(1 - GAIN, 1 + GAIN)
    left = seen.flatten(1) - gain[..., None] * basis[:, :, 0]
    shift = ((left * basis[:, :, 1]).sum(2) / (basis[:, :, 1].square().sum(2) + 1)).clamp(-OFFSET, OFFSET)
    return gain[..., None, None] * drawn + shift[..., None, None] * cover


def _features(x: Tensor) -> Tensor:
    """Colours and slopes of differences [n, 3, h, w], [n, f]."""
    right, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
    return torch.cat([x.flatten(1), SLOPES * right.flatten(1), SLOPES * down.flatten(1)], dim=1)


@cache
def _judge() -> Judge:
    drawn = Renderer()
    return Judge(list(drawn.number), drawn.single, drawn.half, drawn.grounds)


def read(picture: np.ndarray) -> Seen:
    """What a [side, side, 3] uint8 picture shows, by the drawings of `make drawings`; side a multiple of 64."""
    return _judge().read(picture)


def read_all(pictures: np.ndarray) -> Iterator[Seen]:
    """The same of each of [n, side, side, 3] uint8."""
    return _judge().read_all(pictures)
