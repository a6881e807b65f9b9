"""files of strangers that do something when they are read the wrong way: they say SPRUNG, or make a folder."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

SPRUNG = "the code in the archive has run"


class _Speaks(nn.Module):
    """TorchScript that runs when it is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        self.weight = state[0]
        self.training = state[1]
        print("the code in the archive has run")  # as SPRUNG; TorchScript sees no globals

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


def archive_with_code(path: Path) -> None:
    """A TorchScript archive whose __setstate__ speaks when torch.jit.load reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(_Speaks()).save(path)


class Calls:
    """A pickle that calls a function with some arguments when it is read."""

    def __init__(self, function: Callable[..., object], *given: object) -> None:
        self.function, self.given = function, given

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.function, self.given


def makes_folder(path: Path) -> Calls:
    return Calls(os.mkdir, str(path))
