"""Vectors of a multilingual model without what they say of the language.

Such a model puts texts of one language nearer to each other than to what they mean in another, so
that in a library of two languages a question finds those of its own. The mean of a language's
vectors holds little but the language (Libovický, Rosa and Fraser, "On the Language Neutrality of
Pre-trained Multilingual Representations", 2020, arXiv:2004.05160), and the space of these means
can be projected out (Yang et al., "A Simple and Effective Method To Eliminate the Self Language
Bias in Multilingual Representations", 2021, arXiv:2109.04727). What all texts have in common goes
too, so that the cosines of texts that have nothing to do with each other lie near 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources

import numpy as np

from kb.protocols import Float32Array
from kb.shipped_vectors import read_vectors

__all__ = ["VECTORS", "LanguageNeutral", "sentences_of_languages", "vectors_of_languages"]

VECTORS = ("kb.models.encoders", "languages.npz")
"""The package and the file of those that are shipped."""

_TINY = 1e-12


class LanguageNeutral:
    """The projection for one model, found from the same sentences in several languages.

    Args:
        rows: float32 ``(n_languages, n_sentences, dim)``: their vectors, L2-normalised, of
            `vectors_of_languages`.
    """

    def __init__(self, rows: Float32Array) -> None:
        means = rows.mean(axis=1)
        self._mean = means.mean(axis=0)
        # The last direction is empty: the means' own mean is taken off.
        self._directions = np.linalg.svd(means - self._mean, full_matrices=False)[2][:-1]

    def __call__(self, vectors: Float32Array) -> Float32Array:
        """`vectors` without it, float32 ``(n, dim)``, L2-normalised."""
        rows = vectors - self._mean
        rows -= (rows @ self._directions.T) @ self._directions
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)
        return np.asarray(rows, np.float32)


def vectors_of_languages(
    fingerprint: str, encode: Callable[[Sequence[str]], Float32Array]
) -> Float32Array:
    """float32 ``(n_languages, n_sentences, dim)``: the same sentences in each language.

    Args:
        fingerprint: Of the model; those of the one that comes with the product are shipped.
        encode: Texts to float32 ``(n, dim)``, L2-normalised, as the model reads passages.
    """
    languages = sentences_of_languages()
    sentences = [sentence for language in languages for sentence in language]
    rows = read_vectors(*VECTORS, fingerprint, sentences)
    if rows is None:
        rows = encode(sentences)
    return rows.reshape(len(languages), -1, rows.shape[1])


def sentences_of_languages() -> list[list[str]]:
    """The same sentences in each language."""
    text = resources.files("kb.models.encoders").joinpath("languages.txt").read_text("utf-8")
    return [block.strip().splitlines() for block in text.split("---")]
