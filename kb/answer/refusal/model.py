"""The probability that a passage answers, from its features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

import numpy as np
from pydantic import BaseModel, ConfigDict

from kb.answer.refusal.features import ACROSS, FEATURES
from kb.protocols import Float32Array

__all__ = ["Logistic", "RelevanceModel"]


class Logistic(BaseModel):
    """A logistic regression: a weight by name of feature, and the intercept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: dict[str, float]
    intercept: float

    def probabilities(self, table: Float32Array, names: Sequence[str]) -> Float32Array:
        """float32 ``(n,)`` for features float32 ``(n, len(names))``."""
        weights = np.array([self.weights.get(name, 0.0) for name in names], np.float32)
        return np.asarray(1 / (1 + np.exp(-(table @ weights + self.intercept))), np.float32)


class RelevanceModel(BaseModel):
    """What ``scripts/train_relevance.py`` found.

    Attributes:
        same: For passages in the question's language.
        across: For those in another, of which the words say nothing.
        threshold: The probability under which nothing is answered.
        trained_with: Fingerprint of the dense encoder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    same: Logistic
    across: Logistic
    threshold: float
    trained_with: str

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> RelevanceModel:
        """The one in this package."""
        file = resources.files("kb.answer.refusal").joinpath("relevance.json")
        return cls.model_validate_json(file.read_bytes())

    def probabilities(self, table: Float32Array, across: Sequence[bool]) -> Float32Array:
        """float32 ``(n,)``.

        Args:
            table: float32 ``(n, len(FEATURES))``.
            across: Which passages are in another language than the question.
        """
        same = self.same.probabilities(table, FEATURES)
        other = self.across.probabilities(table[:, : len(ACROSS)], ACROSS)
        return np.where(np.asarray(across, bool), other, same)
