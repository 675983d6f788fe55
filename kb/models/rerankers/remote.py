"""Qwen3-VL-Reranker behind vLLM."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from kb.config.models import RemoteRerankerConfig
from kb.content import Content
from kb.errors import InferenceError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.remote.content import AS_THEY_ARE, score_content
from kb.models.remote.http import JsonClient, RefusedError
from kb.protocols import Float32Array
from kb.text.special_tokens import neutral
from kb.types import Hit, Query

__all__ = ["RemoteReranker"]

# Pages of a few hundred kilobytes each: a request of some megabytes.
_BATCH = 8


class RemoteReranker:
    """Probabilities from ``/v1/rerank``, one content object a document. vLLM must have been
    started with ``configs/qwen3_vl_reranker.jinja``, which writes the prompt.

    Args:
        config: Of the profile.
        assets: Where hits' pictures are read.

    Raises:
        ConfigError: The API key names a variable of the environment that is not set.
    """

    def __init__(self, config: RemoteRerankerConfig, assets: AssetStore) -> None:
        self._config = config
        self._assets = assets
        self._client = JsonClient(config, "reranker")
        self._connect_lock = threading.Lock()
        self._is_checked = False

    def rerank(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """float32 ``(len(hits),)`` in [0, 1]. A hit whose picture can't be shown, or that the
        server refuses, has 0.

        Raises:
            InferenceError: The server fails, or the question's own pictures can't be shown.
            ModelLoadError: The server can't be reached or serves something else.
            PromptTooLongError: The question is longer than the server's context.
        """
        documents = [Content.of_chunk(hit.chunk, self._assets) for hit in hits]
        scores = self.score(Content.of_query(query), documents, query.instruction)
        return np.nan_to_num(scores, nan=0.0)

    def score(
        self, query: Content, documents: Sequence[Content], instruction: str | None = None
    ) -> Float32Array:
        """float32 ``(len(documents),)`` in [0, 1], for any content; NaN for a document that can't
        be shown or that the server refuses. Raises as `rerank`."""
        if not documents:
            return np.empty(0, np.float32)
        self.warm()
        body = {
            "model": self._config.model,
            "query": score_content(query),
            "instruction": neutral(instruction or self._config.instruction),
            "mm_processor_kwargs": AS_THEY_ARE,
        }
        batches = [documents[i : i + _BATCH] for i in range(0, len(documents), _BATCH)]
        scores = self._client.map(lambda batch: self._score_batch(body, batch), batches)
        flat = [score for batch in scores for score in batch]
        if all(score is None for score in flat):
            self._check_query(body)
        return np.array([math.nan if score is None else score for score in flat], np.float32)

    def warm(self) -> None:
        """Connect and see whether the model is served.

        Raises:
            InferenceError: The server is slow, overloaded, failing, or answers nonsense.
            ModelLoadError: It can't be reached, refuses the key, or serves another model.
        """
        with self._connect_lock:
            if not self._is_checked:
                self._client.check_model()
                self._is_checked = True

    def _score_batch(
        self, body: dict[str, Any], documents: Sequence[Content]
    ) -> list[float | None]:
        """None for each document that can't be shown or is refused."""
        shown: dict[int, dict[str, Any]] = {}
        for index, document in enumerate(documents):
            try:
                shown[index] = score_content(document)
            except InferenceError:  # no picture that can be read: no reason to rank it high
                continue
        scores: list[float | None] = [None] * len(documents)
        try:
            found = self._ask(body, [*shown.values()]) if shown else []
        except RefusedError:
            # One of them is at fault, and the server does not say which.
            found = [self._score_alone(body, one) for one in shown.values()]
        for index, score in zip(shown, found, strict=True):
            scores[index] = score
        return scores

    def _score_alone(self, body: dict[str, Any], document: dict[str, Any]) -> float | None:
        try:
            return self._ask(body, [document])[0]
        except RefusedError:
            return None

    def _check_query(self, body: dict[str, Any]) -> None:
        """Where no document has a score, the fault may lie with the question: ask with a
        document that has none."""
        try:
            self._ask(body, [score_content(Content())])
        except RefusedError as error:
            if error.is_too_long:
                raise PromptTooLongError(
                    f"The question is longer than the server's model reads ({error.reason}). Ask "
                    "with fewer words, or fewer or smaller pictures, or serve with a larger "
                    "`--max-model-len`."
                ) from error
            raise

    def _ask(self, body: dict[str, Any], documents: Sequence[dict[str, Any]]) -> list[float | None]:
        answer = self._client.post("/rerank", {**body, "documents": documents})
        expected = f"a score for each of {len(documents)} documents"
        results = answer.get("results")
        if not isinstance(results, list):
            raise self._client.nonsense(expected, f"the keys {[*answer]}")
        scores: dict[int, float] = {}
        for one in results:
            try:
                scores[int(one["index"])] = float(one["relevance_score"])
            except (KeyError, TypeError, ValueError) as error:
                raise self._client.nonsense(expected, f"{one!r}") from error
        if sorted(scores) != list(range(len(documents))) or len(results) != len(documents):
            raise self._client.nonsense(expected, f"scores for {sorted(scores)}")
        if not all(math.isfinite(score) for score in scores.values()):
            raise self._client.nonsense("finite scores", f"{[*scores.values()]}")
        return [scores[index] for index in range(len(documents))]
