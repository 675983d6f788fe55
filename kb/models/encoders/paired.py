"""Two text models side by side: one that reads English, one that reads most languages.

A chunk's vector holds the halves of both models. A question's holds one of them, so that its cosine
with a chunk is that of the one model, times a factor that is the same for all chunks. The English
model finds English texts best, and is blind for others; so a question in English has two vectors,
one for English texts and one for others.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from kb.config.models import TextEncoderConfig
from kb.models.encoders.neutral import LanguageNeutral, vectors_of_languages
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.models.encoders.weights import ModelFiles, choose_models
from kb.protocols import Float32Array, View
from kb.text.english import may_be_english
from kb.types import Chunk, Query

__all__ = ["PairedEncoder", "TextEncoder", "text_encoder"]

# Part of the fingerprint: raised when a chunk's halves are put together otherwise.
_HALVES_VERSION = 1
# Of a chunk's vector, in each half, so that its length is 1.
_SHARE = 0.5**0.5
# A cosine of the other half that hardly any question and text have: of all pairs in Chinese,
# English and other languages a thousandth lie below.
_NEUTRAL_BACKGROUND = 0.0
_N_LOOKED_AT_CHARS = 200  # of a text, to know its language


class PairedEncoder:
    """`kb.protocols.Encoder` over two text models. Safe to use from several threads.

    Args:
        english: Reads English better than `multilingual`, and other languages not at all.
        multilingual: Reads most languages, and finds across them.
    """

    def __init__(
        self, english: SentenceTransformerEncoder, multilingual: SentenceTransformerEncoder
    ) -> None:
        self._english = english
        self._multilingual = multilingual
        self._lock = threading.Lock()
        self._projection: LanguageNeutral | None = None

    @property
    def name(self) -> str:
        """Both models' names, for people."""
        return f"{self._english.name} + {self._multilingual.name}"

    @property
    def note(self) -> str:
        """What is found by meaning, in a sentence."""
        return self._multilingual.note

    @property
    def dim(self) -> int:
        """Length of a vector: of both halves."""
        return self._english.dim + self._multilingual.dim

    @property
    def fingerprint(self) -> str:
        """Of both models, the dim, and how the halves are put together."""
        halves = f"{self._english.fingerprint} + {self._multilingual.fingerprint}"
        return f"{halves}/{self.dim}/halves-{_HALVES_VERSION}"

    def warm(self) -> None:
        """Load the models now.

        Raises:
            ModelLoadError: As for `SentenceTransformerEncoder.warm`.
        """
        self._english.warm()
        self._neutral(np.zeros((1, self._multilingual.dim), np.float32))

    def accepts(self, item: Query | Chunk) -> bool:
        """Whether `item` has words."""
        return self._multilingual.accepts(item)

    def views(self, query: Query) -> tuple[View, ...]:
        """A question that may be English, as either model reads it, for English texts and for
        others; any other question as `multilingual` reads it.

        Raises:
            InferenceError, ModelLoadError: As for `encode_queries`.
        """
        english, other = np.zeros((2, self.dim), np.float32)
        n_english = self._english.dim
        other[n_english:] = self._neutral(self._multilingual.encode_queries([query]))[0]
        if not may_be_english(query.text):
            return (View(other, _NEUTRAL_BACKGROUND),)
        english[:n_english] = self._english.encode_queries([query])[0]
        return (
            View(english, self._english.background * _SHARE, _is_english),
            View(other, self._english.background * _SHARE, lambda text: not _is_english(text)),
        )

    def encode_queries(self, queries: Sequence[Query]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised: both halves alike of questions that may be
        English, the second alone of others. To search, take `views`.

        Raises:
            InferenceError: A model failed, or gave what is not a number.
            ModelLoadError: At first use, as for `warm`.
        """
        rows = np.zeros((len(queries), self.dim), np.float32)
        for row, query in zip(rows, queries, strict=True):
            views = self.views(query)
            row += sum(view.vector for view in views) / np.float32(len(views) ** 0.5)
        return rows

    def encode_chunks(self, chunks: Sequence[Chunk]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, both halves alike.

        Raises:
            InferenceError: A model failed, or gave what is not a number.
            ModelLoadError: At first use, as for `warm`.
        """
        if not chunks:
            return np.empty((0, self.dim), np.float32)
        halves = (
            self._english.encode_chunks(chunks),
            self._neutral(self._multilingual.encode_chunks(chunks)),
        )
        return np.concatenate(halves, axis=1) * np.float32(_SHARE)

    def _neutral(self, vectors: Float32Array) -> Float32Array:
        with self._lock:
            if self._projection is None:
                one = self._multilingual
                rows = vectors_of_languages(one.fingerprint, one.encode_passages)
                self._projection = LanguageNeutral(rows)
        return self._projection(vectors)


TextEncoder = SentenceTransformerEncoder | PairedEncoder


def text_encoder(config: TextEncoderConfig, files: Sequence[ModelFiles] = ()) -> TextEncoder:
    """The encoder of `config`: of one model, or of two. One process has it once.

    Args:
        files: What `choose_models` gave for `config`, where it was asked already.

    Raises:
        ModelLoadError: A model is not on this machine and none works alone, or it is not the
            published one.
    """
    return _encoder(config, tuple(files) or choose_models(config.model, config.fallback))


# Its weights take half a gigabyte and two seconds to read: a process that opens several libraries,
# or one anew, reads them once.
@lru_cache(maxsize=1)
def _encoder(config: TextEncoderConfig, files: tuple[ModelFiles, ...]) -> TextEncoder:
    encoders = [SentenceTransformerEncoder(config, one) for one in files]
    if len(encoders) == 1:
        return encoders[0]
    return PairedEncoder(*encoders)


def _is_english(text: str) -> bool:
    return may_be_english(text[:_N_LOOKED_AT_CHARS])
