"""Muon for matrices, Adam for the rest: the fastest optimiser measured for small networks.

Muon: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def orthogonalise(g: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrix of g [rows, cols], by the quintic Newton-Schulz iteration.

    In float32 each iterate is a polynomial of the Gram matrix times g, so the iteration runs on the polynomial alone:
    for a wide matrix that is a third of the work. Rounded that matrix would have negative eigenvalues, and those grow;
    so in bfloat16, and where torch may round float32 products, the iteration runs on g itself.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    if tall := g.shape[0] > g.shape[1]:
        x = x.T.contiguous()
    if x.dtype == torch.bfloat16 or torch.get_float32_matmul_precision() != "highest":
        for _ in range(steps):
            gram = x @ x.T
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return x.T if tall else x
    gram = x @ x.T
    whole = unit = torch.eye(len(gram), device=g.device)
    for _ in range(steps):
        step = a * unit + b * gram + c * gram @ gram
        whole, gram = step @ whole, step @ gram @ step
    x = whole @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal; every parameter is seen as [first dim, all the others]."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.02,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.dtype = dtype  # of the Newton-Schulz iteration; bfloat16 is precise enough

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                buffer = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(buffer, group["momentum"]).flatten(1)
                scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                p.add_(orthogonalise(update.to(self.dtype)).view_as(p), alpha=-group["lr"] * scale)


def split_parameters(model: nn.Module, outer: tuple[str, ...]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(for Muon, for Adam): matrices, except those whose name starts with one of `outer`."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    inner = [p for name, p in named if p.ndim >= 2 and not name.startswith(outer)]
    rest = [p for name, p in named if p.ndim < 2 or name.startswith(outer)]
    return inner, rest
