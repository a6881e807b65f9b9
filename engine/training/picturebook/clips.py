"""train the picture book's CLIP, the vision tower first, on what guidance shows it: the ideal denoiser's answers.

What can be asked for is a concept: one thing, one thing on a ground, a ground, two things, two things on a ground. Each
concept has a point on the sphere, learned as a table. The vision tower learns with SigLIP's loss (Zhai et al. 2023,
arXiv 2303.15343) how likely each of nine thousand concepts fits what it is shown; the ideal denoiser knows the answer.
The text tower then learns to say the points (`texts`), so words may change without the pictures being learned anew.

Half of what it sees are drawings that it pulls itself, with the ideal denoiser, towards a concept each.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.diffusion.cutouts import cut, random_crops
from engine.diffusion.retrieval import Posterior
from engine.networks.imports import import_open_clip
from engine.training.picturebook.grounds import GROUNDS
from engine.training.picturebook.ideal import IdealDenoiser
from engine.training.picturebook.tables import Scenes, Tables, joined
from engine.training.picturebook.unets import LEVELS, Spread, held_out_scenes, noised
from engine.training.picturebook.world import things
from engine.training.trainer import Run, Trainer

MODEL = {
    "embed_dim": 192,
    "vision_cfg": {"image_size": 64, "layers": 4, "width": 384, "head_width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 2514, "width": 192, "heads": 4, "layers": 3},
}
SIDE, SMALLEST_CROP, WHOLE = 64, 58, 0.5  # crops; the share of them that show all
SCALE = 40.0  # of the logits
DECIDING: Spread = ((0, 0.06, 0.16, 0.55, 0.87, 1), (0, 800, 885, 960, 985, 1000))  # where a drawing is decided
NUDGES = (0.003, 0.6)  # shares of a picture that are moved towards a scene
FELT, LEAST = 1.5, -10.0  # weight of its loss; log-odds below which all is alike
ASKED_GROUNDS = 8  # grounds of which a step asks about every thing
PULLED, FIRST, LAST, STRIDES = 16, ((0, 1), (960, 1000)), 780, (2, 9)  # drawings that it pulls
FORCES = (30.0, 300.0)  # how strongly


@dataclass(frozen=True)
class Concepts:
    """What is asked for, each tensor [m] int64; −1 where nothing is said."""

    left: Tensor
    right: Tensor
    ground: Tensor


class Points(nn.Module):
    """Concepts to points on the sphere."""

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        self.alone = nn.Embedding(len(things()) + 1, width)  # the last is: none
        self.left = nn.Embedding(len(things()), width)
        self.right = nn.Embedding(len(things()), width)
        self.ground = nn.Embedding(len(GROUNDS) + 1, width)  # the last is: not said
        for table in (self.alone, self.left, self.right, self.ground):
            nn.init.normal_(table.weight, std=0.7)
        self.hidden = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.out = nn.Linear(width, MODEL["embed_dim"], bias=False)

    def forward(self, asked: Concepts) -> Tensor:
        """[m, d], unit length."""
        two = (asked.right >= 0)[:, None]
        none = len(things())
        one = self.alone(torch.where(asked.left >= 0, asked.left, none))
        both = self.left(asked.left.clamp(min=0)) + self.right(asked.right.clamp(min=0))
        h = torch.where(two, both, one) + self.ground(torch.where(asked.ground >= 0, asked.ground, len(GROUNDS)))
        return F.normalize(self.out(h + self.hidden(h)), dim=-1)


class Exact(nn.Conv2d):
    """A convolution in float32 at all times: in bfloat16 it would not feel a share of a hundredth."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class Student(nn.Module):
    """Vision tower and points."""

    side = SIDE

    def __init__(self) -> None:
        super().__init__()
        import_open_clip()
        from open_clip.model import CLIP

        self.visual = CLIP(**MODEL).visual
        self.visual.conv1.__class__ = Exact
        self.points = Points()
        self.bias = nn.Parameter(torch.tensor([-22.0, -24.0, -20.0, -24.0, -26.0]))  # of each kind of concept
        count = len(things())
        self.head = nn.Linear(MODEL["embed_dim"], count + 2 * count + len(GROUNDS))
        self.register_buffer("every", torch.cartesian_prod(torch.arange(len(GROUNDS)), torch.arange(count)))

    def encode_images(self, pictures: Tensor) -> Tensor:
        """[m, 3, 64, 64] in 0 … 1 → [m, d], not normalised."""
        return self.visual(pictures * 2 - 1)

    def singles(self, among: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Points of all (ground, thing), the grounds perhaps only those `among`, of all things, of all grounds."""
        every = self.every if among is None else self.every.view(len(GROUNDS), -1, 2)[among].flatten(0, 1)
        nothing = torch.full((len(self.every),), -1)
        all_things, all_grounds = torch.arange(len(things())), torch.arange(len(GROUNDS))
        joint = self.points(Concepts(every[:, 1], nothing[: len(every)], every[:, 0]))
        alone = self.points(Concepts(all_things, nothing[: len(all_things)], nothing[: len(all_things)]))
        on = nothing[: len(all_grounds)]
        return joint, alone, self.points(Concepts(on, on, all_grounds))


def misfit(logits: Tensor, fits: Tensor) -> Tensor:
    """SigLIP's loss: over all concepts of a picture, mean over the pictures."""
    fits = fits.clamp(0, 1)
    return F.binary_cross_entropy_with_logits(logits, fits, reduction="none").sum(1).mean()


def seen(x: Tensor, t: Tensor, x0: Tensor) -> Tensor:
    """x_in of the guidance: the denoised picture mixed with the noisy one."""
    fac = (1 - LEVELS[t][:, None, None, None]).sqrt()
    return x0 * fac + x * (1 - fac)


def cropped(rng: np.random.Generator, *pictures: Tensor) -> tuple[Tensor, ...]:
    """One crop of each picture, as guidance cuts them; the same of every argument."""
    n = len(pictures[0])
    uniform = torch.from_numpy(rng.random((n, 1, 3)))
    uniform[torch.from_numpy(rng.random(n) < WHOLE), :, 0] = 1.0
    where = random_crops(uniform, SIDE, SIDE, SMALLEST_CROP, 0.5)
    return tuple(cut(each, where, SIDE)[:, 0] for each in pictures)


def some_pairs(rng: np.random.Generator, tables: Tables, posterior: Posterior, count: int) -> Tensor:
    """Couples [m, 2] that exist: likely ones of each picture, nearly those, and others."""
    likely = []
    for side in (posterior.left, posterior.right):
        chance = side.sum(1).cumsum(1)
        pick = torch.from_numpy(rng.random((len(chance), 1))).to(chance) * chance[:, -1:]
        likely.append(torch.searchsorted(chance, pick).clamp(max=chance.shape[1] - 1)[:, 0])
    other = torch.from_numpy(tables.couples[rng.integers(len(tables.couples), size=count)])
    both = torch.cat([torch.stack(likely, 1), other])
    both = both[tables.paired[both[:, 0], both[:, 1]]]
    return torch.unique(both, dim=0)


def nudged(rng: np.random.Generator, tables: Tables, x_in: Tensor, t: Tensor) -> tuple[Tensor, Scenes, Tensor]:
    """(pictures moved a little way towards a scene each, those scenes, how far [n] in 0 … 1).

    What guidance shows is a mean of scenes, so a share of it in favour of one scene is known to make it likelier by
    just that share: what a pull has to feel, at every strength.
    """
    n = len(x_in)
    scenes = tables.random(rng, n)
    far = torch.from_numpy(np.exp(rng.uniform(*np.log(NUDGES), n))).float()
    fac = (1 - LEVELS[t]).sqrt()[:, None, None, None]
    towards = tables.pictures(scenes) * fac + x_in * (1 - fac)
    return x_in + far[:, None, None, None] * (towards - x_in), scenes, far


def log_odds(chance: Tensor) -> Tensor:
    chance = chance.clamp(1e-9, 1 - 1e-3)
    return (chance / (1 - chance)).log()


def said_of(student: Student, unit: Tensor, scenes: Scenes) -> Tensor:
    """Logits of each picture's own scene, of its things alone, and of its ground, [n, 3]."""
    nothing, two = torch.full_like(scenes.ground, -1), (scenes.right >= 0).long()
    asked = (
        Concepts(scenes.left, scenes.right, scenes.ground),
        Concepts(scenes.left, scenes.right, nothing),
        Concepts(nothing, nothing, scenes.ground),
    )
    kinds = (4 * two, 1 + 2 * two, torch.full_like(two, 2))
    cosines = torch.stack([(unit * student.points(each).float()).sum(1) for each in asked], dim=1)
    return SCALE * cosines + student.bias[torch.stack(kinds, dim=1)]


def chances_of(posterior: Posterior, scenes: Scenes) -> Tensor:
    """How likely each picture's scene is, its things on whatever ground, and its ground, [n, 3]."""
    rows, right = torch.arange(len(scenes)), scenes.right.clamp(min=0)
    single = posterior.single[rows, :, scenes.left]  # n grounds
    pair = posterior.raw_left[rows, :, scenes.left] * posterior.raw_right[rows, :, right] * posterior.scale
    things = torch.where(scenes.right[:, None] < 0, single, pair)
    return torch.stack([things[rows, scenes.ground], things.sum(1), posterior.ground[rows, scenes.ground]], dim=1)


def felt(student: Student, unit: Tensor, scenes: Scenes, chances: Tensor) -> Tensor:
    """How far the log-odds of one scene of each picture are off; below LEAST it need only be low."""
    wanted, logits = log_odds(chances), said_of(student, unit, scenes)
    off = F.smooth_l1_loss(logits, wanted.clamp(min=LEAST), reduction="none")
    return (off * ~((wanted < LEAST) & (logits < LEAST))).sum(1)


def loss_of(
    student: Student,
    tables: Tables,
    rng: np.random.Generator,
    crops: Tensor,
    posterior: Posterior,
    wanted: tuple[Scenes, Tensor],
    figures: dict | None = None,
) -> Tensor:
    """SigLIP's loss of all kinds of concepts, the head's, and that of a wanted scene of each picture.

    Args:
        crops: more of them than the posterior knows: the first ones again, nudged.
        wanted: scenes and how likely they are, of each crop.
    """
    n = len(posterior.ground)
    e = student.visual(crops).float()
    unit = F.normalize(e, dim=-1)
    close = felt(student, unit, *wanted)
    unit, e = unit[:n], e[:n]
    among = torch.from_numpy(rng.permutation(len(GROUNDS))[:ASKED_GROUNDS])  # a fair sample of them
    joint, alone, on = (points.float() for points in student.singles(among))
    couples = some_pairs(rng, tables, posterior, 200)
    nothing = torch.full((len(couples),), -1)
    grounds = torch.from_numpy(rng.integers(len(GROUNDS), size=len(couples)))
    sure = posterior.ground.argmax(1)
    mine = len(couples) // 2
    grounds[:mine] = sure[torch.from_numpy(rng.integers(len(sure), size=mine))]
    two = student.points(Concepts(couples[:, 0], couples[:, 1], nothing)).float()
    two_on = student.points(Concepts(couples[:, 0], couples[:, 1], grounds)).float()
    chances = posterior.pairs(couples[:, 0], couples[:, 1])  # n grounds m
    fits = (
        posterior.single[:, among].flatten(1),
        posterior.single.sum(1),
        posterior.ground,
        chances.sum(1),
        chances.gather(1, grounds.expand(len(chances), 1, -1))[:, 0],
    )
    losses = [
        misfit(SCALE * unit @ points.T + student.bias[k], fit)
        for k, (points, fit) in enumerate(zip((joint, alone, on, two, two_on), fits, strict=True))
    ]
    losses[0] = losses[0] * (len(GROUNDS) / ASKED_GROUNDS)
    count = len(things())
    logits = student.head(e).float().split([count, count, count, len(GROUNDS)], dim=1)
    single = posterior.single.sum(1)
    named = -((single * logits[0].log_softmax(1)).sum(1) + (posterior.ground * logits[3].log_softmax(1)).sum(1)
              + (posterior.left.sum(1) * logits[1].log_softmax(1)).sum(1)
              + (posterior.right.sum(1) * logits[2].log_softmax(1)).sum(1)).mean()  # fmt: skip
    if figures is not None:
        names = ("joint", "alone", "on", "two", "two_on")
        figures.update({name: loss.item() for name, loss in zip(names, losses, strict=True)})
        figures |= {"named": named.item(), "felt": close[:n].mean().item(), "felt_nudged": close[n:].mean().item()}
    return sum(losses) + 0.5 * named + FELT * close.mean()


class Pulled:
    """Drawings that the student pulls towards a concept each, with the ideal denoiser, down to where the pull ends."""

    def __init__(self, count: int, tables: Tables, ideal: IdealDenoiser) -> None:
        self.tables, self.ideal = tables, ideal
        self.state = {"x": torch.zeros(count, 3, 64, 64), "t": torch.full((count,), -1),
                      "stride": torch.ones(count, dtype=torch.long), "force": torch.ones(count),
                      "left": torch.zeros(count, dtype=torch.long), "right": torch.zeros(count, dtype=torch.long),
                      "ground": torch.zeros(count, dtype=torch.long)}  # fmt: skip

    def begin(self, rng: np.random.Generator) -> None:
        rows = self.state["t"] < LAST
        count = int(rows.sum())
        began = self.tables.random(rng, count)
        self.state["x"][rows], self.state["t"][rows] = noised(rng, self.tables.pictures(began), FIRST)
        self.state["stride"][rows] = torch.from_numpy(rng.integers(*STRIDES, count))
        self.state["force"][rows] = torch.from_numpy(np.exp(rng.uniform(*np.log(FORCES), count))).float()
        wanted = self.tables.random(rng, count)
        silent = torch.from_numpy(rng.random(count) < 0.35)
        for name, value in (("left", wanted.left), ("right", wanted.right),
                            ("ground", torch.where(silent, -1, wanted.ground))):  # fmt: skip
            self.state[name][rows] = value

    @property
    def target(self) -> Scenes:
        """What they are pulled towards; where no ground was said, any will do."""
        ground = self.state["ground"]
        return Scenes(self.state["left"].clone(), self.state["right"].clone(), torch.where(ground < 0, 0, ground))

    def pull(self, rng: np.random.Generator, student: Student) -> tuple[Tensor, Posterior, Tensor, Tensor]:
        """(crops of what it sees, posterior, x0, pull) where the walks are now; nothing moves."""
        with torch.no_grad():
            points = student.points(Concepts(self.state["left"], self.state["right"], self.state["ground"]))
        x, t = self.state["x"].clone().requires_grad_(), self.state["t"]
        posterior = self.ideal.posterior(x, t)
        x0 = self.ideal.mean(posterior)
        (crops,) = cropped(rng, seen(x, t, x0))
        distance = (F.normalize(student.visual(crops).float(), dim=-1) - points).norm(dim=-1).div(2).clamp(max=1 - 1e-6)
        loss = self.state["force"] * distance.arcsin().pow(2) * 2
        (gradient,) = torch.autograd.grad(loss.sum(), x)
        level = LEVELS[t][:, None, None, None]
        shift = (gradient * (1 - level) / level.sqrt()).pow(2).mean((1, 2, 3), keepdim=True).sqrt()
        gradient = gradient * (2.0 / shift.clamp(min=2.0))
        kept = {name: getattr(posterior, name).detach() for name in Posterior.__dataclass_fields__}
        return crops.detach(), Posterior(**kept), x0.detach(), -gradient

    def advance(self, rng: np.random.Generator, x0: Tensor, pull: Tensor) -> None:
        """One DDIM step of each, η = 1, ε moved by the pull."""
        x, t = self.state["x"], self.state["t"]
        after = (t - self.state["stride"]).clamp(min=0)
        level, next_level = (LEVELS[at][:, None, None, None] for at in (t, after))
        eps = (x - level.sqrt() * x0) / (1 - level).sqrt() - (1 - level).sqrt() * pull
        x0 = (x - (1 - level).sqrt() * eps) / level.sqrt()
        variance = (1 - next_level) / (1 - level) * (1 - level / next_level)
        noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
        self.state["x"] = (next_level.sqrt() * x0 + (1 - next_level - variance).clamp(min=0).sqrt() * eps
                           + variance.sqrt() * noise)  # fmt: skip
        self.state["t"] = t - self.state["stride"]


def shown(rng: np.random.Generator, tables: Tables, ideal: IdealDenoiser, x: Tensor, t: Tensor) -> tuple:
    """(crops, then the same nudged; posterior; wanted scenes and how likely they are) of noisy pictures."""
    with torch.no_grad():
        posterior = ideal.posterior(x, t)
        x_in = seen(x, t, ideal.mean(posterior))
        moved, scenes, far = nudged(rng, tables, x_in, t)
        crops, near = cropped(rng, x_in, moved)
        chances = chances_of(posterior, scenes)
    likelier = chances + far[:, None] * (1 - chances)
    return crops, near, posterior, scenes, chances, likelier


@torch.no_grad()
def examine(student: Student, tables: Tables, every: Tables, ideal: IdealDenoiser) -> dict[str, float]:
    """Loss on 128 held-out scenes where a drawing is decided; how often the best concept is the likeliest one."""
    rng = np.random.default_rng((1, 1))
    scenes = held_out_scenes(rng, 128)
    x, t = noised(rng, every.pictures(scenes), ((0, 1), (870, 985)))
    figures: dict[str, float] = {}
    with torch.autocast("cpu", torch.bfloat16):
        crops, near, posterior, wanted, chances, likelier = shown(rng, every, ideal, x, t)
        both = (joined(wanted, wanted), torch.cat([chances, likelier]))
        loss_of(student, every, rng, torch.cat([crops, near]), posterior, both, figures)
        joint, alone, on = student.singles()
        unit = F.normalize(student.visual(crops).float(), dim=-1)
    one, single = posterior.single.sum((1, 2)) > 0.8, posterior.single
    for name, points, truth in (
        ("thing", alone, single.sum(1)),
        ("both", joint, single.flatten(1)),
        ("ground", on, posterior.ground),
    ):
        figures[name] = ((unit @ points.float().T).argmax(1) == truth.argmax(1))[one].float().mean().item()
    return figures


def train(
    folder: Path,
    steps: int,
    scenes: int = 56,
    seed: int = 0,
    hold: float = 0.4,
    muon_lr: float = 0.02,
    walk_from: int = 800,
    start_from: Path | None = None,
) -> None:
    torch.manual_seed(seed)
    tables, every = Tables(), Tables(held_out_too=True)
    ideal, full = IdealDenoiser(tables), IdealDenoiser(every)
    student, pulled = Student(), Pulled(PULLED, tables, ideal)
    run = Run(
        folder=folder, steps=steps, seed=seed, bf16=True, hold=hold, ema=0.998, muon_lr=muon_lr, start_from=start_from,
        outer=("visual.class_embedding", "visual.positional_embedding", "visual.conv1", "visual.proj",
               "points.alone", "points.left", "points.right", "points.ground", "head.", "bias"))  # fmt: skip

    def step_loss(rng: np.random.Generator, step: int) -> Tensor:
        x, t = noised(rng, tables.pictures(tables.random(rng, scenes)), DECIDING)
        crops, near, posterior, wanted, chances, likelier = shown(rng, tables, ideal, x, t)
        targets, likely = [wanted], [chances]
        if step >= walk_from:
            pulled.begin(rng)
            target = pulled.target
            more, also, x0, pull = pulled.pull(rng, student)
            pulled.advance(rng, x0, pull)
            crops = torch.cat([crops, more])
            posterior = Posterior(
                **{
                    name: torch.cat([getattr(posterior, name), getattr(also, name)])
                    for name in Posterior.__dataclass_fields__
                }
            )
            targets.append(target)
            likely.append(chances_of(also, target))
        both = (joined(*targets, wanted), torch.cat([*likely, likelier]))
        return loss_of(student, tables, rng, torch.cat([crops, near]), posterior, both)

    Trainer(student, run, pulled.state).fit(step_loss, lambda average: examine(average, tables, every, full), every=100)
