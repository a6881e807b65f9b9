"""train the text tower of the picture book's CLIP: it says the point that the vision tower learned for each concept.

Every prompt that the set's word list understands is brought into one canonical form before CLIP reads it, so that form
is most of the lesson; the rest is captions as people type them, in both languages.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.diffusion.linear import LinearDenoiser, load_linear
from engine.training.picturebook.captions import canonical, caption
from engine.training.picturebook.clips import MODEL, Points, clip_of
from engine.training.picturebook.grounds import GROUNDS
from engine.training.picturebook.tables import Scenes, Tables
from engine.training.picturebook.unets import CPU, in_bfloat16
from engine.training.picturebook.world import DRAWINGS_FILE, pair_held_out, random_scene, single_held_out, things
from engine.training.toybox.bpe import learn_merges, write_vocabulary
from engine.training.trainer import Run, Trainer

FREE = 0.35  # share of captions as people type them
SHARPNESS = 40.0  # of the softmax that tells a batch's concepts apart
PREFIX = {"transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection", "attn_mask"}


def vocabulary(path: Path, merges: int = 2000) -> None:
    """Learn the byte pairs from all canonical names, most of the weight, and from captions of all kinds."""
    rng = np.random.default_rng(5)
    texts = [canonical((name,), ground) for name in things() for ground in (None, *GROUNDS)] * 3
    texts += [caption(random_scene(rng, 0.4), rng).text for _ in range(15_000)]
    size = write_vocabulary(learn_merges(texts, merges), path)
    if size != MODEL["text_cfg"]["vocab_size"]:
        raise RuntimeError(f"the vocabulary has {size} words: write that into MODEL")


def concepts_of(asked: list[tuple[tuple[str, ...], str | None]]) -> Scenes:
    """Ids to numbers."""
    names, grounds = {name: k for k, name in enumerate(things())}, {name: k for k, name in enumerate(GROUNDS)}
    rows = [
        (names[said[0]] if said else -1, names[said[1]] if len(said) > 1 else -1, grounds.get(on, -1) if on else -1)
        for said, on in asked
    ]
    return Scenes(*torch.tensor(rows).T)


class Reader(nn.Module):
    """The CLIP, of which the text tower learns."""

    def __init__(self, linear: LinearDenoiser) -> None:
        super().__init__()
        self.clip = clip_of(linear)
        self.clip.logit_scale.requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[m, context] → [m, d], unit length."""
        return F.normalize(self.clip.encode_text(tokens).float(), dim=-1)


def some(rng: np.random.Generator, count: int) -> tuple[list[str], Scenes]:
    """Texts and what they ask for."""
    texts, asked = [], []
    for _ in range(count):
        scene = random_scene(rng, 0.4)
        if rng.random() < FREE:
            said = caption(scene, rng)
            texts.append(said.text)
            asked.append((said.things, said.ground))
        else:
            ground = None if rng.random() < 0.15 else scene.ground
            texts.append(canonical(scene.things, ground))
            asked.append((scene.things, ground))
    return texts, concepts_of(asked)


def train(
    folder: Path,
    guide: Path,
    steps: int,
    batch: int = 192,
    seed: int = 0,
    start_from: Path | None = None,
    drawings: Path = DRAWINGS_FILE,
    device: torch.device = CPU,
    **limits: float | None,
) -> None:
    """`guide`: the linear denoiser, whose components the vision tower has; `limits`: of the Run."""
    from open_clip.tokenizer import SimpleTokenizer

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "vocabulary.txt.gz").exists():
        vocabulary(folder / "vocabulary.txt.gz")
    tokenizer = SimpleTokenizer(str(folder / "vocabulary.txt.gz"), context_length=MODEL["text_cfg"]["context_length"])
    reader = Reader(load_linear(guide)).to(device)
    points = Points(reader.clip, Tables(drawings, held_out_too=True).to(device))
    run = Run(
        folder=folder,
        steps=steps,
        seed=seed,
        bf16=True,
        hold=0.4,
        ema=0.99,
        start_from=start_from,
        adam_lr=2e-3,
        outer=("clip.token_embedding", "clip.positional_embedding", "clip.text_projection"),
        **limits,
    )

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        texts, asked = some(rng, batch)
        wanted, said = whole(points, asked), reader(tokenizer(texts).to(device))
        logits = SHARPNESS * said @ wanted.T
        same = (wanted @ wanted.T) > 0.9999
        apart = logits.masked_fill(same & ~torch.eye(batch, dtype=torch.bool, device=device), -1e4)
        return (1 - (said * wanted).sum(1)).mean() + 0.1 * F.cross_entropy(apart, torch.arange(batch, device=device))

    @torch.no_grad()
    def evaluate(average: nn.Module) -> dict[str, float]:
        figures = {}
        for name, asked in held_out_prompts().items():
            texts = tokenizer([canonical(*one) for one in asked]).to(device)
            said = torch.cat([average(part) for part in texts.split(256)])
            wanted = whole(points, concepts_of(asked))
            cosines = (said * wanted).sum(1)
            figures |= {f"{name}_cosine": cosines.mean().item(), f"{name}_lowest": cosines.min().item()}
            figures[f"{name}_right"] = (
                ((said @ wanted.T).argmax(1) == torch.arange(len(said), device=device)).float().mean().item()
            )
        return figures

    with in_bfloat16(device):
        Trainer(reader, run).fit(loss_of, evaluate, every=250)


def held_out_prompts() -> dict[str, list[tuple[tuple[str, ...], str | None]]]:
    """What training never hears of: all such single scenes, and some such pairs."""
    rng, names = np.random.default_rng((1, 1)), things()
    singles = [((name,), on) for name in names for on in GROUNDS if single_held_out(name, on)]
    pairs = []
    while len(pairs) < 400:
        one, other, on = (int(rng.integers(limit)) for limit in (len(names), len(names), len(GROUNDS)))
        if one != other and pair_held_out(names[one], names[other]):
            pairs.append(((names[one], names[other]), GROUNDS[on]))
    return {"singles": singles, "pairs": pairs}


def whole(points: Points, asked: Scenes) -> Tensor:
    """Points in float32."""
    with torch.autocast(points.grounds.device.type, enabled=False):
        return points(asked)
