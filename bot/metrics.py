"""Prometheus metrics: queue, jobs, seconds per step, preview latency, engine restarts."""

from collections.abc import Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)  # upper bounds of the buckets

NO_ENGINES: Mapping[str, tuple[int, int]] = {}

# Records one value by name: `step_seconds`, `preview_seconds` (from the engine's event until the platform has taken
# it), `acknowledge_seconds` or `engine_restarts`.
RecordMetric = Callable[[str, float], None]


class Metrics:
    """All metrics since the start, in their own registry."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._queue = Gauge("imago_queue_depth", "Jobs that wait for the engine", registry=registry)
        self._jobs = Gauge("imago_jobs", "Jobs in the database, by status", ["status"], registry=registry)
        self._restarts = Counter("imago_engine_restarts", "Starts of the engine after a crash", registry=registry)
        self._at_once = self._of_engine("imago_engine_at_once", "Pictures that an engine of a cluster draws at a time")
        self._drawing = self._of_engine("imago_engine_drawing", "Pictures that an engine of a cluster draws now")
        self._seconds = {
            "step_seconds": self._histogram("imago_step_seconds", "Duration of one step of a drawing"),
            "preview_seconds": self._histogram("imago_preview_seconds", "From the engine's preview to the chat's yes"),
            "acknowledge_seconds": self._histogram("imago_acknowledge_seconds", "From a message to its job on disk"),
        }

    def _of_engine(self, name: str, help_text: str) -> Gauge:
        return Gauge(name, help_text, ["engine"], registry=self._registry)

    def _histogram(self, name: str, help_text: str) -> Histogram:
        return Histogram(name, help_text, buckets=SECONDS, registry=self._registry)

    def record(self, name: str, value: float) -> None:
        """Record one value (a RecordMetric). Raises KeyError for an unknown name."""
        if name == "engine_restarts":
            self._restarts.inc(value)
        else:
            self._seconds[name].observe(value)

    def page(self, jobs: Mapping[str, int], engines: Mapping[str, tuple[int, int]] = NO_ENGINES) -> tuple[bytes, str]:
        """The Prometheus text and its media type.

        Args:
            jobs: number of jobs per status; missing ones count as 0.
            engines: of a cluster, by name: pictures it draws at a time, and now.
        """
        for gauge, of in ((self._at_once, 0), (self._drawing, 1)):
            gauge.clear()
            for name, figures in engines.items():
                gauge.labels(name).set(figures[of])
        self._jobs.clear()
        for status, number in jobs.items():
            self._jobs.labels(status).set(number)
        self._queue.set(jobs.get("queued", 0))
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
