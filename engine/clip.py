"""open_clip behind one small face: texts and pictures to points on a sphere."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from engine.quirks import allow_cpu_torchvision


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """Which open_clip model, and what it expects of its inputs."""

    model: str  # open_clip's name, or that of `config`
    config: Path | None = None  # a model of our own in open_clip's JSON; its name is the file's stem
    vocabulary: Path | None = None  # merges of our own in the format of CLIP's tokenizer
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Clip:
    """One CLIP, frozen, on one device."""

    def __init__(self, config: ClipConfig, weights: Path, device: torch.device) -> None:
        allow_cpu_torchvision()
        import open_clip
        from open_clip.tokenizer import SimpleTokenizer

        if config.config is not None:
            open_clip.add_model_config(config.config)
        model = open_clip.create_model(config.model, pretrained=str(weights), device=device, precision="fp32")
        self._model: nn.Module = model.eval().requires_grad_(False)
        length = model.context_length
        self._tokenize = (
            SimpleTokenizer(str(config.vocabulary), context_length=length) if config.vocabulary is not None
            else open_clip.get_tokenizer(config.model))
        size = model.visual.image_size
        self.side: int = size[0] if isinstance(size, tuple) else size
        self._device = device
        self._mean = torch.tensor(config.mean, device=device)[:, None, None]  # 3 1 1
        self._std = torch.tensor(config.std, device=device)[:, None, None]

    @torch.no_grad()
    def encode_texts(self, texts: list[str]) -> Tensor:
        """[m] texts → [m, d], unit length; what does not fit the model's context is left out at the end."""
        tokens = self._tokenize(texts).to(self._device)
        return nn.functional.normalize(self._model.encode_text(tokens).float(), dim=-1)

    def encode_images(self, pictures: Tensor) -> Tensor:
        """[m, 3, side, side] in 0 … 1 → [m, d], not normalised; differentiable."""
        return cast(Tensor, self._model.encode_image((pictures - self._mean) / self._std)).float()
