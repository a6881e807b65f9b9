"""tests of engine.training.trainer."""

import contextlib
import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.training.trainer import Run, Trainer, export


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))


def trainer(folder: Path, steps: int = 40, **settings: float | bool) -> Trainer:
    return Trainer(network(), Run(folder=folder, steps=steps, outer=("0.", "4."), **settings))


class Stopped(Exception):
    """The run was ended from outside."""


def fit(trainer: Trainer, stop_at: int | None = None, every: int = 10) -> None:
    """Learn the sum of three numbers; `stop_at` ends the run as a signal would, at the end of a step."""

    def loss_of(rng: np.random.Generator, step: int) -> Tensor:
        if step == stop_at:
            raise Stopped
        x = torch.from_numpy(rng.standard_normal((16, 3), dtype=np.float32))
        return (trainer.model(x) - x.sum(1, keepdim=True)).square().mean()

    trainer.fit(loss_of, lambda average: {"zero": 0.0}, every=every)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A run that went to its end; what it wrote may be looked at."""
    run = trainer(tmp_path_factory.mktemp("finished"))
    fit(run)
    return run


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    for left, right in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        assert torch.equal(left, right)


def test_a_stopped_and_resumed_run_ends_on_the_same_weights(tmp_path: Path) -> None:
    """Training on two cores takes hours, and machines go away."""
    straight = trainer(tmp_path / "straight")
    fit(straight)
    stopped = trainer(tmp_path / "resumed", save_every=0)  # saves after each step
    try:
        fit(stopped, stop_at=23)
    except Stopped:
        pass
    resumed = trainer(tmp_path / "resumed")
    assert resumed.step == 23
    fit(resumed)
    assert_same_weights(straight.model, resumed.model)
    assert_same_weights(straight.average, resumed.average)


def learn(folder: Path, steps_done: int) -> None:
    """In a process of its own; each step is a line in a file."""
    torch.set_num_threads(1)  # the pool of threads stayed with the parent
    with os.fdopen(steps_done, "w") as out, contextlib.redirect_stdout(out):
        fit(trainer(folder, steps=45, save_every=0), every=1)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_killed_run_ends_on_the_same_weights(tmp_path: Path) -> None:
    """kill -9 at whatever instant, while a checkpoint is being written too: the file of before is whole."""
    told, tell = os.pipe()
    running = multiprocessing.get_context("fork").Process(target=learn, args=(tmp_path / "killed", tell))
    running.start()
    os.close(tell)
    with os.fdopen(told) as lines:
        next(line for line in lines if json.loads(line)["step"] == 5)
        running.kill()
        running.join()
    assert running.exitcode == -signal.SIGKILL
    killed, straight = trainer(tmp_path / "killed", steps=45), trainer(tmp_path / "straight", steps=45)
    assert 4 <= killed.step < 45
    fit(killed)
    fit(straight)
    assert_same_weights(straight.model, killed.model)
    assert_same_weights(straight.average, killed.average)


def test_a_run_that_may_take_only_so_long_makes_fewer_steps(tmp_path: Path) -> None:
    """A card that is lent for ten minutes: the rates fall to nothing just when the time is up."""
    run = trainer(tmp_path, steps=1000)
    run.step = 20
    run._fit_into(seconds=10, spent=1, done=20)
    assert run.run.steps == 200
    run._fit_into(seconds=10, spent=0.1, done=20)
    assert run.run.steps == 200  # the rates have begun to fall
    run._fit_into(seconds=10, spent=11, done=20)
    assert run.run.steps == 20


def test_the_same_seed_learns_the_same_and_another_does_not(tmp_path: Path) -> None:
    """Batches come from the seed and the step alone."""
    runs = [Trainer(network(), Run(folder=tmp_path / str(k), steps=5, seed=seed)) for k, seed in enumerate((0, 0, 1))]
    for run in runs:
        fit(run)
    assert_same_weights(runs[0].model, runs[1].model)
    assert not torch.equal(runs[0].model[0].weight, runs[2].model[0].weight)


def test_it_learns_and_notes_how(tmp_path: Path) -> None:
    """The log is where a model card's figures come from."""
    fit(trainer(tmp_path, steps=150), every=50)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [50, 100, 150]
    assert lines[-1]["loss"] < lines[0]["loss"] * 0.7
    assert lines[0]["zero"] == 0


def test_a_finished_run_is_not_trained_on(finished: Trainer) -> None:
    """Asking again for what is there changes nothing."""
    weights = finished.run.folder / "model.safetensors"
    before = weights.read_bytes()
    again = trainer(finished.run.folder)
    fit(again)
    assert again.step == 40
    assert weights.read_bytes() == before


def test_the_rates_warm_up_hold_and_fall_to_nothing(tmp_path: Path) -> None:
    """Clean edges come when the rate goes to zero."""
    run = trainer(tmp_path, steps=1000)
    rates = {}
    for step in (0, 99, 499, 750, 999):
        run.step = step
        run._set_rates()
        rates[step] = [
            round(optimiser.param_groups[0]["lr"] / rate, 4)
            for optimiser, rate in zip(run.optimisers, run.rates, strict=True)
        ]
    assert rates == {0: [0.01, 0.01], 99: [1, 1], 499: [1, 1], 750: [0.5, 0.5], 999: [0.002, 0.002]}


def test_what_is_exported_is_the_average_in_half_precision(finished: Trainer) -> None:
    """The average draws better than the last step; halves halve the repository."""
    exported = load_file(finished.run.folder / "model.safetensors")
    for name, value in finished.average.state_dict().items():
        assert exported[name].dtype == torch.float16
        assert torch.equal(exported[name], value.half())
    assert not torch.equal(finished.average.state_dict()["0.weight"], finished.model.state_dict()["0.weight"])


def test_counts_are_exported_as_they_are(tmp_path: Path) -> None:
    """A batch norm's step count in half precision would stop at 2048."""
    model = nn.BatchNorm2d(2)
    model.num_batches_tracked.fill_(100_001)
    export(model, tmp_path / "a.safetensors")
    assert load_file(tmp_path / "a.safetensors")["num_batches_tracked"] == 100_001


def test_no_half_written_file_is_left(finished: Trainer) -> None:
    """Each file is written to another name first."""
    names = {path.name for path in finished.run.folder.iterdir()}
    assert names == {"card.md", "checkpoint.pt", "log.jsonl", "model.safetensors"}


def test_a_new_run_can_begin_with_given_weights(finished: Trainer, tmp_path: Path) -> None:
    """Committed weights learn on where the checkpoint of their run is lost."""
    given = finished.run.folder / "model.safetensors"
    begun = Trainer(network(), Run(folder=tmp_path, steps=1, outer=("0.", "4."), start_from=given))
    for ours, theirs in zip(begun.average.state_dict().values(), finished.average.state_dict().values(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3)  # the file is in half precision


def test_a_model_card_tells_what_was_measured_last(finished: Trainer) -> None:
    card = (finished.run.folder / "card.md").read_text()
    assert "steps: 40 of 40" in card and "- zero: 0" in card and "- loss: " in card


def test_bfloat16_products_leave_the_weights_in_float32(tmp_path: Path) -> None:
    """Only the products are rounded: small updates would be lost in rounded weights."""
    exact, rounded = trainer(tmp_path / "exact"), trainer(tmp_path / "rounded", bf16=True)
    fit(exact)
    fit(rounded)
    weights = [torch.cat([p.flatten() for p in run.model.parameters()]) for run in (exact, rounded)]
    assert {p.dtype for p in rounded.model.parameters()} == {torch.float32}
    assert not torch.equal(*weights)
    assert torch.allclose(*weights, atol=0.05)


def test_what_a_step_goes_on_from_is_kept(tmp_path: Path) -> None:
    """Walks go on where they were when the run was stopped."""
    state = {"x": torch.zeros(2)}
    first = Trainer(network(), Run(folder=tmp_path, steps=2), state)
    state["x"] = torch.ones(2)
    first.save()
    again = {"x": torch.zeros(2)}
    Trainer(network(), Run(folder=tmp_path, steps=2), again)
    assert torch.equal(again["x"], torch.ones(2))
