"""Qwen3-VL-Instruct in this process: reads the sources, pages and pictures, and writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from kb.assets import AssetStore
from kb.errors import InferenceError
from kb.generators.chat_prompt import PICTURE_BUDGET, ChatPrompt, build_chat_prompt
from kb.generators.cited_text import cited_events
from kb.model_config import Qwen3VLGeneratorConfig
from kb.protocols import GeneratorEvent
from kb.qwen3_vl.content import Picture
from kb.qwen3_vl.hosted import HostedModel
from kb.qwen3_vl.pixels import read_picture
from kb.qwen3_vl.placement import SharedDevice
from kb.qwen3_vl.prompts import PICTURE_MARK, chat_prompt
from kb.qwen3_vl.sequence import PromptTokenizer
from kb.types import Hit, Query

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
        self._model = HostedModel(config, directory, "generator", device, self._with_processor)
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
        with self._model.turns.answering():
            yield from cited_events(self._write(prompt), query.text, hits, prompt.shown)

    def warm(self) -> None:
        """Load the model now."""
        self._model.warm()

    def _write(self, prompt: ChatPrompt) -> Generator[str, None, bool]:
        """The model's text as it is written; returns whether it was cut at `max_new_tokens`.
        Closing the generator stops the model."""
        with self._model.loaded() as (processor, model):
            return (yield from self._stream_text(processor, model, prompt))

    def _stream_text(
        self, processor: Any, model: Any, prompt: ChatPrompt
    ) -> Generator[str, None, bool]:
        pieces: SimpleQueue[str | bool | BaseException] = SimpleQueue()
        is_over = threading.Event()
        inputs = self._inputs(processor, prompt).to(model.device)

        def run() -> None:
            n_tokens = self._config.max_new_tokens
            try:
                pieces.put(_generate(model, processor, inputs, n_tokens, pieces.put, is_over))
            except BaseException as error:
                pieces.put(error)

        writer = threading.Thread(target=run, name="answer", daemon=True)
        writer.start()
        try:
            while not isinstance(piece := pieces.get(), bool):
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
            writer.join()

    def _inputs(self, processor: Any, prompt: ChatPrompt) -> Any:
        from PIL import Image

        user, images = [], []
        for part in prompt.parts:
            if isinstance(part, Picture):
                grid = PICTURE_BUDGET.picture(part.width_px, part.height_px)
                images.append(Image.fromarray(read_picture(part, grid)[0]))
                user.append(PICTURE_MARK)
            else:
                user.append(part)
        text = chat_prompt(prompt.system, "".join(user))
        return processor(text=[text], images=images or None, do_resize=False, return_tensors="pt")

    def _with_processor(self, module: Any) -> tuple[Any, Any]:
        from transformers import AutoProcessor

        processor = AutoProcessor.from_pretrained(str(self._directory), local_files_only=True)
        return processor, module


def _generate(
    model: Any,
    processor: Any,
    inputs: Any,
    max_new_tokens: int,
    say: Callable[[str], None],
    is_over: threading.Event,
) -> bool:
    """Says what the model writes; returns whether it would have gone on."""
    from transformers import StoppingCriteria, StoppingCriteriaList, TextStreamer

    class Streamer(TextStreamer):  # type: ignore[misc]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:  # noqa: ARG002, FBT
            if text:
                say(text)

    class Stop(StoppingCriteria):  # type: ignore[misc]
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002
            import torch

            return torch.full((len(input_ids),), is_over.is_set(), device=input_ids.device)

    (ids,) = model.generate(
        **inputs,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        streamer=Streamer(processor.tokenizer, skip_prompt=True, skip_special_tokens=True),
        stopping_criteria=StoppingCriteriaList([Stop()]),
    )
    n_written = len(ids) - inputs["input_ids"].shape[1]
    ends = model.generation_config.eos_token_id
    is_ended = int(ids[-1]) in (ends if isinstance(ends, list) else [ends])
    return n_written >= max_new_tokens and not is_ended
