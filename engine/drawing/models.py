"""loads a model set onto a device: networks built, weights verified and loaded strictly."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from engine.diffusion.denoisers import Beside, by_timestep, network_denoiser, secondary_denoiser
from engine.diffusion.linear import load_linear
from engine.diffusion.retrieval import SceneTable, load_pictures
from engine.diffusion.samplers import Denoise
from engine.errors import BadRequest, CorruptWeights
from engine.model_sets.weights import FOLDER, ModelSet, load_model_set, models_folder, verify
from engine.networks.clip import Clip, ClipConfig
from engine.networks.precision import quickest
from engine.networks.secondary import SecondaryNet
from engine.networks.tuning import LARGE, PLAIN, Tuning, choose_tuning, tune
from engine.networks.unet import UNet, UNetConfig, in_precision
from engine.networks.upscaler import load_upscaler
from engine.widths import WIDTHS


@dataclass(frozen=True, kw_only=True)
class Models:
    """A loaded model set."""

    description: ModelSet
    device: torch.device
    denoise: Denoise
    clips: list[tuple[Clip, float]]  # with the weight of each
    upscaler: torch.nn.Module | None
    secondary: Denoise | None = None  # used for guidance in place of `denoise`

    @property
    def widest_call(self) -> int:
        """Pictures of different drawings that a call takes with profit: on a CPU a large network is quickest with one,
        for what several need no longer fits into its caches, and memory holds every picture's way back.
        """
        large = self.description.unet["shape"]["model_channels"] >= LARGE
        return 1 if large and self.device.type == "cpu" else WIDTHS[-1]

    @contextmanager
    def crops_at_once(self, most: int | None) -> Iterator[None]:
        """Each CLIP looks at no more than so many crops at a time; less memory, and rounded otherwise."""
        usual = [(clip, clip.at_once) for clip, _ in self.clips]
        for clip, at_once in usual if most else ():
            clip.at_once = min(most, at_once or most)
        try:
            yield
        finally:
            for clip, at_once in usual:
                clip.at_once = at_once


def choose_device() -> torch.device:
    """CUDA, else MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def models_for(device: torch.device) -> str:
    """The model set that `auto` selects."""
    return "picturebook" if device.type == "cpu" else "imagenet256"


_loaded: dict[tuple[str, torch.device], Models] = {}


def load_models(name: str, device: torch.device) -> Models:
    """`build_models` by name; the last set stays in memory, never two. Raises BadRequest for an unknown name."""
    if (name, device) not in _loaded:
        description = load_model_set(name)
        _loaded.clear()
        _loaded[name, device] = build_models(description, device)
    return _loaded[name, device]


def build_models(description: ModelSet, device: torch.device) -> Models:
    """Verify, build and load a whole set; raises WeightsError."""
    tuning = tuning_of(description, device)
    return Models(
        description=description,
        device=device,
        denoise=_denoiser(description, device, tuning),
        clips=[(load_clip(description, table, device, tuning=tuning), table["weight"]) for table in description.clips],
        upscaler=_load_upscaler(description, device),
        secondary=_load_secondary(description, device),
    )


def tuning_of(description: ModelSet, device: torch.device) -> Tuning:
    """How the set's networks run on a device."""
    channels = description.unet["shape"]["model_channels"]
    chosen = choose_tuning(device, channels, on_cpu=partial(quickest, models_folder()))
    return replace(chosen, sparing=spares_memory(description.unet, device))


def _denoiser(description: ModelSet, device: torch.device, tuning: Tuning) -> Denoise:
    """The set's U-Net, or its two, each for its own timesteps."""
    beside = load_retrieval(description, device)
    found = [
        network_denoiser(
            load_unet(description, device, tuning, table),
            objective=table["objective"],
            schedule=table["schedule"],
            patch=table["patch"],
            learned_variance=table["learned_variance"],
            beside=beside,
        )
        for table in description.unets
    ]
    return found[0] if description.early is None else by_timestep(*found, first=description.early["from_timestep"])


def load_unet(
    description: ModelSet, device: torch.device, tuning: Tuning | None = None, table: dict[str, Any] | None = None
) -> UNet:
    """A U-Net alone, frozen; never more than its own size in memory. `table`: the set's [unet], or its [early]."""
    table, tuning = table or description.unet, tuning or tuning_of(description, device)
    path = verify(description.file(table, "unet"))
    shape = dict(table["shape"])
    for name in ("attention_resolutions", "channel_mult"):
        shape[name] = tuple(shape[name])
    try:
        with torch.device("meta"):
            unet = in_precision(UNet(UNetConfig(**shape)), tuning.precision)
    except (TypeError, RuntimeError, ValueError) as error:
        raise BadRequest(
            "models",
            f"A U-Net's shape in the model set {description.name} describes no network: {error}; see docs/models.md.",
        ) from error
    dtypes = {name: tensor.dtype for name, tensor in unet.state_dict().items()}
    try:
        tensors = {
            name: tensor.to(dtypes.get(name, tensor.dtype), copy=True) for name, tensor in load_file(path).items()
        }
        unet.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, SafetensorError) as error:
        raise CorruptWeights(
            path,
            f"The weights file {path.name} does not hold the U-Net that the model set "
            f"{description.name} describes: get the set again.",
        ) from error
    tune(unet.eval().requires_grad_(False), tuning, device)
    return unet


def spares_memory(table: dict[str, Any], device: torch.device) -> bool:
    """Whether a set for weak computers is on one: a U-Net's table says `recompute`, and a CPU has to do it."""
    return device.type == "cpu" and table.get("recompute", False)


def load_clip(
    description: ModelSet,
    table: dict[str, Any],
    device: torch.device,
    *,
    optimized: bool = True,
    tuning: Tuning = PLAIN,
) -> Clip:
    """One CLIP of a set, frozen; `optimized` False leaves open_clip's own layers in it."""
    path = verify(description.file(table, "clip"))
    optional = {key: description.folder / table[key] for key in ("config", "vocabulary") if key in table}
    if "tokenizer" in table:
        optional["tokenizer"] = verify(description.file(table["tokenizer"], "tokenizer"))
        beside = description.folder / table["text"]
        optional["text"] = beside if beside.is_dir() else FOLDER / table["text"]
    config = ClipConfig(model=table["model"], mean=tuple(table["mean"]), std=tuple(table["std"]), **optional)
    try:
        return Clip(config, path, device, optimized=optimized, tuning=tuning)
    except ImportError as error:
        raise BadRequest(
            "models",
            f"The model set {description.name} needs a package that is not here: run `pip install transformers`.",
        ) from error
    except (ValueError, TypeError, LookupError, OSError) as error:  # of a description by hand, in open_clip
        raise BadRequest(
            "models", f"The CLIP {table['model']} of the model set {description.name} cannot be built: {error}."
        ) from error
    except (RuntimeError, SafetensorError) as error:
        raise CorruptWeights(
            path, f"The weights file {path.name} does not hold the CLIP {table['model']}: get the set again."
        ) from error


def load_retrieval(description: ModelSet, device: torch.device) -> Beside | None:
    """What a set with a table of pictures shows its U-Nets beside x_t, None in other sets; raises CorruptWeights."""
    if description.retrieval is None:
        return None
    path = verify(description.file(description.retrieval))
    try:
        return SceneTable(load_pictures(path)).to(device).requires_grad_(False).beside
    except (KeyError, RuntimeError, ValueError, SafetensorError) as error:
        raise CorruptWeights(
            path, f"The file {path.name} does not hold a table of pictures: get the set again."
        ) from error


def _load_secondary(description: ModelSet, device: torch.device) -> Denoise | None:
    if description.secondary is None:
        return None
    path = verify(description.file(description.secondary, "secondary"))
    schedule = description.unet["schedule"]
    try:
        if description.secondary.get("linear"):
            linear = load_linear(path).to(device).requires_grad_(False)
            return network_denoiser(linear, objective="x0", schedule=schedule)
        network = SecondaryNet()
        network.load_state_dict(load_file(path), strict=True)
    except (KeyError, RuntimeError, SafetensorError) as error:
        raise CorruptWeights(
            path, f"The weights file {path.name} does not hold the secondary network: get the set again."
        ) from error
    return secondary_denoiser(network.float().eval().requires_grad_(False).to(device), schedule)


def _load_upscaler(description: ModelSet, device: torch.device) -> nn.Module | None:
    if description.upscaler is None:
        return None
    path = verify(description.file(description.upscaler, "upscaler"))
    upscaler = load_upscaler(path).to(device)
    if upscaler.scale != description.upscaler["scale"]:
        raise CorruptWeights(
            path,
            f"The upscaler {path.name} enlarges {upscaler.scale} times and the model set "
            f"{description.name} says {description.upscaler['scale']}: correct its scale.",
        )
    return upscaler
