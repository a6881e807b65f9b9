"""train the toybox's CLIP on what guidance shows it: cutouts of unfinished pictures.

The loss is CLIP's (Radford et al. 2021, arXiv 2103.00020), except that captions which also fit a
picture are not its negatives. Linear heads that name object, colours and size learn beside it and
are thrown away: they teach the small vision tower shapes several times sooner.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.cutouts import cut, random_crops
from engine.quirks import allow_cpu_torchvision
from engine.toybox.bpe import learn_merges, write_vocabulary
from engine.toybox.captions import caption
from engine.toybox.ideal import IdealDenoiser
from engine.toybox.train_unet import HELD_OUT, SEEN, noised, pictures
from engine.toybox.training import Run, Trainer
from engine.toybox.world import COLOURS, OBJECTS, SIZES, Scene, random_scene

MODEL = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 64},
    "text_cfg": {"context_length": 32, "vocab_size": 1042, "width": 96, "heads": 3, "layers": 2},
}
SIDE = 64
SMALLEST_CROP = 44  # smaller ones miss the object too often
SCENES, CROPS = 48, 2  # scenes of a batch, and crops of each
EASY = 700  # timesteps below this leave nothing to guess
DECIDING = ((0, 0.15, 0.35, 0.9, 1), (0, 500, 820, 965, 1000))  # shares of the timesteps: where a drawing is decided
HEADS: tuple[list[str], ...] = (list(OBJECTS), list(COLOURS), list(COLOURS), list(SIZES))
SCALE_LIMIT = 30.0  # of the logits: low, so that different things lie far apart on the sphere


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns from."""

    crops: Tensor  # [n, 3, SIDE, SIDE] in about −1 … 1
    tokens: Tensor  # [n, context]
    fits: Tensor  # [n, n] bool: caption j fits the scene of crop i
    labels: Tensor  # [n, 4] indices into HEADS


class Student(nn.Module):
    """The CLIP and the heads that help it learn."""

    def __init__(self) -> None:
        super().__init__()
        allow_cpu_torchvision()
        from open_clip.model import CLIP

        self.clip = CLIP(**MODEL)
        self.clip.logit_scale.data.fill_(np.log(14.0))
        self.heads = nn.ModuleList(nn.Linear(MODEL["embed_dim"], len(names)) for names in HEADS)


def vocabulary(path: Path) -> None:
    """Learn the byte pairs from captions of all kinds and write them."""
    rng = np.random.default_rng(5)
    texts = [caption(random_scene(rng, SEEN), rng).text for _ in range(20_000)]
    size = write_vocabulary(learn_merges(texts, 1000), path)
    if size != MODEL["text_cfg"]["vocab_size"]:
        raise RuntimeError(f"the vocabulary has {size} words: write that into MODEL")


def unfinished(rng: np.random.Generator, x0: Tensor, ideal: IdealDenoiser) -> Tensor:
    """x_in of the guidance at random timesteps, [n, 3, 64, 64]: the denoised picture mixed with the noisy one.

    Below timestep EASY the denoiser's answer is the picture itself, so it is not asked.
    """
    x, t = noised(rng, x0, DECIDING)
    level = ideal.levels.cpu()[t][:, None, None, None]
    predicted, hard, device = x0.clone(), t >= EASY, ideal.masks.device
    with torch.no_grad():
        predicted[hard] = ideal(x[hard].to(device), t[hard].to(device)).cpu()
    fac = (1 - level).sqrt()
    return predicted * fac + x * (1 - fac)


def make_batch(rng: np.random.Generator, tokenizer: object, ideal: IdealDenoiser, scenes: list[Scene]) -> Batch:
    """Pictures and captions of the scenes, on the device of the denoiser."""
    device = ideal.masks.device
    x_in = unfinished(rng, pictures(scenes), ideal)
    where = random_crops(torch.from_numpy(rng.random((len(scenes), CROPS, 3))), SIDE, SIDE, SMALLEST_CROP, 0.5)
    crops = cut(x_in, where, SIDE).flatten(0, 1)
    noise = torch.from_numpy(rng.standard_normal(crops.shape, dtype=np.float32))
    amount = torch.from_numpy(rng.uniform(-0.15, 0.15, (len(crops), 1, 1, 1))).float().clamp(min=0)
    captions = [caption(scene, rng) for scene in scenes for _ in range(CROPS)]
    fits = torch.tensor([[c.fits(scene) for c in captions] for scene in scenes]).repeat_interleave(CROPS, dim=0)
    labels = torch.tensor([_labels(scene) for scene in scenes]).repeat_interleave(CROPS, dim=0)
    return Batch(crops=(crops + amount * noise).to(device), tokens=tokenizer([c.text for c in captions]).to(device),
                 fits=fits.to(device), labels=labels.to(device))


def _labels(scene: Scene) -> list[int]:
    said = (scene.object, scene.colour, scene.background, scene.size)
    return [names.index(word) for names, word in zip(HEADS, said, strict=True)]


def loss_of(student: Student, batch: Batch) -> Tensor:
    image = student.clip.encode_image(batch.crops)
    text = F.normalize(student.clip.encode_text(batch.tokens), dim=-1)
    scale = student.clip.logit_scale.exp().clamp(max=SCALE_LIMIT)
    logits = scale * F.normalize(image, dim=-1) @ text.T
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(batch.fits & ~own, -1e4)
    target = torch.arange(len(logits), device=logits.device)
    contrast = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    named = [F.cross_entropy(head(image), batch.labels[:, k]) for k, head in enumerate(student.heads)]
    return contrast + named[0] + 0.5 * sum(named)  # the object is the hardest to see


@torch.no_grad()
def right_share(student: Student, batch: Batch) -> dict[str, float]:
    """How often the heads name the held-out scenes right, and how often the own caption beats all that do not fit."""
    image = student.clip.encode_image(batch.crops)
    text = student.clip.encode_text(batch.tokens)
    logits = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    best = logits.masked_fill(batch.fits & ~own, -2).argmax(dim=1)
    figures = {"matched": (best == torch.arange(len(best), device=best.device)).float().mean().item()}
    for k, name in enumerate(("object", "colour", "background", "size")):
        right = student.heads[k](image).argmax(dim=1) == batch.labels[:, k]
        figures[name] = right.float().mean().item()
    return figures


def train(folder: Path, steps: int, device: torch.device, seed: int = 0,
          start_from: Path | None = None) -> None:
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
    run = Run(folder=folder, steps=steps, seed=seed, adam_lr=1.5e-3, ema=0.998, hold=0.55,
              outer=("clip.visual.conv1", "clip.visual.attnpool.positional", "clip.visual.attnpool.c_proj",
                     "clip.token_embedding", "clip.positional", "clip.text_projection", "heads."))
    rng = np.random.default_rng((1, 1))
    knowing = IdealDenoiser(held_out_too=True).to(device)
    examined = make_batch(rng, tokenizer, knowing, [random_scene(rng, HELD_OUT) for _ in range(128)])

    def step_loss(rng: np.random.Generator, step: int) -> Tensor:
        return loss_of(student, make_batch(rng, tokenizer, ideal, [random_scene(rng, SEEN) for _ in range(SCENES)]))

    Trainer(student, run).fit(step_loss, lambda average: right_share(average, examined), every=200)
