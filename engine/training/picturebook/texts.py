"""train the text tower of the picture book's CLIP: it says the point that the vision tower learned for each concept.

Every prompt that the set's word list understands is brought into one canonical form before CLIP reads it, so that form
is most of the lesson; the rest is captions as people type them, in both languages.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.networks.imports import import_open_clip
from engine.training.picturebook.captions import canonical, caption
from engine.training.picturebook.clips import MODEL, Concepts, Points
from engine.training.picturebook.grounds import GROUNDS
from engine.training.picturebook.world import Scene, things
from engine.training.toybox.bpe import learn_merges, write_vocabulary
from engine.training.trainer import Run, Trainer

FREE = 0.35  # share of captions as people type them
SHARPNESS = 40.0  # of the softmax that tells a batch's concepts apart
PREFIX = {"transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection", "attn_mask"}


def vocabulary(path: Path, merges: int = 2000) -> None:
    """Learn the byte pairs from all canonical names, most of the weight, and from captions of all kinds."""
    rng = np.random.default_rng(5)
    texts = [canonical((name,), ground) for name in things() for ground in (None, *GROUNDS)] * 3
    texts += [caption(random_asked(rng)[0], rng).text for _ in range(15_000)]
    size = write_vocabulary(learn_merges(texts, merges), path)
    if size != MODEL["text_cfg"]["vocab_size"]:
        raise RuntimeError(f"the vocabulary has {size} words: write that into MODEL")


def random_asked(rng: np.random.Generator) -> tuple[Scene, None]:
    """Any scene, held out or not: which words stand for what is no picture."""
    names, count = things(), 2 if rng.random() < 0.4 else 1
    return Scene(tuple(names[k] for k in rng.choice(len(names), size=count, replace=False)),
                 GROUNDS[rng.integers(len(GROUNDS))]), None  # fmt: skip


def concepts_of(asked: list[tuple[tuple[str, ...], str | None]]) -> Concepts:
    """Ids to numbers."""
    names, grounds = {name: k for k, name in enumerate(things())}, {name: k for k, name in enumerate(GROUNDS)}
    rows = [(names[said[0]] if said else -1, names[said[1]] if len(said) > 1 else -1, grounds.get(on, -1) if on else -1)
            for said, on in asked]  # fmt: skip
    return Concepts(*torch.tensor(rows).T)


class Reader(nn.Module):
    """The text tower alone, with open_clip's names of its parts."""

    def __init__(self) -> None:
        super().__init__()
        import_open_clip()
        from open_clip.model import CLIP

        self.clip = CLIP(**MODEL)
        self.clip.visual = nn.Identity()
        self.clip.logit_scale.requires_grad_(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[m, context] → [m, d], unit length."""
        return F.normalize(self.clip.encode_text(tokens).float(), dim=-1)


def some(rng: np.random.Generator, count: int) -> tuple[list[str], Concepts]:
    """Texts and what they ask for."""
    texts, asked = [], []
    for _ in range(count):
        scene, _ = random_asked(rng)
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
    folder: Path, vision: Path, steps: int, batch: int = 256, seed: int = 0, start_from: Path | None = None
) -> None:
    """`vision`: the vision tower's run, whose points are to be said."""
    from open_clip.tokenizer import SimpleTokenizer

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "vocabulary.txt.gz").exists():
        vocabulary(folder / "vocabulary.txt.gz")
    tokenizer = SimpleTokenizer(str(folder / "vocabulary.txt.gz"), context_length=MODEL["text_cfg"]["context_length"])
    points = Points().requires_grad_(False)
    kept = load_file(vision / "model.safetensors")
    points.load_state_dict(
        {key.removeprefix("points."): value.float() for key, value in kept.items() if key.startswith("points.")}
    )
    reader = Reader()
    run = Run(folder=folder, steps=steps, seed=seed, bf16=True, hold=0.4, ema=0.99, start_from=start_from, adam_lr=2e-3,
              outer=("clip.token_embedding", "clip.positional_embedding", "clip.text_projection"))  # fmt: skip

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        texts, asked = some(rng, batch)
        wanted, said = points(asked).float(), reader(tokenizer(texts))
        logits = SHARPNESS * said @ wanted.T
        same = (wanted @ wanted.T) > 0.9999
        apart = logits.masked_fill(same & ~torch.eye(batch, dtype=torch.bool), -1e4)
        return (1 - (said * wanted).sum(1)).mean() + 0.1 * F.cross_entropy(apart, torch.arange(batch))

    @torch.no_grad()
    def evaluate(average: nn.Module) -> dict[str, float]:
        rng = np.random.default_rng((1, 1))
        singles = [((name,), ground) for name in things() for ground in GROUNDS]
        pairs = [
            (scene.things, scene.ground)
            for scene in (random_asked(rng)[0] for _ in range(2000))
            if len(scene.things) == 2
        ]
        figures = {}
        for name, asked in (("singles", singles), ("pairs", pairs)):
            said = torch.cat(
                [
                    average(tokenizer([canonical(*one) for one in asked[at : at + 512]]))
                    for at in range(0, len(asked), 512)
                ]
            )
            wanted = points(concepts_of(asked))
            cosines = (said * wanted).sum(1)
            figures |= {f"{name}_cosine": cosines.mean().item(), f"{name}_lowest": cosines.min().item()}
            figures[f"{name}_right"] = ((said @ wanted.T).argmax(1) == torch.arange(len(said))).float().mean().item()
        return figures

    Trainer(reader, run).fit(loss_of, evaluate, every=250)


def assembled(vision: Path, text: Path, path: Path) -> None:
    """Write both towers as one CLIP of open_clip's."""
    seen, read = load_file(vision / "model.safetensors"), load_file(text / "model.safetensors")
    both = {key: value for key, value in seen.items() if key.startswith("visual.")}
    both |= {
        key.removeprefix("clip."): value
        for key, value in read.items()
        if key.startswith("clip.") and "attn_mask" not in key
    }
    save_file(both, path)
