"""a model set on a device: networks built, weights verified and loaded strictly."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.clip import Clip, ClipConfig
from engine.denoisers import network_denoiser
from engine.errors import CorruptWeights
from engine.samplers import Denoise
from engine.unet import UNet, UNetConfig
from engine.upscaling import load_upscaler
from engine.weights import ModelSet, load_model_set, verify


@dataclass(frozen=True, kw_only=True)
class Models:
    """Everything that draws together, ready."""

    description: ModelSet
    device: torch.device
    denoise: Denoise
    clips: list[tuple[Clip, float]]  # with the weight of each
    upscaler: torch.nn.Module | None


def choose_device() -> torch.device:
    """CUDA, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@lru_cache(maxsize=1)
def load_models(name: str, device: torch.device) -> Models:
    """`build_models` by name; the last set stays in memory. Raises BadRequest for an unknown name."""
    return build_models(load_model_set(name), device)


def build_models(description: ModelSet, device: torch.device) -> Models:
    """Verify, build and load everything a set describes; raises WeightsError."""
    unet = description.unet
    return Models(
        description=description, device=device, denoise=network_denoiser(
            load_unet(description, device), objective=unet["objective"], schedule=unet["schedule"],
            patch=unet["patch"], learned_variance=unet["learned_variance"]),
        clips=[(load_clip(description, table, device), table["weight"]) for table in description.clips],
        upscaler=_load_upscaler(description, device))


def load_unet(description: ModelSet, device: torch.device) -> UNet:
    """The U-Net alone, float32, frozen."""
    path = verify(description.file(description.unet))
    shape = dict(description.unet["shape"])
    for name in ("attention_resolutions", "channel_mult"):
        shape[name] = tuple(shape[name])
    unet = UNet(UNetConfig(**shape))
    try:
        unet.load_state_dict(load_file(path), strict=True)
    except (RuntimeError, SafetensorError) as error:
        raise CorruptWeights(path, f"The weights file {path.name} does not hold the U-Net that the model set "
                                   f"{description.name} describes: get the set again.") from error
    return unet.eval().requires_grad_(False).to(device)


def load_clip(description: ModelSet, table: dict, device: torch.device, *, quicken: bool = True) -> Clip:
    """One CLIP of a set, frozen; `quicken` False leaves open_clip's own layers in it."""
    path = verify(description.file(table))
    optional = {key: description.folder / table[key] for key in ("config", "vocabulary") if key in table}
    config = ClipConfig(model=table["model"], mean=tuple(table["mean"]), std=tuple(table["std"]), **optional)
    try:
        return Clip(config, path, device, quicken=quicken)
    except (RuntimeError, SafetensorError) as error:
        raise CorruptWeights(path, f"The weights file {path.name} does not hold the CLIP {table['model']}: "
                                   "get the set again.") from error


def _load_upscaler(description: ModelSet, device: torch.device) -> torch.nn.Module | None:
    if description.upscaler is None:
        return None
    return load_upscaler(verify(description.file(description.upscaler))).to(device)
