"""Qwen3-VL-Embedding behind vLLM."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kb.config.models import RemoteEncoderConfig
from kb.content import Content, has_content
from kb.errors import IndexMismatchError, InferenceError, ModelLoadError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.qwen3_vl.prompts import DOCUMENT_INSTRUCTION, PROMPT_VERSION
from kb.models.remote.content import embedding_body
from kb.models.remote.http import JsonClient, RefusedError, n_prompt_tokens
from kb.models.remote.known_vectors import KnownVectors, probes
from kb.models.remote.prompt_check import PromptCheck, Reading
from kb.protocols import Float32Array
from kb.types import Chunk, Query

__all__ = ["RemoteEncoder"]


class RemoteEncoder:
    """Vectors from ``/v1/embeddings``, cut to `dim` and L2-normalised. One request an input,
    `n_parallel` at once: vLLM takes one conversation a request.

    The server is asked at the first use whether it serves the model, in enough dimensions,
    whether it shows the model what it was trained to be shown, and whether it answers a text and
    a picture as it did when the index was made.

    Args:
        config: Of the profile.
        assets: Where chunks' pictures are read.
        known_vectors: The file that remembers those answers, in the index.

    Raises:
        ConfigError: The API key names a variable of the environment that is not set.
    """

    def __init__(
        self, config: RemoteEncoderConfig, assets: AssetStore, known_vectors: Path
    ) -> None:
        self._config = config
        self._assets = assets
        self._client = JsonClient(config, "encoder")
        self._known = KnownVectors(known_vectors)
        self._prompts = PromptCheck(config.model, self._client.name, self._reading, pools=True)
        self._connect_lock = threading.Lock()
        self._is_checked = False

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._config.dim

    @property
    def fingerprint(self) -> str:
        """Model, its first answers, prompts and dim. The server is asked only where it never
        was before, so an index opens without it.

        Raises:
            InferenceError, ModelLoadError, StoreUnavailableError: As `warm`.
        """
        model = self._config.model
        if (answers := self._known.fingerprint(model)) is None:
            self.warm()
            answers = self._known.fingerprint(model)
        return f"{model}@{answers}:prompts{PROMPT_VERSION}:dim{self.dim}"

    def accepts(self, item: Query | Chunk) -> bool:
        """Whatever has words or pictures."""
        return has_content(item)

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, under each query's instruction or the profile's.

        Raises:
            IndexMismatchError: The server answers otherwise than when the index was made.
            InferenceError: The server fails, or a picture can't be shown: `items` says which
                query and why.
            ModelLoadError: The server can't be reached or serves something else.
            PromptTooLongError: A question is longer than the server's context.
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
            IndexMismatchError, ModelLoadError: As `encode_queries`.
            InferenceError: The server fails; or some chunks can't be encoded: `items` says
                which and why. The others can be, without them.
        """
        return self._encode(
            [(Content.of_chunk(chunk, self._assets), DOCUMENT_INSTRUCTION) for chunk in chunks],
            is_query=False,
        )

    def warm(self) -> None:
        """Connect and check now.

        Raises:
            IndexMismatchError: The server answers otherwise than when the index was made.
            InferenceError: It is slow, overloaded, failing, or answers nonsense.
            ModelLoadError: It can't be reached, refuses the key, serves another model, its
                vectors are shorter than `dim`, or it was started so that they mean nothing.
            StoreUnavailableError: Its answers can't be remembered: the disk is full.
        """
        with self._connect_lock:
            if not self._is_checked:
                self._client.check_model()
                self._known.check(self._config.model, self._probe())
                self._is_checked = True

    def accept_what_is_served(self) -> None:
        """Connect, and take the model that answers now for the one of this name, whatever it
        was before. An index of the one before is then of another encoder.

        Raises:
            InferenceError, ModelLoadError, StoreUnavailableError: As `warm`.
        """
        try:
            self.warm()
        except IndexMismatchError:
            self._known.forget(self._config.model)
            self.warm()

    def _probe(self) -> Float32Array:
        try:
            self._prompts.check()
            vectors = [self._vector((probe, DOCUMENT_INSTRUCTION)) for probe in probes()]
        except RefusedError as error:
            raise ModelLoadError(
                f"{error} It was a short text or a small picture, sent to see whether "
                f"{self._config.model!r} is a Qwen3-VL-Embedding model. Serve one with "
                "`vllm serve … --runner pooling`, or correct encoder.model in kb.yaml.",
                model_id=self._config.model,
            ) from error
        if (full_dim := len(vectors[0])) < self.dim:
            raise ModelLoadError(
                f"encoder.dim is {self.dim}, and the vectors of {self._config.model!r} have "
                f"{full_dim}. Set encoder.dim to {full_dim} or less.",
                model_id=self._config.model,
            )
        if len(vectors[1]) != full_dim:
            raise self._client.nonsense("one length of vectors", f"{full_dim}, {len(vectors[1])}")
        return np.stack(vectors)

    def _encode(self, items: Sequence[tuple[Content, str]], *, is_query: bool) -> Float32Array:
        if not items:
            return np.empty((0, self.dim), np.float32)
        self.warm()
        results = self._client.map(self._vector_or_refusal, items)
        refused = {i: one for i, one in enumerate(results) if isinstance(one, InferenceError)}
        if refused:
            raise self._refused(refused, len(items), is_query=is_query)
        vectors = np.stack([one[: self.dim] for one in results if isinstance(one, np.ndarray)])
        normalised: Float32Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised

    def _refused(
        self, refused: dict[int, InferenceError], n_items: int, *, is_query: bool
    ) -> Exception:
        first = refused[min(refused)]
        if is_query and isinstance(first, RefusedError) and first.is_too_long:
            return PromptTooLongError(
                f"The question is longer than the server's model reads ({first.reason}). Ask with "
                "fewer words, or fewer or smaller pictures, or serve with a larger "
                "`--max-model-len`."
            )
        return InferenceError(
            f"{len(refused)} of {n_items} inputs could not be encoded: {first}",
            model_id=self._config.model,
            items={index: str(error) for index, error in refused.items()},
        )

    def _vector_or_refusal(self, item: tuple[Content, str]) -> Float32Array | InferenceError:
        """What concerns this input alone is returned, what concerns all is raised."""
        if item[0].clip and (problem := self._prompts.clip_problem()):
            return InferenceError(problem, model_id=self._config.model)
        try:
            body = embedding_body(self._config.model, *item)
        except InferenceError as error:
            return error
        try:
            return self._ask(body)
        except RefusedError as error:
            return error

    def _vector(self, item: tuple[Content, str]) -> Float32Array:
        return self._ask(embedding_body(self._config.model, *item))

    def _reading(self, body: dict[str, Any]) -> Reading:
        answer = self._client.post("/embeddings", body)
        vector = self._read(answer)
        return Reading(vector / np.linalg.norm(vector), n_prompt_tokens(answer))

    def _ask(self, body: dict[str, Any]) -> Float32Array:
        return self._read(self._client.post("/embeddings", body))

    def _read(self, answer: dict[str, Any]) -> Float32Array:
        """float32 ``(full_dim,)`` as the server gives it."""
        rows = answer.get("data")
        if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
            n_rows = f"{len(rows)} rows" if isinstance(rows, list) else f"the keys {[*answer]}"
            raise self._client.nonsense("one vector", n_rows)
        try:
            with np.errstate(over="ignore"):  # seen below, as infinity
                vector = np.array(rows[0].get("embedding"), np.float32)
        except (TypeError, ValueError) as error:
            raise self._client.nonsense("a vector of numbers", str(error)) from error
        if vector.ndim != 1 or not np.isfinite(vector).all() or not np.linalg.norm(vector) > 0:
            found = "one of NaN, infinities or zeros" if vector.ndim == 1 else f"{vector.ndim} axes"
            raise self._client.nonsense("a vector of finite numbers", found)
        if self._is_checked and len(vector) < self.dim:
            raise self._client.nonsense(f"a vector of {self.dim} numbers or more", f"{len(vector)}")
        return vector
