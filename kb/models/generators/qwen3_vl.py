"""Qwen3-VL-Instruct in this process: reads the sources, pages and pictures, and writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from kb.answer.chat.cited_text import cited_events
from kb.answer.chat.prompt import PICTURE_BUDGET, ChatPrompt, build_chat_prompt
from kb.config.models import Qwen3VLGeneratorConfig
from kb.device.hosted import HostedModel
from kb.device.placement import SharedDevice
from kb.errors import InferenceError, KnowledgeBaseError
from kb.index.assets import AssetStore
from kb.models.qwen3_vl.sequence import PromptTokenizer, TokenSequence
from kb.protocols import GeneratorEvent
from kb.types import Hit, Query

if TYPE_CHECKING:
    from kb.models.qwen3_vl.writer import Writer

__all__ = ["Qwen3VLGenerator"]


class Qwen3VLGenerator:
    """Streams an answer with citations. The model is loaded at the first use.

    Args:
        config: Of the profile.
        directory: Of the checkpoint.
        assets: Where hits' pictures are read.
        device: Shared with the other models on it.

    Raises:
        ModelLoadError: The directory is no Qwen3-VL model.
    """

    def __init__(
        self,
        config: Qwen3VLGeneratorConfig,
        directory: Path,
        assets: AssetStore,
        device: SharedDevice,
    ) -> None:
        self._config = config
        self._directory = directory
        self._assets = assets
        self._model = HostedModel(config, directory, "generator", device, self._make_writer)
        self._tokenizer = PromptTokenizer(directory, PICTURE_BUDGET, config.max_length)

    def stream(self, query: Query, hits: Sequence[Hit]) -> Iterator[GeneratorEvent]:
        """Events of `kb.protocols.Generator`.

        Raises:
            InferenceError: The model failed, or the question's picture can't be read.
            ModelLoadError: The model can't be loaded.
            PromptTooLongError: The question is longer than the model is set to read.
        """
        prompt = build_chat_prompt(
            query,
            hits,
            self._assets,
            max_tokens=self._config.max_length - self._config.max_new_tokens,
            count_tokens=self._tokenizer.count,
            neutral=self._tokenizer.neutral,
        )
        yield from cited_events(self._write(prompt), query.text, hits, prompt.shown)

    def warm(self) -> None:
        """Load the model now."""
        self._model.warm()

    def _write(self, prompt: ChatPrompt) -> Generator[str, None, bool]:
        """The model's text as it is written; returns whether it was cut at `max_new_tokens`.
        Closing the generator stops the model.

        The thread that writes holds model and device, so that a slow reader keeps neither.
        """
        sequence = self._tokenizer.chat(prompt.system, prompt.parts)
        pieces: SimpleQueue[str | bool | BaseException] = SimpleQueue()
        is_over = threading.Event()

        def run() -> None:
            try:
                pieces.put(self._say(sequence, pieces.put, is_over))
            except BaseException as error:
                pieces.put(error)

        thread = threading.Thread(target=run, name="answer", daemon=True)
        thread.start()
        try:
            while not isinstance(piece := pieces.get(), bool):
                if isinstance(piece, KnowledgeBaseError):
                    raise piece
                if isinstance(piece, BaseException):
                    raise InferenceError(
                        f"{self._config.model} failed while it wrote: {piece}. Ask again; if "
                        "memory is short, lower generator.max_length in kb.yaml.",
                        model_id=self._config.model,
                    ) from piece
                yield piece
            return piece
        finally:
            is_over.set()
            thread.join()

    def _say(
        self, sequence: TokenSequence, say: Callable[[str], None], is_over: threading.Event
    ) -> bool:
        """Says what the model writes until `is_over`; returns whether it would have gone on."""
        to_text = self._tokenizer.text_stream()
        token = None
        with self._model.scheduler.answering(), self._model.loaded() as writer:
            for token in writer.write(sequence, self._config.max_new_tokens, self._model.scheduler):
                if is_over.is_set():
                    break
                if text := to_text(token):
                    say(text)
            return token not in writer.ends

    def _make_writer(self, module: Any) -> Writer:
        from kb.models.qwen3_vl.model import PackedModel
        from kb.models.qwen3_vl.normalisation import read_normalisation
        from kb.models.qwen3_vl.writer import Writer

        ends = module.generation_config.eos_token_id
        if ends is None:
            ends = self._tokenizer.token_id("<|im_end|>")
        model = PackedModel(
            module.model, read_normalisation(self._directory), self._config.batch_tokens
        )
        head = module.lm_head.weight.detach()
        return Writer(model, head, frozenset(ends if isinstance(ends, list) else [ends]))
