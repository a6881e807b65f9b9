"""how many threads share a sum on the CPU: it decides the order of sums, so each drawing keeps its number.

Networks cut their work into as many parts as there are threads, and rounding depends on where the cuts are: after some
steps that is another picture. The number need not be that of the processors: four threads give the same sums on one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from engine.model_sets.weights import ModelSet
from engine.request import Request

SMALL = 128  # channels of a U-Net; with fewer, several threads wait for one another longer than they save


def threads_of(request: Request, models: ModelSet, kept: int = 0) -> int:
    """As the request says, else as the drawing began, else one for a small network, or PyTorch's.

    With one a small set draws the same picture on every machine. `kept`: the number in its checkpoint, 0 for none.
    """
    usual = 1 if models.unet["shape"]["model_channels"] < SMALL else torch.get_num_threads()
    return request.threads or kept or usual


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Compute with so many threads, and afterwards with as many as before; 0 changes nothing."""
    before = torch.get_num_threads()
    if number in (0, before):
        yield
        return
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
