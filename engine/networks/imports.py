"""lazy imports of torch, torchvision and open_clip, without the parts that nobody uses.

What is left out takes a third to a half of the seconds from the start of a process to its first step, and 90 MiB.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module, reload
from types import ModuleType

SPINS = "1000"  # rounds that a thread with nothing to do waits awake; GNU's own are millions
_MISSING = {  # operators that torchvision wants to describe on import and its compiled part would have defined
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_COMPILER = "torch._dynamo.utils"


def share_processor() -> None:
    """To be called before torch is imported, which brings GNU's OpenMP and Intel's MKL, which read this then.

    A thread that waits awake keeps off the one it waits for as soon as anything else wants a core: beside one busy
    process a drawing took twice as long, beside two nine times (docs/experiments.md). MKL otherwise chooses anew, now
    and then, how several threads share a product, and the same seed draws another picture. An explicit setting is kept.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def import_torchvision() -> None:
    """Import torchvision, whether or not its compiled operators fit this torch; call it before spandrel.

    The index's torchvision wheel is compiled against the CUDA torch. Beside a CPU-only torch its compiled part is
    skipped silently and the import then fails with "operator torchvision::nms does not exist". Declaring the two
    operators is enough: none of our networks calls them. Another operator has a question for torch's compiler, which
    takes two seconds to import, so it is answered without.
    """
    compiler = ModuleType(_COMPILER)
    compiler.is_compile_supported = lambda device: False  # type: ignore[attr-defined]
    with suppress(ImportError), _in_place_of(_COMPILER, compiler):  # a release that wants more of it gets all, below
        _import_torchvision()
    _import_torchvision()


def _import_torchvision() -> None:
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        import torch

        for name, schema in _MISSING.items():
            torch.library.define(f"torchvision::{name}", schema)
        import_module("torchvision")


def import_open_clip() -> None:
    """Import open_clip as if timm were not installed, which only some vision towers need and a second is spent on."""
    import_torchvision()
    with _in_place_of("timm", None):
        import_module("open_clip")


def import_timm() -> None:
    """Let open_clip find timm after all."""
    adapter = import_module("open_clip.timm_model")
    if adapter.timm is None:
        reload(adapter)  # its class, which others hold, looks names up in the same module


@contextmanager
def _in_place_of(name: str, stand_in: ModuleType | None) -> Iterator[None]:
    """A module that is not imported while something else is, unless it is already; None for one that is missing."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = stand_in  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
