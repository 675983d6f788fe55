"""How near texts are to a question, on a scale that is the same for every encoder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib import resources
from weakref import WeakKeyDictionary

import numpy as np

from kb.protocols import Encoder, Float32Array, View, views_of
from kb.shipped_vectors import read_vectors
from kb.text.terms import Language, language
from kb.types import Chunk, Kind, Locator, Modality, Query

__all__ = [
    "VECTORS",
    "Nearness",
    "QuestionNearness",
    "background_sentences",
    "encode_background",
]

VECTORS = ("kb.answer.refusal", "background.npz")
"""The package and the file of the vectors of `background_sentences` that are shipped."""


class QuestionNearness:
    """Nearness to one question: a cosine less the mean of its cosines with sentences about
    anything, in their standard deviations.

    Encoders differ in where their cosines lie (all-MiniLM-L6-v2 from 0, multilingual-e5-small
    from .7), and texts of one language lie nearer to each other; so both are taken from
    sentences in the text's own language.

    Args:
        encoder: Of the profile.
        views: The question, as `encoder` compares it with texts.
        background: By language, float32 ``(n, dim)``: sentences about anything.
    """

    def __init__(
        self,
        encoder: Encoder,
        views: Sequence[View],
        background: dict[Language, Float32Array],
    ) -> None:
        self._encoder = encoder
        self._views = views
        self._levels = [
            {one: _level(rows @ view.vector) for one, rows in background.items()} for view in views
        ]

    def scaled(self, cosine: float, text: str) -> float:
        """A cosine between the question and `text`, by the view that reads it, on this scale."""
        mean, deviation = self._levels[self._view_of(text)][language(text)]
        return (cosine - mean) / deviation

    def _view_of(self, text: str) -> int:
        return next(index for index, view in enumerate(self._views) if view.reads(text))

    def of(self, chunks: Sequence[Chunk]) -> list[float]:
        """Of parts of chunks, which are encoded now.

        Raises:
            InferenceError: The encoder failed.
        """
        rows = self._encoder.encode_chunks(chunks)
        return [
            self.scaled(float(row @ self._views[self._view_of(chunk.text)].vector), chunk.text)
            for row, chunk in zip(rows, chunks, strict=True)
        ]


class Nearness:
    """Makes `QuestionNearness`. Its sentences are encoded at the first question, unless their
    vectors are shipped.

    Args:
        encoder: Of the profile.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def to(self, question: str) -> QuestionNearness:
        """Nearness to `question`.

        Raises:
            InferenceError: The encoder failed.
        """
        views = views_of(self._encoder, Query(text=question))
        return QuestionNearness(self._encoder, views, _background(self._encoder))

    def warm(self) -> None:
        """Encode its sentences now.

        Raises:
            InferenceError, ModelLoadError: The encoder failed.
        """
        views_of(self._encoder, Query(text="warm"))
        _background(self._encoder)


_LOCK = threading.Lock()
_BACKGROUNDS: WeakKeyDictionary[Encoder, dict[Language, Float32Array]] = WeakKeyDictionary()


def _background(encoder: Encoder) -> dict[Language, Float32Array]:
    """By language, float32 ``(n, dim)``: sentences about anything."""
    with _LOCK:
        if encoder not in _BACKGROUNDS:
            sentences = background_sentences()
            rows = read_vectors(*VECTORS, encoder.fingerprint, sentences)
            if rows is None:
                rows = encode_background(encoder, sentences)
            languages = [language(sentence) for sentence in sentences]
            _BACKGROUNDS[encoder] = {
                one: rows[[other is one for other in languages]] for one in Language
            }
        return _BACKGROUNDS[encoder]


def background_sentences() -> list[str]:
    """About anything, in each language."""
    file = resources.files("kb.answer.refusal").joinpath("background.txt")
    return file.read_text("utf-8").splitlines()


def encode_background(encoder: Encoder, sentences: Sequence[str]) -> Float32Array:
    """float32 ``(n, dim)``.

    Raises:
        InferenceError: The encoder failed.
    """
    return encoder.encode_chunks([_chunk(sentence) for sentence in sentences])


def _level(cosines: Float32Array) -> tuple[float, float]:
    return float(np.mean(cosines)), max(float(np.std(cosines)), 1e-6)


def _chunk(text: str) -> Chunk:
    return Chunk("", "", 0, Kind.TEXT, Modality.TEXT, Locator(), text)
