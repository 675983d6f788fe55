"""What a page shows when an event of it fails unexpectedly."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from kb.masking import masked
from kb.stopping import StoppedError
from ui.render import escape

__all__ = ["ToldErrors"]

_log = logging.getLogger(__name__)


class ToldErrors(gr.Blocks):  # type: ignore[misc]
    """Blocks that log what fails, and tell of it without secrets and without HTML: Gradio shows
    the words of an error as a page, and names of files are among them."""

    async def process_api(self, *arguments: Any, **options: Any) -> Any:
        """See `gradio.Blocks`. Raises `gradio.Error` where the event failed."""
        try:
            return await super().process_api(*arguments, **options)
        except gr.Error:
            raise
        except StoppedError as error:
            raise _told("The answer was stopped.") from error
        except Exception as error:
            _log.exception("An event of the page failed")
            text = f"{type(error).__name__}: {error}"
            raise _told(f"An unexpected error ({text}). See the log of `kb up`.") from error


def _told(text: str) -> gr.Error:
    return gr.Error(escape(masked(text)), print_exception=False)
