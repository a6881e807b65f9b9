"""logging to stderr, one line an event, as text or JSON; secrets are masked, prompts off by default."""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from cachetools import LRUCache

MOST_REPEATS, MOST_KINDS = 5, 500  # lines of one kind per minute; kinds remembered
PROMPT = "prompt"  # the one value of an event that is omitted unless enabled


def event(log: logging.Logger, name: str, **values: object) -> None:
    """Log what has happened to a job or by moderation, at info level: `event=drawn job=12 seconds=3.1`."""
    log.info("%s", name, extra={"event": name, "values": values})


class Lines(logging.Formatter):
    """One line an event: `key=value`, or a JSON object."""

    def __init__(self, form: str, *, prompts: bool, secrets: Iterable[str]) -> None:
        """`form` is text or json."""
        super().__init__()
        self._json, self._prompts = form == "json", prompts
        self._secrets = sorted((form for secret in secrets if secret for form in _forms(secret)), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record with secrets masked; in text form a traceback follows on its own lines."""
        line = self._as_json(record) if self._json else self._as_text(record)
        for secret in self._secrets:
            line = line.replace(secret, "(secret)")
        return line

    def _as_text(self, record: logging.LogRecord) -> str:
        at = self.formatTime(record)
        said = _one_line(record.getMessage())
        if hasattr(record, "event"):
            said = " ".join(f"{key}={_quote(value)}" for key, value in self._values(record).items())
        trace = self._trace(record)
        return f"{at} {record.levelname} {record.name}: {said}" + (f"\n{trace}" if trace else "")

    def _as_json(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        values: dict[str, object] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        values |= self._values(record) if hasattr(record, "event") else {"message": record.getMessage()}
        if trace := self._trace(record):
            values["trace"] = trace
        return json.dumps(values, ensure_ascii=False, default=str)

    def _values(self, record: logging.LogRecord) -> dict[str, object]:
        values: dict[str, object] = getattr(record, "values", {})
        return {"event": record.getMessage()} | {k: v for k, v in values.items() if k != PROMPT or self._prompts}

    def _trace(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


def _forms(secret: str) -> set[str]:
    """As it may stand in a line: in an address, in JSON, in quotes of Python's, and JSON within JSON."""
    quoted = {secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    return quoted | {json.dumps(form, ensure_ascii=False)[1:-1] for form in quoted}


class Repeats(logging.Filter):
    """Lets what is said again and again through only a few times a minute, with how often it was not said."""

    def __init__(self, most: int = MOST_REPEATS, seconds: float = 60.0) -> None:
        super().__init__()
        self._most, self._seconds = most, seconds
        # by logger and words: since when, how often
        self._said: LRUCache[tuple[str, str], tuple[float, int]] = LRUCache(MOST_KINDS)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said. What happens to a job is never left out."""
        if hasattr(record, "event"):
            return True
        kind = record.name, str(record.msg)
        since, count = self._said.get(kind, (0.0, 0))
        if record.created >= since + self._seconds or record.created < since:
            self._said[kind] = record.created, 1
            if count > self._most:
                record.msg, record.args = f"{record.getMessage()} (and {count - self._most} times more before)", ()
            return True
        self._said[kind] = since, count + 1
        return count < self._most


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _quote(value: object) -> str:
    """A value as one word, or in quotes."""
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)


def set_up(level: str, form: str = "text", *, prompts: bool = False, secrets: Iterable[str] = ()) -> None:
    """Set up logging from `level` (debug, info, warning, error); libraries log warnings and errors only.

    Args:
        form: text or json.
        prompts: whether prompts are shown.
        secrets: texts to mask.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Repeats())
    handler.setFormatter(Lines(form, prompts=prompts, secrets=secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    for name in ("bot", "engine"):
        logging.getLogger(name).setLevel(level.upper())
