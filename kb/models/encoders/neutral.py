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

__all__ = ["LanguageNeutral"]

_TINY = 1e-12


class LanguageNeutral:
    """The projection for one model, found from the same sentences in several languages.

    Args:
        encode: Texts to float32 ``(n, dim)``, L2-normalised, as the model reads passages.
    """

    def __init__(self, encode: Callable[[Sequence[str]], Float32Array]) -> None:
        languages = _sentences()
        rows = encode([sentence for sentences in languages for sentence in sentences])
        means = rows.reshape(len(languages), -1, rows.shape[1]).mean(axis=1)
        self._mean = means.mean(axis=0)
        # The last direction is empty: the means' own mean is taken off.
        self._directions = np.linalg.svd(means - self._mean, full_matrices=False)[2][:-1]

    def __call__(self, vectors: Float32Array) -> Float32Array:
        """`vectors` without it, float32 ``(n, dim)``, L2-normalised."""
        rows = vectors - self._mean
        rows -= (rows @ self._directions.T) @ self._directions
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)
        return np.asarray(rows, np.float32)


def _sentences() -> list[list[str]]:
    """The same sentences in each language."""
    text = resources.files("kb.models.encoders").joinpath("languages.txt").read_text("utf-8")
    return [block.strip().splitlines() for block in text.split("---")]
