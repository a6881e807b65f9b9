"""the adaptive splitting solver: few large steps where the pull is weak, small ones where it is strong.

The algorithm of Katherine Crowson's clip-guided-diffusion (2023). A step is split in two (Wizadwongsa & Suwajanakorn
2023, arXiv 2301.11558): the diffusion part by DPM-Solver++(3M) SDE (Lu et al. 2022, arXiv 2211.01095), the pull by
its first order. The brake is one for each picture here: those of a drawing end after different numbers of steps.

Everything is [n] or [n, 1, 1, 1] on the device, and nothing of it is read in a step. Between two steps log σ is, for
the timesteps that come next.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from engine.diffusion.levels import log_sigma_at, timesteps_at
from engine.diffusion.samplers import Prediction, Step
from engine.diffusion.schedule import SOLVER_STEPS, Schedule
from engine.networks.tuning import to_device

MOST_SIGMA = 157.4  # of OpenAI's linear schedule: above it there is nothing to be seen, and no step is wasted
MOST_PULL = 0.05  # root mean square, of −1 … 1, by which guidance may move a picture in one of SOLVER_STEPS
SLOWEST = 4  # times as many steps as nominal are the most
CLOSE = 1e-5  # log σ this near to the end is the end


def limit_step(strength: Tensor, sigma: Tensor, most_pull: float, max_h: Tensor, eta: float) -> Tensor:
    """The step in log σ for each picture, [n]: max_h, or less where the pull would move it by more than it may.

    σ·c·(1 − e^(−(1 + η)h)) = most_pull, solved for h, then max_h·tanh(h / max_h); clip-guided-diffusion's
    `h_for_max_cond`. It is never below max_h / SLOWEST, so that there is a most number of steps.

    Args:
        strength: c = rms(σ·score), [n].
        sigma: [n].
    """
    share = most_pull / (sigma * strength + 1e-12)
    free = -torch.log1p(-share.clamp(max=1 - 1e-6)) / (1 + eta)
    h = torch.where(share < 1, max_h * torch.tanh(free / max_h), max_h)
    return torch.maximum(h, max_h / SLOWEST)


def limit_shift(shift: Tensor, h: Tensor, most_pull: float, eta: float) -> Tensor:
    """The pull's shift of x0, weakened for each picture whose shortest step would still move it further than it may."""
    moved = -torch.expm1(-(1 + eta) * h) * shift.pow(2).mean((1, 2, 3)).sqrt()
    return shift * (most_pull / moved.clamp(min=most_pull))[:, None, None, None]


def splitting_step(
    x: Tensor,
    x0: Tensor,
    shift: Tensor,
    log_sigma: Tensor,
    h: Tensor,
    former: list[tuple[Tensor, Tensor]],
    noise: Tensor,
    eta: float,
) -> Tensor:
    """x / √ᾱ after a step of h down from log σ; DPM-Solver++(3M) SDE of x0, first order of the pull.

    Lu et al. 2022 (arXiv 2211.01095) algorithm 2 and appendix, with stochasticity η as in k-diffusion's
    `sample_dpmpp_3m_sde`; the corrections see the unguided x0 alone. `bend` is half the second difference, so its
    weight is 1 − 2·φ2/(h(1 + η)), twice what is found in circulation: only so the error falls with h³ (tested).

    Args:
        x: [n, c, h, w], in units in which the picture has no factor: x_t / √ᾱ.
        x0: what the network expects, unguided, [n, c, h, w].
        shift: σ²·score, by which the pull moves x0, [n, c, h, w].
        log_sigma, h: [n, 1, 1, 1].
        former: (x0, h) of the last step and of the one before, as far as there are any.
        noise: standard normal, [n, c, h, w].
    """
    after, way = torch.exp(log_sigma - h), h * (1 + eta)
    x = torch.exp(-way) * x - torch.expm1(-way) * (x0 + shift)
    x = x + noise * after * torch.sqrt(-torch.expm1(-2 * eta * h))
    if not former:
        return x
    second = torch.expm1(-way) / way + 1  # φ2
    last, r0 = former[0][0], former[0][1] / h
    slope = (x0 - last) / r0
    if len(former) == 1:
        return x + second * slope
    before, r1 = former[1][0], former[1][1] / h
    bend = (slope - (last - before) / r1) / (r0 + r1)
    return x + second * (slope + bend * r0) + (1 - 2 * second / way) * bend


class SolverWalk:
    """One drawing's way from noise to clean pictures; the same face as `samplers.Walk`.

    Its state is x, log σ, and the last two x0 with the steps after them, each for every picture.
    """

    def __init__(
        self,
        x: Tensor,
        noise: Callable[[int], Tensor],
        schedule: Schedule,
        *,
        steps: int,
        eta: float = 1.0,
        start: float = 999.0,
        x0_limit: float = 1.0,
        memory: dict[str, Tensor] | None = None,
    ) -> None:
        """Begin at timestep `start`, or go on from `memory`.

        Args:
            x: [n, c, h, w], √ᾱ·picture + √(1 − ᾱ)·noise.
            noise: for the k-th step; the same k must always give the same noise.
            schedule: of the network's training.
            steps: of the whole way, where the brake never bites; it also sets how much the pull may do in one.
            eta: 0 adds no noise, 1 as much as the diffusion has.
            start: timestep that x is at.
            x0_limit: the solver takes no x0 beyond ±this for true.
            memory: what an earlier walk's `memory` said.
        """
        self.x, self._noise, self._schedule, self._eta, self._limit = x, noise, schedule, eta, x0_limit
        self._first = min(log_sigma_at(schedule, 999), math.log(MOST_SIGMA))
        self._last, self._steps = log_sigma_at(schedule, 0), steps
        self._max_h = (self._first - self._last) / steps
        self._most_pull = MOST_PULL * SOLVER_STEPS / steps
        self.count = 0
        self._former: list[tuple[Tensor, Tensor]] = []
        at = min(self._first, log_sigma_at(schedule, start))
        self._log_sigma = torch.full((len(x),), at, device=x.device)
        if memory:
            self._recall({name: tensor.to(x.device) for name, tensor in memory.items()})
        self._read: Tensor | None = None

    def _edge(self) -> Tensor:
        """log σ of each picture on the CPU, read once between two steps and never in one."""
        if self._read is None:
            self._read = self._log_sigma.cpu()
        return self._read

    @property
    def done(self) -> bool:
        """Whether every picture is finished."""
        return bool((self._edge() <= self._last + CLOSE).all())

    @property
    def t(self) -> Tensor:
        """The timestep that each picture is at, [n] float64 on the CPU."""
        return timesteps_at(self._schedule, self._edge())

    def share(self) -> float:
        """How much of the way is done, 0 … 1, by the logarithm of the noise: of the picture that is least far."""
        if self.done:
            return 1.0
        return max(0.0, (self._first - float(self._edge().max())) / (self._first - self._last))

    @property
    def index(self) -> int:
        """Of the `steps` those that are still to do, less one; −1 when all are done. It may stay for several steps."""
        return -1 if self.done else max(0, math.ceil((1 - self.share()) * self._steps - 1e-4) - 1)

    def memory(self) -> dict[str, Tensor]:
        """All of the state but x, on the CPU."""
        found = {"log_sigma": self._log_sigma.cpu(), "count": torch.tensor(self.count)}
        for number, (x0, h) in enumerate(self._former):
            found |= {f"x0_{number}": x0.cpu().contiguous(), f"h_{number}": h.cpu().contiguous()}
        return found

    def _recall(self, memory: dict[str, Tensor]) -> None:
        self._log_sigma, self.count = memory["log_sigma"], int(memory["count"])
        self._former = [(memory[f"x0_{k}"], memory[f"h_{k}"]) for k in range(2) if f"x0_{k}" in memory]

    def advance(self, prediction: Prediction) -> Step:
        """Take the step that a prediction at (x, t) leads to; finished pictures stay as they are."""
        fresh = to_device(self._noise(self.count), self.x.device)
        log_sigma = self._log_sigma[:, None, None, None]
        sigma = torch.exp(log_sigma)
        factor = torch.rsqrt(1 + sigma**2)  # √ᾱ
        x0 = prediction.x0.clamp(-self._limit, self._limit)
        pull = torch.zeros_like(x0) if prediction.pull is None else factor * prediction.pull  # ∇ by x / √ᾱ
        strength = (sigma * pull).pow(2).mean((1, 2, 3)).sqrt()
        max_h = self._log_sigma.new_tensor(self._max_h)
        h = limit_step(strength, sigma.flatten(), self._most_pull, max_h, self._eta)
        left = self._log_sigma - self._last
        running, ends = left > CLOSE, h > left - CLOSE
        h = torch.where(ends, left, h)
        wide = h[:, None, None, None]
        shift = limit_shift(sigma**2 * pull, h, self._most_pull, self._eta)
        x = splitting_step(self.x / factor, x0, shift, log_sigma, wide, self._former, fresh, self._eta)
        x = x * torch.rsqrt(1 + torch.exp(2 * (log_sigma - wide)))
        x = torch.where(ends[:, None, None, None], x0, x)  # the last x0, not one more step's noise
        self.x = torch.where(running[:, None, None, None], x, self.x)
        self._log_sigma = torch.where(running, self._log_sigma - h, self._log_sigma)
        self._former = [(x0, wide), *self._former[:1]]
        self.count, self._read = self.count + 1, None
        return Step(x=self.x, index=self.count, x0=x0, distance=prediction.distance)
