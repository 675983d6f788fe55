"""A chat model behind any OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kb.answer.chat.cited_text import cited_events
from kb.answer.chat.prompt import ChatPrompt, build_chat_prompt
from kb.answer.chat.short_prompt import build_short_prompt
from kb.answer.chat.token_estimate import estimate_tokens
from kb.answer.chat.watched import watched
from kb.config.models import RemoteGeneratorConfig
from kb.content import Picture
from kb.index.assets import AssetStore
from kb.models.remote.chat import ChatClient, PicturesRefusedError
from kb.models.remote.content import picture_url
from kb.pixels import PixelBudget
from kb.protocols import GeneratorEvent, Note
from kb.text.terms import Language, language
from kb.types import Hit, Query

__all__ = ["RemoteGenerator"]

_WORDS_ONLY = {
    Language.ENGLISH: "The model reads words only: it was shown no picture.",
    Language.CHINESE: "这个模型只能读文字，没有看到图片。",
}


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
        prompt = self._prompt(query, hits, pictures=self._config.pictures)
        if not self._config.pictures and (query.images or query.clip):
            yield Note(_WORDS_ONLY[language(query.text)])
        try:
            yield from self._write(prompt, query, hits)
        except PicturesRefusedError:
            # Before the first word: what it can read is better than nothing.
            yield Note(_WORDS_ONLY[language(query.text)])
            words = self._prompt(query, hits, pictures=False)
            yield from self._write(words, query, hits)

    def _prompt(self, query: Query, hits: Sequence[Hit], *, pictures: bool) -> ChatPrompt:
        build = build_short_prompt if self._config.prompt == "short" else build_chat_prompt
        return build(
            query,
            hits,
            self._assets,
            max_tokens=self._config.max_length - self._config.max_new_tokens,
            count_tokens=estimate_tokens,
            pictures=pictures,
        )

    @staticmethod
    def _messages(prompt: ChatPrompt) -> list[dict[str, Any]]:
        return [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": _content(prompt)},
        ]

    def _write(
        self, prompt: ChatPrompt, query: Query, hits: Sequence[Hit]
    ) -> Iterator[GeneratorEvent]:
        written = watched(
            self._client.stream(self._messages(prompt)),
            self._config.model,
            self._config.answer_limit_s,
        )
        yield from cited_events(written, query.text, hits, prompt.shown)


def _content(prompt: ChatPrompt) -> str | list[dict[str, Any]]:
    """A list where there are pictures: some servers take nothing but a string otherwise."""
    if not any(isinstance(part, Picture) for part in prompt.parts):
        return "".join(part for part in prompt.parts if isinstance(part, str))
    return [_part(part, prompt.budget) for part in prompt.parts]


def _part(part: str | Picture, budget: PixelBudget) -> dict[str, Any]:
    if isinstance(part, Picture):
        return {"type": "image_url", "image_url": {"url": picture_url(part, budget)}}
    return {"type": "text", "text": part}
