"""the tensors of a file that somebody published, read so that no code in it can run.

Safetensors hold nothing but tensors. PyTorch's own files are pickles, read with `weights_only`. TorchScript archives
are programs: `torch.jit.load` runs their `__setstate__`. OpenAI published CLIP as such, so their pickle is read here by
an unpickler that knows tensors, lists, dictionaries and plain modules, and nothing that could be called.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import CorruptWeights

MOST_PICKLE = 64_000_000  # bytes of the pickle beside the tensors; that of the largest CLIP has 0.2 million
DEEPEST = 50  # modules within modules
UNREADABLE = (
    RuntimeError,  # torch's, NotImplementedError and RecursionError among them
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    EOFError,
    OSError,
    MemoryError,
    OverflowError,
    pickle.UnpicklingError,
    SafetensorError,
    zipfile.BadZipFile,
)
STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def read_tensors(path: Path) -> dict[str, Any]:
    """What a published file holds: tensors by name, in some files a level deeper, beside plain values.

    Raises: CorruptWeights, also when the file needs code of its own to be read.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        zipped = zipfile.is_zipfile(path)
        if zipped and _is_torchscript(path):
            return _read_torchscript(path)
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except UNREADABLE as error:
        raise CorruptWeights(
            path, f"{path.name} is not a checkpoint that can be read without running code in it: get another file."
        ) from error
    if not isinstance(found, dict):
        raise CorruptWeights(path, f"{path.name} holds other things than the tensors of a network: get another file.")
    return found


def is_plain(value: object) -> bool:
    """Whether it is a tensor as networks have them: on the CPU, not sparse, no larger than what it is made of."""
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def _is_torchscript(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _read_torchscript(path: Path) -> dict[str, Any]:
    """The state dict of the archive's module; its programs are not so much as parsed."""
    with zipfile.ZipFile(path) as archive:
        pickled = next(name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl"))
        if archive.getinfo(pickled).file_size > MOST_PICKLE:
            raise ValueError("the pickle is too large")
        with archive.open(pickled) as stream:
            root = _Unpickler(stream, archive, pickled.removesuffix(".pkl")).load()
    if not isinstance(root, _Module):
        raise ValueError("not a module")
    found: dict[str, Tensor] = {}
    _gather(root, "", found, DEEPEST)
    return found


class _Module:
    """A module of an archive: its attributes, and none of its methods."""

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a module with a state of its own, which only its code could read")
        self.state = state


def _gather(module: _Module, prefix: str, found: dict[str, Tensor], depth: int) -> None:
    if not depth:
        raise ValueError("modules within modules without end")
    for name, value in getattr(module, "state", {}).items():
        if isinstance(value, Tensor):
            found[f"{prefix}{name}"] = value
        elif isinstance(value, _Module):
            _gather(value, f"{prefix}{name}.", found, depth - 1)


class _Unpickler(pickle.Unpickler):
    """Reads what torch.jit.save writes; every name in a pickle becomes something of this file."""

    def __init__(self, stream: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream)
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "__torch__":
            return _Module
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if found := KNOWN.get((module, name)):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is not a part of a network")

    def persistent_load(self, pid: Any) -> Tensor:
        """A storage, as a tensor of one dimension."""
        _, dtype, key, _, count = pid
        name = f"{self._folder}/{key}"
        if name not in self._storages:
            info = self._archive.getinfo(name)
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != count * dtype.itemsize:
                raise ValueError("a storage of another size")
            content = bytearray(self._archive.read(info))
            self._storages[name] = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
        found = self._storages[name]
        if found.dtype is not dtype:
            raise ValueError("a storage of two kinds")
        return found


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> Tensor:
    """What torch._utils._rebuild_tensor_v2 makes, within the storage."""
    if math.prod(size) > storage.numel():
        raise ValueError("a tensor larger than its storage")
    return storage.as_strided(size, stride, offset)


def _first(value: object, *_: object) -> object:
    return value


KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.jit._pickle", "restore_type_tag"): _first,
    ("torch.jit._pickle", "build_intlist"): _first,
    ("torch.jit._pickle", "build_doublelist"): _first,
    ("torch.jit._pickle", "build_boollist"): _first,
    ("torch.jit._pickle", "build_tensorlist"): _first,
}
