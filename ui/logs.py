"""The log of `kb`, in which secrets are masked, also in tracebacks of other people's code."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any

from kb.masking import masked
from ui.printable import printable, printable_json
from ui.request_id import current_request_id

__all__ = ["LogFormat", "MaskSecrets", "is_log_for_programs", "log_as", "mask_logs"]

_FORMATTER = logging.Formatter()
_OURS = ("kb", "ingest", "ui")
# What a record has without anybody's `extra`.
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class LogFormat(StrEnum):
    """How a server's log is written."""

    TEXT = "text"
    JSON = "json"


class MaskSecrets(logging.Filter):
    """Masks secrets in a record's message and traceback, and passes it on."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: nothing is held back."""
        try:
            record.msg, record.args = printable(masked(record.getMessage())), None
        except (TypeError, ValueError):
            # The arguments do not fit the message; logging tells of that by itself.
            return True
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = printable(masked(record.exc_text))
        return True


class _Text(logging.Formatter):
    """Warnings for who sits at the terminal; the request that one belongs to stands behind it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        request_id = current_request_id()
        behind = f" (request {request_id})" if request_id else ""
        return f"{record.levelname}: {record.message}{behind}"


class _Json(logging.Formatter):
    """An object a line: ``time``, ``level``, ``logger``, ``message``; ``request_id`` of what was
    logged for a request, ``exception`` with the traceback, and what else the record has."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            told["request_id"] = request_id
        for name, value in record.__dict__.items():
            if name not in _USUAL and isinstance(value, str | int | float | None):
                told[name] = masked(value) if isinstance(value, str) else value
        if record.exc_text:
            told["exception"] = record.exc_text
        return printable_json(told)


def log_as(form: LogFormat) -> None:
    """Have the process log to stderr: warnings and errors; as JSON also each request, and what the
    commands tell of themselves."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form is LogFormat.JSON else _Text())
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    for name in _OURS if form is LogFormat.JSON else ():
        logging.getLogger(name).setLevel(logging.INFO)
    mask_logs()


def is_log_for_programs() -> bool:
    """Whether `log_as` was told JSON."""
    return any(isinstance(handler.formatter, _Json) for handler in logging.getLogger().handlers)


def mask_logs() -> None:
    """Mask secrets in all that is logged from now on, and in what a bug prints as it ends the
    process. Call it again when handlers were added."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    handlers = {handler for logger in loggers for handler in logger.handlers}
    if logging.lastResort is not None:
        handlers.add(logging.lastResort)
    for handler in handlers:
        if not any(isinstance(one, MaskSecrets) for one in handler.filters):
            handler.addFilter(MaskSecrets())
    sys.excepthook = _print_masked


def _print_masked(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    text = "".join(traceback.format_exception(kind, error, trace))
    print(printable(masked(text)), end="", file=sys.stderr)
