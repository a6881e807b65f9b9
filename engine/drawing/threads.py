"""how many threads share a sum on the CPU: it decides the order of sums, so each drawing keeps its number.

Networks cut their work into as many parts as there are threads, and rounding depends on where the cuts are: after some
steps that is another picture. The number need not be that of the processors: four threads give the same sums on one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 128  # channels of a U-Net; with fewer, several threads wait for one another longer than they save


def usual_threads(channels: int) -> int:
    """Of a new drawing: one for a small network, so that it is the same picture on every machine, else PyTorch's."""
    return 1 if channels < SMALL else torch.get_num_threads()


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
