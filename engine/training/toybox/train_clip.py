"""trains the toybox's CLIP on what guidance shows it: cutouts of unfinished pictures.

Half of them are scenes. The others are drawings that it pulls itself, with the ideal denoiser, towards another scene
each (`walks`).

The loss is SigLIP's (Zhai et al. 2023, arXiv 2303.15343): of each crop and each caption it asks how likely the one fits
the other, and the ideal denoiser knows the answer. CLIP's own loss (Radford et al. 2021, arXiv 2103.00020) only asks
which caption fits best, and leaves open how near the right one is; but nearness is all that a pull goes by. Linear
heads that name object, colours and size learn beside it and are thrown away: they teach the small vision tower shapes
several times sooner.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.diffusion.cutouts import cut, random_crops
from engine.diffusion.denoisers import network_denoiser
from engine.drawing.models import load_models
from engine.networks.imports import import_open_clip
from engine.training.toybox.bpe import learn_merges, write_vocabulary
from engine.training.toybox.captions import Caption, caption
from engine.training.toybox.ideal import INKS, PAIRS, PAPERS, IdealDenoiser
from engine.training.toybox.train_unet import HELD_OUT, OFTEN, SEEN, add_noise, pictures, scenes_of
from engine.training.toybox.walks import PulledWalks
from engine.training.toybox.world import COLOURS, OBJECTS, SIZES, Scene, random_scene
from engine.training.trainer import Run, Trainer

MODEL = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64},
    "text_cfg": {"context_length": 32, "vocab_size": 1042, "width": 96, "heads": 3, "layers": 2},
}
SIDE = 64
SMALLEST_CROP = 44  # smaller ones miss the object too often
SCENES, PULLED, CROPS = 24, 24, 2  # scenes of a batch, drawings that it pulls, and crops of each
HIGHEST, STRIDES = ((0, 1), (900, 1000)), (2, 8)  # timesteps where those begin, and their steps
DECIDING = ((0, 0.15, 0.35, 0.9, 1), (0, 500, 820, 965, 1000))  # shares of the timesteps: where a drawing is decided
HEADS: tuple[list[str], ...] = (list(OBJECTS), list(COLOURS), list(COLOURS), list(SIZES))
SCALE_LIMIT = 30.0  # of the logits: low, so that different things lie far apart on the sphere
ALLOWED = set(SEEN)

Tokenize = Callable[[list[str]], Tensor]  # texts → [m, context]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns from."""

    crops: Tensor  # [n, 3, SIDE, SIDE] in about −1 … 1, CROPS of each picture
    tokens: Tensor  # [n + k, context]: a caption of each crop, then k more
    fits: Tensor  # [n, n + k] in 0 … 1: how likely caption j fits what crop i shows
    labels: Tensor  # [n, 4] indices into HEADS


class Student(nn.Module):
    """The CLIP and the heads that help it learn."""

    side = SIDE  # this and `encode_images` are what guidance asks of it

    def __init__(self) -> None:
        super().__init__()
        import_open_clip()
        from open_clip.model import CLIP

        self.clip = CLIP(**MODEL)
        self.clip.logit_scale.data.fill_(np.log(SCALE_LIMIT))
        self.bias = nn.Parameter(torch.tensor(-0.6 * SCALE_LIMIT))
        self.heads = nn.ModuleList(nn.Linear(MODEL["embed_dim"], len(names)) for names in HEADS)

    def encode_images(self, pictures: Tensor) -> Tensor:
        """[m, 3, SIDE, SIDE] in 0 … 1 → [m, d], not normalised."""
        return self.clip.encode_image(pictures * 2 - 1)

    def encode_texts(self, tokens: Tensor) -> Tensor:
        """[m, context] → [m, d], unit length."""
        return F.normalize(self.clip.encode_text(tokens), dim=-1)

    def logits(self, image: Tensor, text: Tensor) -> Tensor:
        """How likely each text fits each picture, [n, m]; of their points."""
        return self.clip.logit_scale.exp().clamp(max=SCALE_LIMIT) * F.normalize(image, dim=-1) @ text.T + self.bias


def vocabulary(path: Path) -> None:
    """Learn the byte pairs from captions of all kinds and write them."""
    rng = np.random.default_rng(5)
    texts = [caption(random_scene(rng, SEEN), rng).text for _ in range(20_000)]
    size = write_vocabulary(learn_merges(texts, 1000), path)
    if size != MODEL["text_cfg"]["vocab_size"]:
        raise RuntimeError(f"the vocabulary has {size} words: write that into MODEL")


@torch.no_grad()
def mix_guidance(x: Tensor, t: Tensor, ideal: IdealDenoiser) -> Tensor:
    """x_in of the guidance, like x: the denoised picture mixed with the noisy one."""
    fac = (1 - ideal.levels[t][:, None, None, None]).sqrt()
    return ideal(x, t) * fac + x * (1 - fac)


def make_batch(
    rng: np.random.Generator, tokenizer: Tokenize, ideal: IdealDenoiser, x: Tensor, t: Tensor, more: list[Caption]
) -> Batch:
    """Crops of what guidance sees at x_t, captions of what that may be, of nearly that, and `more`; on x's device."""
    likely = ideal.likely(x, t)
    scenes = ideal.scenes(likely, rng)
    x_in, device = mix_guidance(x, t, ideal), x.device
    where = random_crops(torch.from_numpy(rng.random((len(scenes), CROPS, 3))), SIDE, SIDE, SMALLEST_CROP, 0.5)
    crops = cut(x_in, where, SIDE).flatten(0, 1)
    noise = torch.from_numpy(rng.standard_normal(crops.shape, dtype=np.float32))
    amount = torch.from_numpy(rng.uniform(-0.15, 0.15, (len(crops), 1, 1, 1))).float().clamp(min=0)
    captions = [caption(scene, rng) for scene in scenes for _ in range(CROPS)]
    captions += [caption(nearly(scene, rng), rng) for scene in scenes] + more
    labels = torch.tensor([_labels(scene) for scene in scenes]).repeat_interleave(CROPS, dim=0)
    return Batch(
        crops=crops + (amount * noise).to(device),
        tokens=tokenizer([c.text for c in captions]).to(device),
        fits=fitting(likely, captions).repeat_interleave(CROPS, dim=0),
        labels=labels.to(device),
    )


def nearly(scene: Scene, rng: np.random.Generator) -> Scene:
    """Another scene that training may see, which differs in one thing."""
    while True:
        name = ("object", "object", "colour", "background")[rng.integers(4)]
        names = list(OBJECTS if name == "object" else COLOURS)
        other = replace(scene, **{name: names[rng.integers(len(names))]})
        if other != scene and (other.object, other.colour, other.background) in ALLOWED:
            return other


def fitting(likely: Tensor, captions: list[Caption]) -> Tensor:
    """How likely each caption fits, [n, m], where `likely` [n, templates, pairs] is what each picture may be."""
    objects, sizes = len(OBJECTS), len(SIZES)
    chances = likely.new_zeros(len(likely), objects, sizes, len(COLOURS), len(COLOURS))  # ink, paper
    chances[..., INKS, PAPERS] = likely.view(len(likely), objects, sizes, -1, len(PAIRS)).sum(3)
    return torch.stack([_chance(chances, caption) for caption in captions], dim=1).clamp(max=1)


def _chance(chances: Tensor, said: Caption) -> Tensor:
    found = chances[:, list(OBJECTS).index(said.object), :, list(COLOURS).index(said.colour)]  # n sizes papers
    if said.size is not None:
        found = found[:, [list(SIZES).index(said.size)]]
    if said.background is not None:
        found = found[..., [list(COLOURS).index(said.background)]]
    return found.sum((1, 2))


def _labels(scene: Scene) -> list[int]:
    said = (scene.object, scene.colour, scene.background, scene.size)
    return [names.index(word) for names, word in zip(HEADS, said, strict=True)]


def misfit(logits: Tensor, fits: Tensor) -> Tensor:
    """SigLIP's loss: over all captions of a crop, mean over the crops."""
    return F.binary_cross_entropy_with_logits(logits, fits, reduction="none").sum(1).mean()


def loss_of(student: Student, batch: Batch) -> Tensor:
    image, text = student.clip.encode_image(batch.crops), student.encode_texts(batch.tokens)
    named = [F.cross_entropy(head(image), batch.labels[:, k]) for k, head in enumerate(student.heads)]
    names = named[0] + 0.5 * sum(named)  # it is the hardest to see
    return misfit(student.logits(image, text), batch.fits) + names


@torch.no_grad()
def right_share(student: Student, batch: Batch) -> dict[str, float]:
    """How often the heads name what is shown, and the own caption beats all that hardly fit; SigLIP's loss."""
    image = student.clip.encode_image(batch.crops)
    logits = student.logits(image, student.encode_texts(batch.tokens))
    target = torch.arange(len(logits), device=logits.device)
    own = F.one_hot(target, logits.shape[1]).bool()
    best = logits.masked_fill((batch.fits > 0.1) & ~own, -1e4).argmax(dim=1)
    figures = {"fitting": misfit(logits, batch.fits).item(), "matched": (best == target).float().mean().item()}
    for k, name in enumerate(("object", "colour", "background", "size")):
        right = student.heads[k](image).argmax(dim=1) == batch.labels[:, k]
        figures[name] = right.float().mean().item()
    return figures


def train(folder: Path, steps: int, device: torch.device, seed: int = 0, start_from: Path | None = None) -> None:
    """`start_from`: a committed clip.safetensors to begin with."""
    from open_clip.tokenizer import SimpleTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary(folder / "vocabulary.txt.gz")
    tokenizer = SimpleTokenizer(str(folder / "vocabulary.txt.gz"), context_length=MODEL["text_cfg"]["context_length"])
    ideal = IdealDenoiser().to(device)
    torch.manual_seed(seed)
    student = Student()
    if start_from is not None:
        student.clip.load_state_dict({key: value.float() for key, value in load_file(start_from).items()})
    student.to(device)
    run = Run(
        folder=folder,
        steps=steps,
        seed=seed,
        adam_lr=1.5e-3,
        ema=0.995,
        hold=0.3,
        outer=(
            "clip.visual.conv1",
            "clip.visual.attnpool.positional",
            "clip.visual.attnpool.c_proj",
            "clip.token_embedding",
            "clip.positional",
            "clip.text_projection",
            "heads.",
        ),
    )
    rng = np.random.default_rng((1, 1))
    x, t = (part.to(device) for part in add_noise(rng, pictures(scenes_of(rng, 128, HELD_OUT)), DECIDING))
    examined = make_batch(rng, tokenizer, IdealDenoiser(held_out_too=True).to(device), x, t, [])
    models = replace(load_models("toybox", device), clips=[(student, 1.0)])
    pulled = PulledWalks(PULLED, STRIDES, models, ideal)
    denoise = network_denoiser(ideal, objective="x0", schedule="cosine")

    def step_loss(rng: np.random.Generator, step: int) -> Tensor:
        x, t = add_noise(rng, pictures(scenes_of(rng, SCENES, OFTEN)), DECIDING)
        pulled.begin(rng, *add_noise(rng, pictures(scenes_of(rng, pulled.missing, OFTEN)), HIGHEST))
        x, t = torch.cat([x, pulled.x]).to(device), torch.cat([t, pulled.t]).to(device)
        batch = make_batch(rng, tokenizer, ideal, x, t, pulled.captions(rng))
        student.eval()
        with torch.no_grad():
            points = student.encode_texts(batch.tokens[-PULLED:])
        pulled.advance(rng, pulled.pull(rng, denoise, points))
        student.train()
        return loss_of(student, batch)

    Trainer(student, run, pulled.state).fit(step_loss, lambda average: right_share(average, examined), every=200)
