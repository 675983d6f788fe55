"""Qwen3-VL-Embedding: text, pictures, clips and any mix of them in one space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.config.models import Qwen3VLEncoderConfig
from kb.content import Content, has_content
from kb.device.hosted import HostedModel
from kb.device.placement import SharedDevice
from kb.errors import InferenceError, ModelLoadError, PromptTooLongError
from kb.hub.directory import weights_fingerprint
from kb.index.assets import AssetStore
from kb.models.qwen3_vl.prompts import DOCUMENT_INSTRUCTION, PROMPT_VERSION
from kb.models.qwen3_vl.sequence import PromptTokenizer, TokenSequence
from kb.pixels import PixelBudget
from kb.protocols import Float32Array
from kb.types import Chunk, Query

if TYPE_CHECKING:
    from kb.models.qwen3_vl.model import PackedModel

__all__ = ["Qwen3VLEncoder"]


class Qwen3VLEncoder:
    """One vector for whatever is shown: the state of the prompt's last token, cut to `dim` and
    L2-normalised.

    The model is loaded at the first use. A vector does not depend on what else is encoded
    with it, but for the rounding of the device's products (float32: below 1e-5; bfloat16:
    cosine above 0.999).

    Args:
        config: Of the profile.
        directory: Of the checkpoint.
        assets: Where chunks' pictures are read.
        device: Shared with the other models on it.

    Raises:
        ModelLoadError: The directory is no Qwen3-VL model, or `dim` is longer than its vectors.
    """

    def __init__(
        self,
        config: Qwen3VLEncoderConfig,
        directory: Path,
        assets: AssetStore,
        device: SharedDevice,
    ) -> None:
        self._config = config
        self._directory = directory
        self._assets = assets
        self._model = HostedModel(config, directory, "encoder", device, self._packed)
        full_dim = self._model.full_dim
        if config.dim is not None and config.dim > full_dim:
            raise ModelLoadError(
                f"encoder.dim is {config.dim}, and the vectors of {directory.name} have "
                f"{full_dim}. Set encoder.dim to {full_dim} or less.",
                model_id=config.model,
            )
        self._tokenizer = PromptTokenizer(directory, PixelBudget(), config.max_length)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._config.dim or self._model.full_dim

    @cached_property
    def fingerprint(self) -> str:
        """Weights, prompts and dim, wherever the weights lie."""
        weights = weights_fingerprint(self._directory)
        return f"qwen3-vl@{weights}:prompts{PROMPT_VERSION}:dim{self.dim}"

    def accepts(self, item: Query | Chunk) -> bool:
        """Whatever has words or pictures."""
        return has_content(item)

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, under each query's instruction or the profile's.

        Raises:
            InferenceError: A picture can't be shown; `items` says which query and why.
            ModelLoadError: The model can't be loaded.
            PromptTooLongError: A question is longer than the model's context.
        """
        return self._encode(
            [
                (Content.of_query(query), query.instruction or self._config.instruction)
                for query in queries
            ],
            is_query=True,
        )

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, under the documents' instruction.

        Raises:
            InferenceError: Some chunks can't be encoded; `items` says which and why. The
                others can be, without them.
            ModelLoadError: The model can't be loaded.
        """
        return self._encode(
            [(Content.of_chunk(chunk, self._assets), DOCUMENT_INSTRUCTION) for chunk in chunks],
            is_query=False,
        )

    def warm(self) -> None:
        """Load the model now."""
        self._model.warm()

    def _encode(self, items: Sequence[tuple[Content, str]], *, is_query: bool) -> Float32Array:
        if not items:
            return np.empty((0, self.dim), np.float32)
        sequences: list[TokenSequence] = []
        failed: dict[int, str] = {}
        kept: list[int] = []
        for index, one in enumerate(self._tokenizer.embeddings(items, may_cut=not is_query)):
            if isinstance(one, TokenSequence):
                sequences.append(one)
                kept.append(index)
            elif is_query and isinstance(one, PromptTooLongError):
                raise one
            else:
                failed[index] = str(one)
        with self._model.loaded() as model:
            states, errors = model.last_states(sequences, self._model.scheduler, is_query=is_query)
        failed |= {kept[index]: str(error) for index, error in errors.items()}
        if failed:
            first = min(failed)
            raise InferenceError(
                f"{len(failed)} of {len(items)} inputs could not be encoded: {failed[first]}",
                model_id=self._config.model,
                items=failed,
            )
        vectors = states[:, : self.dim]
        normalised: Float32Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised

    def _packed(self, module: Any) -> PackedModel:
        from kb.models.qwen3_vl.model import PackedModel
        from kb.models.qwen3_vl.normalisation import read_normalisation

        return PackedModel(module, read_normalisation(self._directory), self._config.batch_tokens)
