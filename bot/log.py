"""logging to stderr, one line an event, as text or JSON; secrets are masked, prompts off by default."""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

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
        self._secrets = [form for secret in secrets if secret for form in {secret, quote(secret, safe="")}]

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
    handler.setFormatter(Lines(form, prompts=prompts, secrets=secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    for name in ("bot", "engine"):
        logging.getLogger(name).setLevel(level.upper())
