"""converts published checkpoints once: safetensors, large tensors in half precision, and a receipt.

Whoever calls this has checked the file's SHA-256; engine/networks/checkpoints.py reads it without running code in it.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import CorruptWeights
from engine.files import replacing, write_file
from engine.model_sets.weights import WeightsFile, sha256_of
from engine.networks.checkpoints import is_plain, read_tensors
from engine.networks.unet import BLOCKS

NEVER = 9
HALVED_FROM = {"unet": 3, "clip": 2, "secondary": NEVER}  # dimensions from which on a tensor is kept in half precision
NOT_WEIGHTS = {"input_resolution", "context_length", "vocab_size"}  # numbers beside the tensors of OpenAI's archives
POSITIONS = "text.transformer.embeddings.position_ids"  # 0, 1, 2 …: transformers no longer keeps them


def convert(source: Path, file: WeightsFile) -> None:
    """Write `file.path` and its receipt from the published file; whoever is killed on the way leaves neither in use.

    Raises: CorruptWeights.
    """
    published = read_checkpoint(source)
    halved = any(tensor.dtype == torch.float16 for tensor in published.values())  # by those who published it
    least = NEVER if halved else HALVED_FROM[file.kind]
    tensors = {
        name: _to_stored(tensor, least if file.kind != "unet" or name.startswith(BLOCKS) else NEVER)
        for name, tensor in published.items()
    }
    if broken := [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]:
        raise CorruptWeights(
            source,
            f"{source.name} has numbers in {broken[0]} that half precision cannot hold: "
            "this is not a checkpoint that Imago can use.",
        )
    with replacing(file.path) as part:
        save_file(tensors, part)
        about = {
            "source": file.sha256,
            "published_as": file.source,
            "bytes": part.stat().st_size,
            "sha256": sha256_of(part),
        }
        write_file(file.receipt, f"{json.dumps(about, indent=1)}\n".encode())


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a published file, by the names of the network; CorruptWeights when it is no checkpoint."""
    found = read_tensors(path)
    for name in ("state_dict", "params_ema", "params"):
        if isinstance(found.get(name), dict):
            found = found[name]
    if not found or not all(is_plain(value) for value in found.values()):
        raise CorruptWeights(path, f"{path.name} holds other things than the tensors of a network: get another file.")
    wrapped = all(name.startswith("module.") for name in found)
    names = {name: name.removeprefix("module.") if wrapped else name for name in found}
    return {new: found[old] for old, new in names.items() if new not in NOT_WEIGHTS and new != POSITIONS}


def _to_stored(tensor: Tensor, halved_from: int) -> Tensor:
    """As it is stored: what guided-diffusion itself halves in half, the rest as published."""
    tensor = tensor.detach()
    if tensor.is_floating_point() and tensor.dim() >= halved_from:
        tensor = tensor.half()
    return tensor.contiguous().clone()
