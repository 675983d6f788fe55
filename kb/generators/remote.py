"""A chat model behind any OpenAI-compatible server."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO
from typing import Any

from kb.assets import AssetStore
from kb.errors import InferenceError
from kb.generators.chat_prompt import PICTURE_BUDGET, ChatPrompt, build_chat_prompt
from kb.generators.cited_text import cited_events
from kb.model_config import RemoteGeneratorConfig
from kb.protocols import GeneratorEvent
from kb.qwen3_vl.content import Picture
from kb.qwen3_vl.pixels import read_picture
from kb.remote.key import read_api_key
from kb.text import terms
from kb.types import Hit, Query

__all__ = ["RemoteGenerator"]

_JPEG_QUALITY = 90


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
        self._key = read_api_key(config, "generator")

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`.

        Raises:
            InferenceError: The server can't be reached, refuses, or breaks off.
            PromptTooLongError: The question is longer than the model is set to read.
        """
        prompt = build_chat_prompt(
            query,
            hits,
            self._assets,
            max_tokens=self._config.max_length - self._config.max_new_tokens,
            count_tokens=_estimate_tokens,
            pictures=self._config.pictures,
        )
        yield from cited_events(self._write(prompt), query.text, hits, prompt.shown)

    def _write(self, prompt: ChatPrompt) -> Iterator[str]:
        import openai

        try:
            with self._client.chat.completions.create(
                model=self._config.model,
                messages=[
                    {"role": "system", "content": prompt.system},
                    {"role": "user", "content": _content(prompt)},
                ],
                max_tokens=self._config.max_new_tokens,
                temperature=0.0,
                stream=True,
            ) as chunks:
                for chunk in chunks:
                    if chunk.choices and chunk.choices[0].delta.content:
                        yield chunk.choices[0].delta.content
        except openai.OpenAIError as error:
            raise InferenceError(self._explain(error), model_id=self._config.model) from error

    def _explain(self, error: Exception) -> str:
        import openai

        url, model = self._config.url, self._config.model
        if isinstance(error, openai.APITimeoutError):
            return (
                f"The chat server {url} did not answer within {self._config.timeout_s:g} s. Try "
                "again, or raise generator.timeout_s in kb.yaml."
            )
        if isinstance(error, openai.APIConnectionError):
            return (
                f"The chat server {url} can't be reached. Start it, or correct generator.url in "
                "kb.yaml."
            )
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return f"The chat server {url} refuses the key. Set generator.api_key in kb.yaml."
        if isinstance(error, openai.NotFoundError):
            return (
                f"The chat server {url} has no model {model!r}. Set generator.model in kb.yaml to "
                f"what it serves: {', '.join(self._served()) or 'it does not say'}."
            )
        if isinstance(error, openai.RateLimitError):
            return (
                f"The chat server {url} is over its limit (429) and was so after "
                f"{self._config.n_retries} more tries. Wait a little, then ask again."
            )
        return f"The chat server {url} failed: {error}. See its log, then ask again."

    def _served(self) -> list[str]:
        import openai

        try:
            return [model.id for model in self._client.models.list()]
        except openai.OpenAIError:
            return []

    @cached_property
    def _client(self) -> Any:
        import openai

        return openai.OpenAI(
            base_url=self._config.base_url,
            # The client insists on a key, servers without one ignore it.
            api_key=self._key or "none",
            timeout=self._config.timeout_s,
            max_retries=self._config.n_retries,
        )


def _content(prompt: ChatPrompt) -> list[dict[str, Any]]:
    return [
        {"type": "image_url", "image_url": {"url": _data_url(part)}}
        if isinstance(part, Picture)
        else {"type": "text", "text": part}
        for part in prompt.parts
    ]


def _data_url(picture: Picture) -> str:
    from PIL import Image

    grid = PICTURE_BUDGET.picture(picture.width_px, picture.height_px)
    buffer = BytesIO()
    Image.fromarray(read_picture(picture, grid)[0]).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _estimate_tokens(text: str) -> int:
    """An upper guess without the server's tokenizer: a word is rarely over two tokens, a Chinese
    pair of characters over two, and marks and digits count one each."""
    n_marks = sum(not (char.isalpha() or char.isspace()) for char in text)
    return 2 * len(terms(text)) + n_marks
