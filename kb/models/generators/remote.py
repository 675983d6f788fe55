"""A chat model behind any OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kb.answer.chat.cited_text import cited_events
from kb.answer.chat.prompt import PICTURE_BUDGET, build_chat_prompt
from kb.answer.chat.token_estimate import estimate_tokens
from kb.answer.chat.watched import watched
from kb.config.models import RemoteGeneratorConfig
from kb.content import Picture
from kb.index.assets import AssetStore
from kb.models.remote.chat import ChatClient
from kb.models.remote.content import picture_url
from kb.protocols import GeneratorEvent
from kb.types import Hit, Query

__all__ = ["RemoteGenerator"]


class RemoteGenerator:
    """Streams an answer with citations from ``/v1/chat/completions``.

    Args:
        config: Of the profile.
        assets: Where hits' pictures are read.

    Raises:
        ConfigError: The API key names a variable of the environment that is not set.
    """

    def __init__(self, config: RemoteGeneratorConfig, assets: AssetStore) -> None:
        self._config = config
        self._assets = assets
        self._client = ChatClient(config)

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`.

        Raises:
            InferenceError: The server can't be reached, refuses, answers nonsense, hangs, goes
                round in a circle, or
                breaks off, perhaps in the middle of the text; or the question's picture can't be
                shown.
            PromptTooLongError: The question is longer than the model is set to read, or question
                and sources are longer than it does.
        """
        prompt = build_chat_prompt(
            query,
            hits,
            self._assets,
            max_tokens=self._config.max_length - self._config.max_new_tokens,
            count_tokens=estimate_tokens,
            pictures=self._config.pictures,
        )
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": [_part(part) for part in prompt.parts]},
        ]
        written = watched(
            self._client.stream(messages), self._config.model, self._config.answer_limit_s
        )
        yield from cited_events(written, query.text, hits, prompt.shown)


def _part(part: str | Picture) -> dict[str, Any]:
    if isinstance(part, Picture):
        return {"type": "image_url", "image_url": {"url": picture_url(part, PICTURE_BUDGET)}}
    return {"type": "text", "text": part}
