"""Asking an OpenAI-compatible chat server, and telling a whole answer from anything else."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from typing import Any, Final

import httpx

from kb.config.models import RemoteGeneratorConfig
from kb.errors import InferenceError, PromptTooLongError
from kb.models.remote.events import EventDecoder
from kb.models.remote.http import pooled_client
from kb.models.remote.key import read_api_key
from kb.models.remote.server_errors import is_too_long, plain, reason
from kb.retry import PassingError, Tries, asked_delay_s, asks_to_wait
from kb.stopping import check, hang_up, interrupted_by

__all__ = ["ChatClient", "PicturesRefusedError", "SilentError"]

Json = dict[str, Any]

_SHOWN_CHARACTERS: Final = 80
# What a model that thinks first sends meanwhile: it is at work, though nothing can be shown.
_THOUGHTS: Final = ("reasoning_content", "reasoning")
_BROKEN: Final = ("abort", "content_filter", "error")
# What vLLM, llama.cpp, OpenAI and others say of pictures that a model can't read.
_NO_PICTURES: Final = (
    "not a multimodal model",
    "at most 0 image",
    "image input",
    "image_url",
    "support image",
)


class PicturesRefusedError(InferenceError):
    """The model reads words only."""


class SilentError(InferenceError):
    """Nothing came for longer than `timeout_s`."""


class ChatClient:
    """Streams from ``/v1/chat/completions`` of one server.

    Before the answer begins, a lost connection, a 429 and a 5xx are tried again. A server that
    hangs is not: whoever asked is waiting.

    Args:
        config: Of the profile.

    Raises:
        ConfigError: The API key names a variable of the environment that is not set.
    """

    def __init__(self, config: RemoteGeneratorConfig) -> None:
        self._config = config
        self._key = read_api_key(config, "generator")

    def stream(self, messages: Sequence[Json]) -> Generator[str, None, bool]:
        """The answer in pieces; returns whether it was cut at `max_new_tokens`.

        Raises:
            InferenceError: The server can't be reached, refuses, answers nonsense, is silent for
                longer than `timeout_s`, or breaks off, perhaps after some pieces.
            PromptTooLongError: The server's model reads less.
        """
        with ExitStack() as stack:
            completions = self._client.chat.completions  # made before the clock runs
            check()
            tries = Tries(self._config.n_retries)
            response = tries.run(partial(self._open, completions, messages, stack, tries))
            with interrupted_by(partial(hang_up, response.http_response)):
                return (yield from self._pieces(response, tries))

    def _open(
        self, completions: Any, messages: Sequence[Json], stack: ExitStack, tries: Tries
    ) -> Any:
        import openai

        try:
            return stack.enter_context(
                completions.with_streaming_response.create(
                    model=self._config.model,
                    messages=[*messages],
                    max_tokens=self._config.max_new_tokens,
                    temperature=0.0,
                    stream=True,
                )
            )
        except openai.APITimeoutError as error:
            if isinstance(error.__cause__, httpx.ConnectTimeout):
                raise PassingError(self._unreachable()) from error
            raise self._silent(tries, has_pieces=False) from error
        except openai.APIConnectionError as error:
            raise PassingError(self._unreachable()) from error
        except openai.APIStatusError as error:
            raise self._refusal(error.response, tries) from error
        except (openai.OpenAIError, httpx.HTTPError) as error:
            raise self._failed(f"failed: {self._plain(str(error))}. See its log.") from error

    def _pieces(self, response: Any, tries: Tries) -> Generator[str, None, bool]:
        events = EventDecoder()
        has_events = has_pieces = False
        heard_s = time.monotonic()
        try:
            for data in _data(response.iter_bytes(), events):
                check()
                if data is not None:
                    has_events = True
                    delta, finish = self._read(data)
                    if piece := delta.get("content"):
                        has_pieces = True
                        yield piece
                    if piece or any(delta.get(name) for name in _THOUGHTS):
                        heard_s = time.monotonic()
                    if finish:
                        return self._is_cut(finish, has_pieces=has_pieces)
                # What only keeps the line open is no answer.
                if time.monotonic() - heard_s > self._config.timeout_s:
                    raise self._silent(tries, has_pieces=has_pieces)
        except httpx.TimeoutException as error:
            raise self._silent(tries, has_pieces=has_pieces) from error
        except httpx.HTTPError as error:
            check()  # it was us who hung up
            raise self._broken(f"({self._plain(str(error)) or type(error).__name__})") from error
        if not has_events:
            raise self._nonsense(repr(events.beginning))
        raise self._broken("without a sign that it is whole")

    def _read(self, data: str) -> tuple[Json, str]:
        """The delta of an event, and the reason why the answer ends; empty where it goes on."""
        if data.strip() == "[DONE]":
            return {}, "stop"
        try:
            found = json.loads(data)
        except ValueError as error:
            raise self._nonsense(f"the event {data[:_SHOWN_CHARACTERS]!r}") from error
        if isinstance(found, dict) and found.get("error"):
            raise self._broken(f"with an error ({reason(data.encode(), self._key)})")
        choices = found.get("choices") if isinstance(found, dict) else None
        if choices == []:
            return {}, ""  # numbers of tokens, or a filter's verdict on the question
        first = choices[0] if isinstance(choices, list) else None
        choice: Json = first if isinstance(first, dict) else {}
        delta = choice.get("delta")
        if not isinstance(delta, dict) or not isinstance(delta.get("content") or "", str):
            raise self._nonsense(f"the event {data[:_SHOWN_CHARACTERS]!r}")
        return delta, str(choice.get("finish_reason") or "")

    def _is_cut(self, finish: str, *, has_pieces: bool) -> bool:
        if finish in _BROKEN:
            raise self._broken(f"with the reason {finish!r}")
        if not has_pieces and finish == "length":
            raise self._failed(
                f"wrote no word of an answer within {self._config.max_new_tokens:,} tokens: its "
                "model thinks for longer. Raise generator.max_new_tokens in kb.yaml."
            )
        if not has_pieces:
            raise self._failed("ended before the first word. See its log, then ask again.")
        return finish == "length"

    # -- what goes wrong -----------------------------------------------------------------

    def _refusal(self, response: Any, tries: Tries) -> Exception:
        status, said = response.status_code, reason(response.content, self._key)
        if status in (401, 403):
            return self._failed(f"refuses the key ({status}). Set generator.api_key in kb.yaml.")
        if status == 404:
            return self._failed(
                f"has no model {self._config.model!r}. Set generator.model in kb.yaml to what it "
                f"serves: {', '.join(self._served()) or 'it does not say'}."
            )
        if status == 429:
            asked_s = asked_delay_s(response.headers.get("Retry-After", ""))
            busy = f"is overloaded (429){asks_to_wait(asked_s)} ({tries})"
            return PassingError(self._failed(f"{busy}. Wait a little, then ask again."), asked_s)
        if is_too_long(said):
            return PromptTooLongError(
                f"Question and sources are longer than what the chat server {self._config.url} "
                f"reads ({said}). Lower generator.max_length in kb.yaml to what its model reads, "
                "or serve it with a longer context."
            )
        if any(words in said.lower() for words in _NO_PICTURES):
            return PicturesRefusedError(
                f"The chat server {self._config.url} takes no pictures ({said}). Set "
                "`generator.pictures: false` in kb.yaml, or serve a model that reads them.",
                model_id=self._config.model,
            )
        failed = f"failed ({status}): {said or 'no reason given'}. See its log, then ask again"
        if status >= 500:
            return PassingError(self._failed(f"{failed} ({tries})."))
        return self._failed(f"{failed}.")

    def _unreachable(self) -> InferenceError:
        return self._failed("can't be reached. Start it, or correct generator.url in kb.yaml.")

    def _silent(self, tries: Tries, *, has_pieces: bool) -> SilentError:
        limit = f"{self._config.timeout_s:g} s"
        what = f"did not answer within {limit} ({tries})"
        if has_pieces:
            what = f"fell silent for {limit} in the middle of its answer"
        said = self._failed(f"{what}. Ask again, or raise generator.timeout_s in kb.yaml.")
        return SilentError(str(said), model_id=self._config.model)

    def _broken(self, how: str) -> InferenceError:
        return InferenceError(
            f"The answer broke off: the chat server {self._config.url} ended it {how}. See its "
            "log, then ask again.",
            model_id=self._config.model,
        )

    def _nonsense(self, found: str) -> InferenceError:
        return self._failed(
            f"answered {self._plain(found)} where a stream of chat completions was expected. Is "
            "generator.url in kb.yaml the address of an OpenAI-compatible server?"
        )

    def _failed(self, what: str) -> InferenceError:
        return InferenceError(
            f"The chat server {self._config.url} {what}", model_id=self._config.model
        )

    def _plain(self, text: str) -> str:
        return plain(text, self._key)

    # -- the client ----------------------------------------------------------------------

    def _served(self) -> list[str]:
        """The names of the models; empty where the server does not say."""
        import openai

        try:
            found = self._client.get("/models", cast_to=httpx.Response).json()
        except (openai.OpenAIError, httpx.HTTPError, ValueError):
            return []
        models = found.get("data") if isinstance(found, dict) else None
        names = models if isinstance(models, list) else []
        return [
            self._plain(str(one["id"])) for one in names if isinstance(one, dict) and "id" in one
        ]

    @cached_property
    def _client(self) -> Any:
        import openai

        # Ours, so that its errors have one name under every release of openai.
        http: Any = pooled_client(self._config)
        weakref.finalize(self, http.close)
        return openai.OpenAI(
            base_url=self._config.base_url,
            # The client insists on a key, servers without one ignore it.
            api_key=self._key or "none",
            http_client=http,
            max_retries=0,
        )


def _data(parts: Iterator[bytes], events: EventDecoder) -> Iterator[str | None]:
    """The data of the events in `parts`; None after each part, whether it holds one or not."""
    for part in parts:
        yield from events.feed(part)
        yield None
    yield from events.end()
