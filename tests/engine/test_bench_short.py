"""commands of tests/bench/engine, in short: that they still run, not what they measure."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.bench.engine import __main__ as command
from tests.bench.engine import check

BENCH = Path(__file__).parents[1] / "bench"


@pytest.mark.parametrize("room", ["bot", "engine"])
def test_every_benchmark_can_be_imported_and_starts_nothing(room: str) -> None:
    """They are run once a month, and code moves every day."""
    for path in sorted((BENCH / room).glob("*.py")):
        import_module(f"tests.bench.{room}.{path.stem}")


def test_every_figure_is_a_module_that_measures() -> None:
    """A figure that was renamed would be missed when somebody needs it."""
    for name in (*command.FIGURES, *command.LONG):
        assert callable(import_module(f"tests.bench.engine.{name}").measure), name


def test_figures_are_printed_as_rows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As `python -m tests.bench.engine check` prints them."""
    monkeypatch.setattr(check, "SCENES", 2)
    monkeypatch.setattr(check, "SHOWING", 2)
    monkeypatch.setattr(sys, "argv", ["bench", "check"])
    command.main()
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("| ") and "a showing one scores higher" in last


def test_an_unknown_figure_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It names those that there are."""
    monkeypatch.setattr(sys, "argv", ["bench", "speed"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there is no figure 'speed': choose from step, full" in capsys.readouterr().err
