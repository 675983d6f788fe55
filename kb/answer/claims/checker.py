"""Whether what an answer says stands in what it cites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kb.answer.claims.split import CitedSentence, cited_sentences
from kb.answer.claims.thresholds import Thresholds
from kb.errors import PromptTooLongError
from kb.protocols import ClaimScorer
from kb.stopping import check
from kb.types import Chunk, Claim

__all__ = ["ClaimChecker"]


class ClaimChecker:
    """Scores each sentence with a citation against the chunks it cites.

    Args:
        scorer: Of the profile.
        thresholds: Under which score a claim is weak. They are read at each check, so that a
            running server heeds a new calibration.
    """

    def __init__(self, scorer: ClaimScorer, thresholds: Thresholds) -> None:
        self._scorer = scorer
        self._thresholds = thresholds

    def check(
        self, text: str, cited: Mapping[int, Chunk], sources: Sequence[Chunk] = ()
    ) -> tuple[Claim, ...]:
        """The claims of an answer, in order.

        Args:
            text: The answer, Markdown.
            cited: Chunks by the number that cites them.
            sources: What a sentence without a citation may rest on; without any, such a sentence
                is not judged.

        Raises:
            ConfigError: The file of thresholds can't be read.
            InferenceError, ModelLoadError: The model failed.
        """
        threshold = self._thresholds.find(self._scorer.fingerprint)
        found = cited_sentences(text, with_uncited=bool(sources))
        return tuple(self._claim(sentence, cited, sources, threshold) for sentence in found)

    def _claim(
        self,
        sentence: CitedSentence,
        cited: Mapping[int, Chunk],
        sources: Sequence[Chunk],
        threshold: float | None,
    ) -> Claim:
        check()
        # Several numbers may name passages of one chunk.
        chunks = {cited[number].id: cited[number] for number in sentence.numbers if number in cited}
        if not sentence.numbers:
            chunks = {chunk.id: chunk for chunk in sources}
        try:
            scores = self._scorer.score(sentence.text, [*chunks.values()])
        except PromptTooLongError:
            scores = np.full(len(chunks), np.nan, np.float32)
        judged = scores[np.isfinite(scores)]
        best = float(judged.max()) if judged.size else None
        is_weak: bool | None = None
        if threshold is not None and best is not None:
            is_weak = best < threshold
            if is_weak and judged.size < len(chunks):
                is_weak = None  # what can't be judged may support it
        return Claim(*sentence, score=best, is_weak=is_weak)
