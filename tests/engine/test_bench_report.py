"""figures as rows of a Markdown table."""

import subprocess
import sys

from tests.bench.engine.report import HEADER, Figure, at_most, machine, row


def test_a_row_fits_its_header() -> None:
    """The rows are pasted into docs/benchmarks.md."""
    line = row(Figure(name="speed", value="3 ms"), "a machine")
    assert line.count("|") == HEADER.splitlines()[0].count("|") == HEADER.splitlines()[1].count("|")
    assert "| speed | 3 ms |" in line and line.endswith("| a machine |")


def test_a_figure_that_falls_short_is_shown_as_it_is() -> None:
    """A missed bar must not be overlooked."""
    assert at_most("ratio", 0.75, 0.75).met is True
    assert "| 0.751 | ≤ 0.75 | **no** |" in row(at_most("ratio", 0.751, 0.75), "here")


def test_the_machine_is_told_with_its_threads() -> None:
    """A time without them means nothing."""
    assert "threads" in machine() and "torch" in machine() and "|" not in machine()


def test_the_memory_of_a_process_is_not_that_of_the_one_that_started_it() -> None:
    """`make bench` draws in a small process after a large one has measured gigabytes."""
    ballast = b"1" * 200_000_000
    code = "from tests.bench.engine.report import peak_memory; print(peak_memory())"
    peak = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert 5_000_000 < peak < len(ballast)
