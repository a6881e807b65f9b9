"""one resumable training loop for the networks of both worlds.

Batches come from (seed, step) alone and everything else is in the checkpoint, so a run that was
stopped and resumed ends on the same weights as one that was not (same machine, same threads).
"""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.files import replacing
from engine.training.optim import Muon, split_parameters

TIMED = 20  # steps after which it is known how long the others take

Loss = Callable[[np.random.Generator, int], Tensor]  # (random source of this step, step) → scalar


@dataclass(frozen=True, kw_only=True)
class Run:
    """How long and how fast one network learns, and where its files lie."""

    folder: Path  # checkpoint.pt, log.jsonl and model.safetensors go here
    steps: int
    seed: int = 0
    muon_lr: float = 0.02
    adam_lr: float = 1e-3
    hold: float = 0.5  # share of the steps before the rates start to fall, linearly, to nothing
    ema: float = 0.999
    outer: tuple[str, ...] = ()  # name prefixes of matrices that Adam trains: first and last layers, tables
    save_every: float = 120.0  # seconds
    until: float | None = None  # time.monotonic() when it must be done: fewer steps, where all would take longer
    start_from: Path | None = None  # weights to begin with when there is no checkpoint
    bf16: bool = False  # matrix products in bfloat16; weights, averages and losses stay float32


class Trainer:
    """Model, its average, two optimisers and a step count, kept together on disk."""

    def __init__(self, model: nn.Module, run: Run, *beside: dict[str, Tensor]) -> None:
        """`beside`: what else a step goes on from; kept in the checkpoint with the rest."""
        self.model, self.run, self.step, self.beside = model, run, 0, beside
        self.figures: dict[str, float] = {}  # measured last
        if run.start_from is not None:
            model.load_state_dict(load_file(run.start_from))
        self.device = next(model.parameters()).device.type
        self.average = copy.deepcopy(model).requires_grad_(False)
        inner, rest = split_parameters(model, run.outer)
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(inner, lr=run.muon_lr, dtype=torch.bfloat16 if run.bf16 else torch.float32),
            torch.optim.Adam(rest, lr=run.adam_lr, betas=(0.9, 0.99)),
        ]
        self.rates = (run.muon_lr, run.adam_lr)
        run.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = run.folder / "checkpoint.pt"
        if self.checkpoint.exists():
            self._load()

    def _load(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        for optimiser, state in zip(self.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.step, self.figures = saved["step"], saved.get("figures", {})
        for state, kept in zip(self.beside, saved.get("beside", ()), strict=False):
            state.update(kept)

    def save(self) -> None:
        """Write checkpoint and averaged weights, each to a temporary name first."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "step": self.step,
            "figures": self.figures,
            "beside": list(self.beside),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        with replacing(self.checkpoint) as part:
            torch.save(state, part)
        export(self.average, self.run.folder / "model.safetensors")
        (self.run.folder / "card.md").write_text(self._card())

    def _card(self) -> str:
        """The model card: what was trained, for how long, and the figures measured last."""
        title, count = type(self.model).__name__, sum(p.numel() for p in self.model.parameters())
        began = f"- began with: {self.run.start_from.name}\n" if self.run.start_from else ""
        figures = "".join(f"- {name.replace('_', ' ')}: {value:.5g}\n" for name, value in self.figures.items())
        return (
            f"# {title}\n\n- parameters trained: {count:,}\n- steps: {self.step} of {self.run.steps}\n"
            f"- seed: {self.run.seed}\n{began}\n## Measured\n\n{figures}"
        )

    def _set_rates(self) -> None:
        left = (1 - self.step / self.run.steps) / (1 - self.run.hold)
        warm = min(1.0, (self.step + 1) / 100)
        for optimiser, rate in zip(self.optimisers, self.rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * warm * min(1.0, left)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.run.ema, (1 + self.step) / (10 + self.step))
        for averaged, live in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
            averaged.lerp_(live, 1 - decay) if averaged.is_floating_point() else averaged.copy_(live)

    def fit(self, loss_of: Loss, evaluate: Callable[[nn.Module], dict[str, float]], every: int = 500) -> None:
        """Train up to `run.steps`; a line of figures each `every` steps goes to log.jsonl and the screen."""
        saved_at = began = time.monotonic()
        total, first, start = 0.0, self.step, self.step
        while self.step < self.run.steps:
            self._set_rates()
            with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.run.bf16):
                loss = loss_of(np.random.default_rng((self.run.seed, self.step)), self.step)
            for optimiser in self.optimisers:
                optimiser.zero_grad(set_to_none=True)
            loss.backward()
            for optimiser in self.optimisers:
                optimiser.step()
            self._update_average()
            self.step += 1
            total += loss.item()
            if self.run.until is not None and self.step - start >= TIMED:
                self._fit_into(self.run.until - began, time.monotonic() - began, self.step - start)
            if self.step % every == 0 or self.step == self.run.steps:
                seconds = time.monotonic() - began
                self._note(
                    {
                        "step": self.step,
                        "seconds": round(seconds),
                        "loss": total / (self.step - first),
                        **evaluate(self.average),
                    }
                )
                total, first = 0.0, self.step
            if time.monotonic() - saved_at > self.run.save_every:
                self.save()
                saved_at = time.monotonic()
        self.save()

    def _fit_into(self, seconds: float, spent: float, done: int) -> None:
        """Fewer steps in all, so that the rates have fallen to nothing when the time is up."""
        possible = max(0, int((seconds - spent) * done / spent))
        self.run = replace(self.run, steps=min(self.run.steps, self.step + possible))

    def _note(self, figures: dict[str, float]) -> None:
        self.figures = figures
        line = json.dumps({key: round(value, 5) for key, value in figures.items()})
        print(line, flush=True)
        with open(self.run.folder / "log.jsonl", "a") as log:
            log.write(line + "\n")


def export(model: nn.Module, path: Path) -> None:
    """Half-precision safetensors, the form that is committed; the engine computes in float32 again."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    with replacing(path) as part:
        save_file(tensors, part)
