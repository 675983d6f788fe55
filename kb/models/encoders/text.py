"""The dense text encoder: any sentence-transformers model directory, on the CPU, offline."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from kb.config.models import TextEncoderConfig
from kb.errors import InferenceError, ModelLoadError
from kb.models.encoders.recipes import Recipe, recipe_of
from kb.models.encoders.weights import BertSpec, ModelFiles, choose_models
from kb.protocols import Float32Array, View
from kb.text.special_tokens import neutraliser
from kb.types import Chunk, Query

__all__ = ["SentenceTransformerEncoder"]

# Part of the fingerprint: raised when Chunk.contextual_text is put together otherwise.
_TEXT_VERSION = 1
_N_RECENT = 64

_Role = Literal["query", "document"]


class SentenceTransformerEncoder:
    """`kb.protocols.Encoder` over a sentence-transformers model.

    BERT models run in `kb.models.encoders.bert`; every other architecture, and models with
    prompts, in the sentence_transformers package. The model is found (and its weights
    hashed) at construction and loaded at first use, or by `warm`. Safe to use from several
    threads: nothing is locked during a forward pass, so a query does not wait for the end
    of a batch that is being ingested.

    Args:
        files: The model; by default the one of `config`, which then names one alone.

    Raises:
        ModelLoadError: The model is not on this machine, or not the published one.
    """

    def __init__(self, config: TextEncoderConfig, files: ModelFiles | None = None) -> None:
        self._config = config
        self._files = files or choose_models(config.model, config.fallback)[0]
        self._recent = _RecentVectors()
        self._recipe = recipe_of(self._files.name)
        self._spec = _spec(self._files)
        self._lock = threading.Lock()
        self._model: _Model | None = None

    @property
    def name(self) -> str:
        """The model's name, for people."""
        return self._files.name

    @property
    def background(self) -> float:
        """A cosine that hardly any question and text have, however little they have to do with
        each other; -1 where it is not known."""
        return self._recipe.background

    @property
    def missing(self) -> str:
        """The model that was asked for, where this one works without it; else empty."""
        return self._files.instead_of

    @property
    def note(self) -> str:
        """What it finds by meaning, and which model it stands in for, in a sentence or two."""
        if self._recipe.is_multilingual:
            found = "Some ninety languages are found by meaning, across them too."
        else:
            found = "English is found by meaning and by words, other languages by words."
        if not self.missing:
            return found
        return f"{found} {self.missing} is not on this machine; {self.name} works without it."

    @property
    def dim(self) -> int:
        """Length of a vector; for BERT models it is known without loading them."""
        return self._spec.dim if self._spec else self._loaded().dim

    @property
    def fingerprint(self) -> str:
        """Model, digest of its weights, dim and version of the text that is encoded."""
        return f"{self.name}@{self._files.sha256[:16]}/{self.dim}/text-{_TEXT_VERSION}"

    def warm(self) -> None:
        """Load the model now.

        Raises:
            ModelLoadError: Its files are damaged, or its architecture is not supported.
        """
        self._loaded().encode(["warm"], "query")

    def accepts(self, item: Query | Chunk) -> bool:
        """Whether `item` has words. (Of Chinese, all-MiniLM-L6-v2 sees the numbers and the Latin
        words alone; as a part of the fusion even that helps: cmrc2018 hit@1 0.965, 0.959
        without.)"""
        return bool(_text(item).strip())

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised.

        Raises:
            InferenceError: The model failed, or gave what is not a number.
            ModelLoadError: At first use, as for `warm`.
        """
        if not queries:
            return np.empty((0, self.dim), np.float32)
        texts = [query.text for query in queries]
        return self._recent.of(texts, lambda new: self._encode(new, "query"))

    def views(self, query: Query) -> tuple[View, ...]:
        """One, for texts of any language.

        Raises:
            InferenceError, ModelLoadError: As for `encode_queries`.
        """
        return (View(self.encode_queries([query])[0], self.background),)

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, of the chunks' `contextual_text`.

        Raises:
            InferenceError: The model failed, or gave what is not a number.
            ModelLoadError: At first use, as for `warm`.
        """
        if not chunks:
            return np.empty((0, self.dim), np.float32)
        return self.encode_passages([_text(chunk) for chunk in chunks])

    def encode_passages(self, texts: Sequence[str]) -> Float32Array:
        """As `encode_chunks`, of bare texts, at least one."""
        return self._encode(texts, "document")

    def _encode(self, texts: Sequence[str], role: _Role) -> Float32Array:
        recipe = self._recipe
        prefix = recipe.query_prefix if role == "query" else recipe.document_prefix
        try:
            vectors = self._loaded().encode([prefix + text for text in texts], role)
        except (RuntimeError, ValueError, TypeError) as error:
            raise InferenceError(
                f"The text model {self.name} failed on {len(texts)} texts: {error}. Try again "
                "with a smaller encoder.batch_tokens in kb.yaml if memory ran out.",
                model_id=self.name,
            ) from error
        if not np.isfinite(vectors).all():
            raise InferenceError(
                f"The text model {self.name} gave vectors that are not numbers. Its weights "
                "may be damaged: install or copy the model again.",
                model_id=self.name,
            )
        return vectors

    def _loaded(self) -> _Model:
        with self._lock:
            if self._model is None:
                # torch takes a second to import, sentence_transformers several more.
                import torch

                if self._config.threads:
                    torch.set_num_threads(self._config.threads)
                batch_tokens = self._config.batch_tokens
                self._model = (
                    _Bert(self._files, self._spec, self._recipe, batch_tokens)
                    if self._spec
                    else _Package(self._files.directory, batch_tokens)
                )
            return self._model


class _RecentVectors:
    """Vectors of the last questions: a question is searched for and then judged by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, Float32Array] = OrderedDict()

    def of(
        self, texts: Sequence[str], encode: Callable[[Sequence[str]], Float32Array]
    ) -> Float32Array:
        """float32 ``(len(texts), dim)``; those that are not known are encoded."""
        with self._lock:
            rows = {text: self._rows[text] for text in texts if text in self._rows}
        new = [text for text in dict.fromkeys(texts) if text not in rows]
        if new:
            rows.update(zip(new, encode(new), strict=True))
        with self._lock:
            for text in texts:
                self._rows[text] = rows[text]
                self._rows.move_to_end(text)
            while len(self._rows) > _N_RECENT:
                self._rows.popitem(last=False)
        return np.stack([rows[text] for text in texts])


class _Model(Protocol):
    dim: int

    def encode(self, texts: Sequence[str], role: _Role) -> Float32Array: ...


class _Bert:
    def __init__(
        self, files: ModelFiles, spec: BertSpec, recipe: Recipe, batch_tokens: int
    ) -> None:
        from kb.models.encoders.bert import load_bert

        self._model = load_bert(files, spec, recipe, batch_tokens)
        self.dim: int = spec.dim

    def encode(self, texts: Sequence[str], role: _Role) -> Float32Array:  # noqa: ARG002
        return self._model.encode(texts)


class _Package:
    """Any other architecture, by the sentence_transformers package."""

    def __init__(self, directory: Path, batch_tokens: int) -> None:
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(
                str(directory),
                device="cpu",
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise ModelLoadError(
                f"The text model in {directory} can't be loaded: {error}. Copy it again, or "
                "choose a model that sentence-transformers supports.",
                model_id=str(directory),
            ) from error
        dim = self._model.get_embedding_dimension()
        if dim is None:
            raise ModelLoadError(
                f"The model in {directory} does not give one vector a text. Choose a "
                "sentence-transformers model with pooling.",
                model_id=str(directory),
            )
        self.dim: int = dim
        self._neutral = neutraliser(_added_tokens(self._model.tokenizer))
        self._batch_size = max(1, batch_tokens // (self._model.max_seq_length or 512))

    def encode(self, texts: Sequence[str], role: _Role) -> Float32Array:
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        vectors = encode(
            [self._neutral(text) for text in texts],
            batch_size=self._batch_size,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)


def _spec(files: ModelFiles) -> BertSpec | None:
    if files.packed is None:
        return BertSpec.read(files.directory)
    from kb.models.encoders.e5_file import E5File

    try:
        return E5File(files.packed).spec
    except (OSError, ValueError) as error:
        raise ModelLoadError(
            f"{files.packed} can't be read: {error}. Install the package that ships it again.",
            model_id=files.name,
        ) from error


def _added_tokens(tokenizer: object) -> list[str]:
    """What a tokenizer of transformers looks for before it splits text; empty for others."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return [str(token) for token in added.values()]


def _text(item: Query | Chunk) -> str:
    return item.text if isinstance(item, Query) else item.contextual_text
