"""What a page shows when an event of it fails, and what is refused since no page sends it.

Whoever reaches the port can send an event with any values, of any kind. Such mistakes are the
sender's: each is one line of the log, and a plain message. A traceback is for our own bugs.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import gradio as gr
from starlette.datastructures import Headers

from kb.masking import masked
from kb.stopping import StoppedError
from ui.language import chosen_language, later, speaking, spoken, tr
from ui.printable import printable
from ui.web.html.render import escape

__all__ = ["MOST_TEXTS", "NotFromThePageError", "ToldErrors", "event_text", "event_texts"]

_MAX_FIELD_CHARS = 4_096  # As long as a path may be.
MOST_TEXTS = 100_000
"""So many may be in one field of an event: files that are selected, all in all."""
_MAX_LOGGED_CHARS = 200
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REFUSAL = later("A value of the page can't be used. Correct it, or load the page again.")
_log = logging.getLogger(__name__)


class NotFromThePageError(ValueError):
    """An event holds what the page's own script doesn't send."""


class ToldErrors(gr.Blocks):  # type: ignore[misc]
    """Blocks that log what fails, and tell of it without secrets and without HTML: Gradio shows
    the words of an error as a page, and names of files are among them."""

    def queue(self, *arguments: Any, **options: Any) -> Any:
        """See `gradio.Blocks`. The queue takes events that have a function, of sessions that
        have a name."""
        made = super().queue(*arguments, **options)
        push = self._queue.push

        async def checked_push(body: Any, request: Any, username: str | None) -> Any:
            if _SESSION.fullmatch(body.session_hash or "") is None:
                return False, "A session has a name of letters and digits.", "error"
            function = self.fns.get(body.fn_index)
            if function is None or function.fn is None:
                raise LookupError(body.fn_index)  # ui.http.server answers it.
            return await push(body=body, request=request, username=username)

        self._queue.push = checked_push
        return made

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> Any:
        """See `gradio.Blocks`. Raises `NotFromThePageError` for what no component sends."""
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error as error:
            # Gradio's own are printed with a traceback; a choice that is none is among them.
            raise _told(str(error.message)) from error
        except Exception as error:
            raise NotFromThePageError(f"{type(error).__name__}: {error}") from error

    async def process_api(
        self, block_fn: Any, inputs: list[Any], *arguments: Any, **options: Any
    ) -> Any:
        """See `gradio.Blocks`. In the language of who sent the event. Raises `gradio.Error` where
        it failed."""
        with speaking(_language(options.get("request"))):
            return await self._process(block_fn, inputs, *arguments, **options)

    async def _process(
        self, block_fn: Any, inputs: list[Any], *arguments: Any, **options: Any
    ) -> Any:
        event = options.get("event_data")
        if event is not None:
            event._data = _without_surrogates(event._data)
        try:
            inputs = _without_surrogates(inputs)
            return await super().process_api(block_fn, inputs, *arguments, **options)
        except gr.Error:
            raise
        except StoppedError as error:
            raise _told(tr("The answer was stopped.")) from error
        except NotFromThePageError as error:
            said = printable(" ".join(str(error).split()))[:_MAX_LOGGED_CHARS]
            _log.warning("An event of a page was refused: %s", said)
            raise _told(tr(_REFUSAL)) from error
        except Exception as error:
            _log.exception("An event of the page failed")
            text = f"{type(error).__name__}: {error}"
            said = tr("An unexpected error ({error}). See the log of `kb up`.", error=text)
            raise _told(said) from error


def event_text(event: gr.EventData, name: str) -> str:
    """A field of what a page's script sent with an event.

    Raises:
        NotFromThePageError: It is no text that the script sends.
    """
    return _text(_field(event, name), name)


def event_texts(event: gr.EventData, name: str) -> list[str]:
    """A field of several texts, each once.

    Raises:
        NotFromThePageError: It is none that the script sends.
    """
    values = _field(event, name)
    if not isinstance(values, list) or len(values) > MOST_TEXTS:
        raise NotFromThePageError(f"The event's {name} is no list that the page sends")
    return list(dict.fromkeys(_text(value, name) for value in values))


def _field(event: gr.EventData, name: str) -> Any:
    return event._data.get(name) if isinstance(event._data, dict) else None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > _MAX_FIELD_CHARS:
        raise NotFromThePageError(f"The event's {name} is {str(value)[:_MAX_LOGGED_CHARS]!r}")
    return value


def _language(request: gr.Request | list[gr.Request] | None) -> str:
    """The language of whoever sent an event; events that wait can be processed together."""
    first = request[0] if isinstance(request, list) and request else request
    sent = getattr(first, "request", None)
    if sent is None:
        return spoken()
    headers = Headers(raw=sent.headers.raw)
    return chosen_language(headers.get("accept-language", ""), headers.get("cookie", ""))


def _without_surrogates(value: Any) -> Any:
    """`value` as JSON can hold it: half of a pair would break off the stream of the answers."""
    if isinstance(value, str):
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(item) for k, item in value.items()}
    return value


def _told(text: str) -> gr.Error:
    return gr.Error(escape(masked(text)), print_exception=False)
