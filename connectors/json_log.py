"""Structured logs: one JSON object a line, on the stream given (standard error in every process).

Shape: `{"at": ISO 8601 UTC, "level": "info", "event": "router.batch-committed", ...fields}`. Third-party
log records pass through the same formatter, with `event` set to the logger's name and the text in `message`.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import IO

FIELDS = "masa_fields"  # attribute of a LogRecord that carries our structured fields

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; tracebacks keep the frames, never the values of variables."""

    def __init__(self, process: str | None = None) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower()}
        if self._process:
            line["process"] = self._process
        fields = getattr(record, FIELDS, None)
        if fields is None:
            line |= {"event": record.name, "message": record.getMessage()}
        else:
            line |= {"event": record.getMessage(), **fields}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _ENCODER.encode(line)


def configure(stream: IO[str], *, level: str = "INFO", process: str | None = None) -> None:
    """Send every log record of this process to `stream` as JSON. Called once, by the command line."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def log(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """One structured line. `event` is a fixed, dotted name; everything variable goes into `fields`."""
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={FIELDS: fields})
