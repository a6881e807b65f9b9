"""the figures for Prometheus."""

import pytest

from bot.metrics import Metrics


def lines(metrics: Metrics, jobs: dict[str, int]) -> set[str]:
    return set(metrics.page(jobs)[0].decode().splitlines())


def test_jobs_are_counted_by_status_and_the_queue_is_those_that_wait() -> None:
    """A growing queue is the first thing an operator wants to see."""
    metrics = Metrics()
    page = lines(metrics, {"queued": 3, "running": 1})
    assert {"imago_queue_depth 3.0", 'imago_jobs{status="queued"} 3.0', 'imago_jobs{status="running"} 1.0'} <= page


def test_a_status_without_jobs_is_not_shown_any_more() -> None:
    """A gauge that keeps its last value would show jobs that are long gone."""
    metrics = Metrics()
    metrics.page({"queued": 3})
    page = lines(metrics, {"delivered": 3})
    assert "imago_queue_depth 0.0" in page and not any('status="queued"' in line for line in page)


def test_each_engine_of_a_cluster_is_told_while_it_is_there() -> None:
    """Which of fifty GPUs does not draw is what an operator asks."""
    metrics = Metrics()
    page = metrics.page({}, {"10.0.0.5-ab-0": (8, 3)})[0].decode()
    assert 'imago_engine_at_once{engine="10.0.0.5-ab-0"} 8.0' in page
    assert 'imago_engine_drawing{engine="10.0.0.5-ab-0"} 3.0' in page
    assert "10.0.0.5" not in metrics.page({})[0].decode()


def test_durations_go_into_their_histograms() -> None:
    """Averages hide the slow tail."""
    metrics = Metrics()
    for name in ("step_seconds", "preview_seconds", "acknowledge_seconds"):
        metrics.record(name, 0.2)
        assert {f'imago_{name}_bucket{{le="0.1"}} 0.0', f'imago_{name}_bucket{{le="0.25"}} 1.0'} <= lines(metrics, {})


def test_restarts_of_the_engine_add_up() -> None:
    """An engine that keeps dying is worth an alarm."""
    metrics = Metrics()
    metrics.record("engine_restarts", 1)
    metrics.record("engine_restarts", 1)
    assert "imago_engine_restarts_total 2.0" in lines(metrics, {})


def test_an_unknown_figure_is_a_mistake() -> None:
    """A misspelt name would otherwise vanish without a word."""
    with pytest.raises(KeyError):
        Metrics().record("step_second", 1.0)
