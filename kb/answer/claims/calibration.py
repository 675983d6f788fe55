"""Finding the score under which a claim is weak, from labelled pairs."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.answer.claims.thresholds import Calibration
from kb.errors import ConfigError
from kb.protocols import Float32Array

__all__ = ["MIN_PRECISION", "ClaimPair", "calibrate", "load_claims", "pick_threshold"]

# A reader who meets wrong marks stops looking at them; see docs/decisions/0007.
MIN_PRECISION = 0.9
_N_FOLDS = 5
_MIN_PAIRS = 10  # of either label

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClaimPair:
    """A claim with what it is judged by.

    Attributes:
        evidence: Words, as they would stand in a chunk.
        image: File of a picture, beside the words or alone.
    """

    claim: str
    evidence: str
    image: Path | None
    is_supported: bool


def load_claims(path: Path) -> list[ClaimPair]:
    """The pairs of a set's ``claims.jsonl``; pictures lie relative to it.

    Raises:
        ConfigError: The file can't be read, a line is no pair, or there are too few.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The claims in {path} can't be read ({error}). A set of claims is a folder with a "
            "file claims.jsonl in UTF-8."
        ) from error
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            pairs.append(_pair(json.loads(line), path.parent))
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                f"Line {number} of {path} is not a labelled claim: {error!r}. Expected an object "
                'with "claim", "evidence" (text) or "image" (a file) or both, and "supported" '
                "(true or false)."
            ) from error
    n_supported = sum(pair.is_supported for pair in pairs)
    if min(n_supported, len(pairs) - n_supported) < _MIN_PAIRS:
        raise ConfigError(
            f"{path} holds {n_supported} supported and {len(pairs) - n_supported} unsupported "
            f"claims. A threshold needs at least {_MIN_PAIRS} of each; add more."
        )
    if len({_evidence_key(pair) for pair in pairs}) < _N_FOLDS:
        raise ConfigError(
            f"The claims of {path} rest on fewer than {_N_FOLDS} different evidences, so a "
            "threshold can't be tried on evidence that it was not chosen on. Add more."
        )
    return pairs


def _pair(value: Any, folder: Path) -> ClaimPair:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    claim, evidence, image = value["claim"], value.get("evidence", ""), value.get("image")
    if not isinstance(claim, str) or not claim.strip():
        raise ValueError("no claim")
    if not isinstance(evidence, str) or not isinstance(image, str | None):
        raise TypeError("evidence and image must be text")
    if not evidence.strip() and not image:
        raise ValueError("neither evidence nor image")
    if image and not (folder / image).is_file():
        raise ValueError(f"there is no file {folder / image}")
    if not isinstance(value["supported"], bool):
        raise TypeError("supported must be true or false")
    return ClaimPair(claim, evidence, folder / image if image else None, value["supported"])


def _evidence_key(pair: ClaimPair) -> Hashable:
    return pair.evidence, pair.image


def calibrate(pairs: Sequence[ClaimPair], scores: Float32Array, claims_set: str) -> Calibration:
    """The threshold that all pairs together give, with the precision and recall of its marks.

    Those are measured by cross-validation: the pairs are dealt into five parts, all of one
    evidence to the same, and each part is marked by the threshold of the other four.

    Args:
        scores: float32 ``(len(pairs),)``; NaN for a pair that the scorer can't judge, which is
            never marked.
    """
    supported = np.array([pair.is_supported for pair in pairs])
    keys = {key: n for n, key in enumerate(dict.fromkeys(map(_evidence_key, pairs)))}
    folds = np.array([keys[_evidence_key(pair)] % _N_FOLDS for pair in pairs])
    marked = np.zeros(len(pairs), np.bool_)
    for fold in range(_N_FOLDS):
        held_out = folds == fold
        threshold = pick_threshold(scores[~held_out], supported[~held_out])
        if threshold is not None:
            marked |= held_out & (scores < threshold)
    n_marked, n_right = int(marked.sum()), int((marked & ~supported).sum())
    return Calibration(
        threshold=pick_threshold(scores, supported),
        precision=n_right / n_marked if n_marked else None,
        recall=n_right / int((~supported).sum()),
        n_supported=int(supported.sum()),
        n_unsupported=int((~supported).sum()),
        claims_set=claims_set,
    )


def pick_threshold(scores: Float32Array, supported: _Mask) -> float | None:
    """The threshold that marks the most unsupported claims while at least `MIN_PRECISION` of
    its marks are right; the lowest of several. None where there is none.

    It lies half way between two scores. NaN scores take no part.
    """
    judged = np.isfinite(scores)
    order = np.argsort(scores[judged], kind="stable")
    values, is_wrong = scores[judged][order].astype(np.float64), ~supported[judged][order]
    n_right = np.cumsum(is_wrong)
    best, threshold = 0, None
    for n_marked in range(1, len(values)):
        below, above = float(values[n_marked - 1]), float(values[n_marked])
        right = int(n_right[n_marked - 1])
        if below < above and right > best and right >= MIN_PRECISION * n_marked:
            best, threshold = right, (below + above) / 2
    return threshold
