"""torchvision's wheel beside a CPU-only torch: made importable, since open_clip and spandrel import it."""

from importlib import import_module

import torch

_MISSING = {  # operators that torchvision wants to describe on import and its compiled part would have defined
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def allow_cpu_torchvision() -> None:
    """Import torchvision, whether or not its compiled operators fit this torch; call it before open_clip or spandrel.

    The index's torchvision wheel is compiled against the CUDA torch. Beside a CPU-only torch its compiled part is
    skipped silently and the import then fails with "operator torchvision::nms does not exist". Declaring the two
    operators is enough: none of our networks calls them.
    """
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name, schema in _MISSING.items():
            torch.library.define(f"torchvision::{name}", schema)
        import_module("torchvision")
