"""A model in GGUF on this computer's processor, through llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kb.answer.chat.watched import too_slow
from kb.config.models import LlamaGeneratorConfig, RemoteGeneratorConfig
from kb.index.assets import AssetStore
from kb.models.generators.remote import RemoteGenerator
from kb.models.llama.process import Endpoint, LlamaProcess
from kb.models.remote.chat import SilentError
from kb.protocols import GeneratorEvent
from kb.types import Hit, Query

__all__ = ["LlamaGenerator"]


class LlamaGenerator:
    """Streams an answer with citations. The model is loaded at the first use, and leaves memory
    when nobody has asked for a while.

    Args:
        config: Of the profile.
        place: Of the model's files.
        assets: Where hits' pictures are read.

    Raises:
        ModelLoadError: A file is missing or not whole.
    """

    def __init__(self, config: LlamaGeneratorConfig, place: Path, assets: AssetStore) -> None:
        self._config = config
        self._assets = assets
        self.process = LlamaProcess(config, place)

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`.

        Raises:
            InferenceError: The model failed, or the question's picture can't be shown.
            ModelLoadError: The model can't be loaded.
            PromptTooLongError: The question is longer than the model is set to read.
        """
        with self.process.used() as endpoint:
            section = self._section(endpoint)
            try:
                yield from RemoteGenerator(section, self._assets).stream(query, hits)
            except SilentError as error:
                # It reads for long before its first word: there is one limit, of the whole.
                raise too_slow(section.model, section.answer_limit_s) from error

    def _section(self, endpoint: Endpoint) -> RemoteGeneratorConfig:
        config = self._config
        return RemoteGeneratorConfig(
            url=endpoint.url,
            api_key=endpoint.key,
            model=self.process.model.name,
            timeout_s=config.answer_limit_s,
            n_retries=0,
            max_length=config.max_length,
            max_new_tokens=config.max_new_tokens,
            answer_limit_s=config.answer_limit_s,
            pictures=self.process.vision is not None,
            prompt="short",
        )
