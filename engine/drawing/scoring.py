"""scores a finished picture against the texts of the moderation check, with CLIP."""

from dataclasses import replace

import torch
from torch.nn.functional import interpolate, normalize

from engine.drawing.models import choose_device, load_models
from engine.events import Event, Finished
from engine.pictures.images import read_png, to_tensor


def with_score(event: Event, models: str, texts: str) -> Event:
    """A Finished with its score, the highest where it has several pictures; any other event as it is.

    Raises: WeightsError, BadPicture.
    """
    if not isinstance(event, Finished):
        return event
    return replace(event, score=max(score_of(png, models, texts) for png in event.pictures or (event.png,)))


@torch.no_grad()
def score_of(png: bytes, models: str, texts: str) -> float:
    """The highest cosine similarity, −1 … 1, of a picture and one of the texts, which `|` separates.

    With several CLIPs it is their mean, weighted as they guide. The picture is squeezed to their square, so that
    nothing of it stays out of sight. Nothing in these numbers means the same for every CLIP.
    """
    loaded = load_models(models, choose_device())
    pixels, _ = read_png(png)
    x = (to_tensor(pixels)[None].to(loaded.device).clamp(-1, 1) + 1) / 2  # 1 3 h w
    parts = [part.strip() for part in texts.split("|") if part.strip()]
    similarities = torch.zeros(len(parts), device=loaded.device)
    for clip, share in loaded.clips:
        small = interpolate(x, (clip.side, clip.side), mode="bilinear", antialias=True)
        seen = normalize(clip.encode_images(small), dim=-1)  # 1 d
        similarities += share * (clip.encode_texts(parts) @ seen[0])
    return float(similarities.max() / sum(share for _, share in loaded.clips))
