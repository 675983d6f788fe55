"""The log of `kb`, in which secrets are masked, also in tracebacks of other people's code."""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType

from kb.masking import masked
from ui.printable import printable

__all__ = ["MaskSecrets", "mask_logs"]

_FORMATTER = logging.Formatter()


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
