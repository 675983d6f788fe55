"""Qwen3-VL-Reranker behind vLLM."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from kb.config.models import RemoteRerankerConfig
from kb.content import Content
from kb.errors import InferenceError, ModelLoadError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.remote.content import RerankQuery
from kb.models.remote.http import JsonClient, RefusedError, n_prompt_tokens
from kb.models.remote.prompt_check import PromptCheck, Reading
from kb.protocols import Float32Array
from kb.types import Hit, Query

__all__ = ["RemoteReranker"]


class RemoteReranker:
    """Probabilities from ``/classify``, one request a document, `n_parallel` at once.

    The server is asked at the first use whether it serves the model and shows it what it was
    trained to be shown. One that takes no clips is shown a picture for each pair of frames.

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
        self._prompts = PromptCheck(config.model, self._client.name, self._reading, pools=False)
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
        takes_clips = True
        if query.clip or any(document.clip for document in documents):
            takes_clips = not self._prompts.clip_problem()
        asked = RerankQuery(
            self._config.model,
            query,
            instruction or self._config.instruction,
            takes_clips=takes_clips,
        )
        scores = self._client.map(partial(self._score, asked), documents)
        if all(score is None for score in scores):
            self._check_query(asked)
        return np.array([math.nan if score is None else score for score in scores], np.float32)

    def warm(self) -> None:
        """Connect and check now.

        Raises:
            InferenceError: The server is slow, overloaded, failing, or answers nonsense.
            ModelLoadError: It can't be reached, refuses the key, serves another model, or was
                started so that its scores mean nothing.
        """
        with self._connect_lock:
            if not self._is_checked:
                self._client.check_model()
                try:
                    self._prompts.check()
                except RefusedError as error:
                    raise ModelLoadError(
                        f"{error} It was a short text or a small picture, sent to see whether "
                        f"{self._config.model!r} is a Qwen3-VL-Reranker model. Serve one as the "
                        "README says, or correct reranker.model in kb.yaml.",
                        model_id=self._config.model,
                    ) from error
                self._is_checked = True

    def _score(self, asked: RerankQuery, document: Content) -> float | None:
        """None for a document that can't be shown or is refused."""
        try:
            body = asked.body(document)
        except InferenceError:  # no picture that can be read: no reason to rank it high
            return None
        try:
            return float(self._reading(body).numbers[0])
        except RefusedError:
            return None

    def _check_query(self, asked: RerankQuery) -> None:
        """Where no document has a score, the fault may lie with the question: ask with a
        document that has none."""
        try:
            self._reading(asked.body(Content()))
        except RefusedError as error:
            if error.is_too_long:
                raise PromptTooLongError(
                    f"The question is longer than the server's model reads ({error.reason}). Ask "
                    "with fewer words, or fewer or smaller pictures, or serve with a larger "
                    "`--max-model-len`."
                ) from error
            raise

    def _reading(self, body: dict[str, Any]) -> Reading:
        answer = self._client.post("/classify", body)
        rows = answer.get("data")
        row = rows[0] if isinstance(rows, list) and len(rows) == 1 else None
        found = row.get("probs") if isinstance(row, dict) else None
        if not isinstance(found, list) or len(found) != 1:
            shown = f"the keys {[*answer]}" if row is None else f"{row!r}"
            raise self._client.nonsense(
                "one probability, as of a server started with the `--hf-overrides` of the README,",
                shown,
            )
        try:
            score = float(found[0])
        except (TypeError, ValueError) as error:
            raise self._client.nonsense("a probability", f"{found[0]!r}") from error
        if not 0 <= score <= 1:
            raise self._client.nonsense("a probability", f"{score}")
        return Reading(np.array([score], np.float32), n_prompt_tokens(answer))
