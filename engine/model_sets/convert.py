"""converts published checkpoints once: safetensors, large tensors in half precision, and a receipt.

Whoever calls this has checked the file's SHA-256. PyTorch files are read with `weights_only`, so
that no code in them is run; OpenAI's CLIP archives are TorchScript, of which only the tensors are taken.
"""

import json
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.errors import CorruptWeights
from engine.model_sets.weights import WeightsFile, sha256_of
from engine.networks.unet import BLOCKS

NEVER = 9
HALVED_FROM = {"unet": 3, "clip": 2, "secondary": NEVER}  # dimensions from which on a tensor is kept in half precision
NOT_WEIGHTS = {"input_resolution", "context_length", "vocab_size"}  # numbers beside the tensors of OpenAI's archives
POSITIONS = "text.transformer.embeddings.position_ids"  # 0, 1, 2 …: transformers no longer keeps them
UNREADABLE = (
    RuntimeError,
    ValueError,
    KeyError,
    EOFError,
    OSError,
    pickle.UnpicklingError,
    SafetensorError,
    zipfile.BadZipFile,
)


def convert(source: Path, file: WeightsFile) -> None:
    """Write `file.path` and its receipt from the published file; whoever is killed on the way leaves neither in use.

    Raises: CorruptWeights.
    """
    published = read_checkpoint(source)
    halved = any(tensor.dtype == torch.float16 for tensor in published.values())  # by those who published it
    least = NEVER if halved else HALVED_FROM[file.kind]
    tensors = {
        name: _kept(tensor, least if file.kind != "unet" or name.startswith(BLOCKS) else NEVER)
        for name, tensor in published.items()
    }
    if broken := [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]:
        raise CorruptWeights(
            source,
            f"{source.name} has numbers in {broken[0]} that half precision cannot hold: "
            "this is not a checkpoint that Imago can use.",
        )
    part = file.path.with_name(file.path.name + ".part")
    save_file(tensors, part)
    about = {
        "source": file.sha256,
        "published_as": file.source,
        "bytes": part.stat().st_size,
        "sha256": sha256_of(part),
    }
    receipt = file.receipt.with_name(file.receipt.name + ".part")
    receipt.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    receipt.replace(file.receipt)
    part.replace(file.path)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a published file, by the names of the network; CorruptWeights when it is no checkpoint."""
    try:
        found = load_file(path) if path.suffix == ".safetensors" else _read_torch(path)
    except UNREADABLE as error:
        raise CorruptWeights(
            path, f"{path.name} is not a checkpoint that can be read without running code in it: get another file."
        ) from error
    for name in ("state_dict", "params_ema", "params"):
        if isinstance(found.get(name), dict):
            found = found[name]
    if not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise CorruptWeights(path, f"{path.name} holds other things than the tensors of a network: get another file.")
    wrapped = all(name.startswith("module.") for name in found)
    names = {name: name.removeprefix("module.") if wrapped else name for name in found}
    return {new: found[old] for old, new in names.items() if new not in NOT_WEIGHTS and new != POSITIONS}


def _read_torch(path: Path) -> dict[str, Any]:
    zipped = zipfile.is_zipfile(path)
    if zipped and _is_torchscript(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated; these archives stay what they are
            return dict(torch.jit.load(path, map_location="cpu").state_dict())
    found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    if not isinstance(found, dict):
        raise ValueError("not a dictionary")
    return found


def _is_torchscript(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _kept(tensor: Tensor, halved_from: int) -> Tensor:
    """As it is stored: what guided-diffusion itself halves in half, the rest as published."""
    tensor = tensor.detach()
    if tensor.is_floating_point() and tensor.dim() >= halved_from:
        tensor = tensor.half()
    return tensor.contiguous().clone()
