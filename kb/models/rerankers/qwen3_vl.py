"""Qwen3-VL-Reranker: a cross-encoder that reads question and document together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.config.models import Qwen3VLRerankerConfig
from kb.content import Content
from kb.device.hosted import HostedModel
from kb.device.placement import SharedDevice
from kb.index.assets import AssetStore
from kb.models.qwen3_vl.sequence import PromptTokenizer
from kb.pixels import PixelBudget
from kb.protocols import Float32Array
from kb.types import Hit, Query

if TYPE_CHECKING:
    from kb.models.qwen3_vl.model import PackedModel

__all__ = ["Qwen3VLReranker"]

log = logging.getLogger(__name__)


class Qwen3VLReranker:
    """The probability of "yes" against "no" after the prompt that asks whether the document
    meets the question.

    What all documents of one question have in common (system, instruction, question and its
    pictures) is computed once for each batch. The model is loaded at the first use.

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
        config: Qwen3VLRerankerConfig,
        directory: Path,
        assets: AssetStore,
        device: SharedDevice,
    ) -> None:
        self._config = config
        self._directory = directory
        self._assets = assets
        self._model = HostedModel(config, directory, "reranker", device, self._judge)
        self._tokenizer = PromptTokenizer(directory, PixelBudget(), config.max_length)

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """float32 ``(len(hits),)`` in [0, 1]. A hit whose picture can't be shown has 0.

        Raises:
            InferenceError: The question's own pictures can't be shown.
            ModelLoadError: The model can't be loaded.
            PromptTooLongError: The question leaves no room for a document.
        """
        documents = [Content.of_chunk(hit.chunk, self._assets) for hit in hits]
        scores = self.score(Content.of_query(query), documents, query.instruction)
        return np.nan_to_num(scores, nan=0.0)

    def score(
        self, query: Content, documents: Sequence[Content], instruction: str | None = None
    ) -> Float32Array:
        """float32 ``(len(documents),)`` in [0, 1], for any content; NaN where a picture of a
        document can't be shown. Raises as `rerank`."""
        scores = np.full(len(documents), np.nan, np.float32)
        if not documents:
            return scores
        shown = [i for i, document in enumerate(documents) if self._tokenizer.can_show(document)]
        sequences = self._tokenizer.pairs(
            query, [documents[i] for i in shown], instruction or self._config.instruction
        )
        with self._model.loaded() as (model, direction):
            states, failed = model.last_states(sequences, self._model.scheduler, is_query=True)
        logits = states @ direction
        scores[shown] = np.exp(-np.logaddexp(0, -logits))  # sigmoid that can't overflow
        for i, error in failed.items():
            scores[shown[i]] = np.nan
            log.warning("A document is not judged: %s", error)
        return scores

    def warm(self) -> None:
        """Load the model now."""
        self._model.warm()

    def _judge(self, module: Any) -> tuple[PackedModel, Float32Array]:
        """The model, and the row of its head that tells yes from no."""
        from kb.models.qwen3_vl.model import PackedModel
        from kb.models.qwen3_vl.normalisation import read_normalisation

        yes, no = (self._tokenizer.token_id(word) for word in ("yes", "no"))
        head = module.lm_head.weight
        # One row in float32: bfloat16 would leave scores in steps of half a percent.
        direction = (head[yes].float() - head[no].float()).detach().cpu().numpy()
        model = PackedModel(
            module.model, read_normalisation(self._directory), self._config.batch_tokens
        )
        return model, direction
