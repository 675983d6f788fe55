from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kb.answer.claims.checker import ClaimChecker
from kb.answer.claims.thresholds import Calibration, Thresholds
from kb.errors import ConfigError, PromptTooLongError
from kb.protocols import Float32Array
from kb.types import Chunk, Kind, Locator, Modality

_ENTRY = Calibration(
    threshold=0.5, precision=0.9, recall=0.8, n_supported=20, n_unsupported=20, claims_set="s"
)


class ByLength:
    """Knows one number a chunk: the one its text holds."""

    fingerprint = "by-length:1"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def score(self, claim: str, chunks: Sequence[Chunk]) -> Float32Array:
        if "endless" in claim:
            raise PromptTooLongError("too long")
        self.asked.append((claim, len(chunks)))
        return np.array([float(chunk.text) for chunk in chunks], np.float32)


def chunk(text: str) -> Chunk:
    return Chunk(text, "d", 0, Kind.TEXT, Modality.TEXT, Locator(), text)


def checker(tmp_path: Path, threshold: float | None = 0.5) -> tuple[ClaimChecker, ByLength]:
    thresholds = Thresholds(tmp_path / "claims.json", tmp_path / "shipped.json")
    thresholds.write("by-length:1", _ENTRY.model_copy(update={"threshold": threshold}))
    scorer = ByLength()
    return ClaimChecker(scorer, thresholds), scorer


def test_each_cited_sentence_has_the_best_score_of_its_chunks(tmp_path: Path) -> None:
    check, scorer = checker(tmp_path)
    cited = {1: chunk("0.25"), 2: chunk("0.75"), 3: chunk("0.25")}
    text = "A is so [1]. Not cited. B is so [1][2]. C is so [1][3]."
    claims = check.check(text, cited)
    assert [(c.text, c.numbers, c.score, c.is_weak) for c in claims] == [
        ("A is so.", (1,), 0.25, True),
        ("B is so.", (1, 2), 0.75, False),
        ("C is so.", (1, 3), 0.25, True),
    ]
    assert text[claims[1].start : claims[1].end] == "B is so [1][2]."
    # Two passages of one chunk are judged once.
    assert scorer.asked == [("A is so.", 1), ("B is so.", 2), ("C is so.", 1)]


def test_a_score_at_the_threshold_is_not_weak(tmp_path: Path) -> None:
    check, _ = checker(tmp_path)
    assert check.check("A [1].", {1: chunk("0.5")})[0].is_weak is False


def test_what_cannot_be_judged_is_never_called_weak(tmp_path: Path) -> None:
    check, _ = checker(tmp_path)
    cited = {1: chunk("nan"), 2: chunk("0.25"), 3: chunk("0.75")}
    claims = check.check("A [1]. B [1][2]. C [1][3]. The endless D [3].", cited)
    assert [(c.score, c.is_weak) for c in claims] == [
        (None, None),
        (0.25, None),
        (0.75, False),
        (None, None),
    ]


@pytest.mark.parametrize("entry", ["none", "of another scorer", "without a threshold"])
def test_without_a_threshold_there_are_scores_and_no_marks(tmp_path: Path, entry: str) -> None:
    check, _ = checker(tmp_path, None if entry == "without a threshold" else 0.5)
    if entry == "none":
        (tmp_path / "claims.json").unlink()
    elif entry == "of another scorer":
        path = tmp_path / "claims.json"
        path.write_text(path.read_text("utf-8").replace("by-length:1", "by-length:2"), "utf-8")
    (claim,) = check.check("A [1].", {1: chunk("0.25")})
    assert (claim.score, claim.is_weak) == (0.25, None)


def test_a_new_calibration_is_heeded_at_once(tmp_path: Path) -> None:
    check, _ = checker(tmp_path)
    thresholds = Thresholds(tmp_path / "claims.json", tmp_path / "shipped.json")
    thresholds.write("by-length:1", _ENTRY.model_copy(update={"threshold": 0.1}))
    assert check.check("A [1].", {1: chunk("0.25")})[0].is_weak is False


def test_the_homes_calibration_goes_before_the_shipped_one(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped.json"
    Thresholds(shipped, tmp_path / "none.json").write("s", _ENTRY)
    thresholds = Thresholds(tmp_path / "home" / "claims.json", shipped)
    assert thresholds.find("s") == 0.5
    thresholds.write("s", _ENTRY.model_copy(update={"threshold": None}))
    assert thresholds.find("s") is None
    thresholds.write("t", _ENTRY)
    assert set(json.loads(thresholds.path.read_text("utf-8"))) == {"s", "t"}
    assert [path.name for path in thresholds.path.parent.iterdir()] == ["claims.json"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"by-length:1": 0.5}', '{"by-length:1": {"threshold": 1}}', "\xff"]
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    check, _ = checker(tmp_path)
    (tmp_path / "claims.json").write_text(content, "latin-1")
    with pytest.raises(ConfigError, match=r"claims\.json.*delete the file"):
        check.check("A [1].", {1: chunk("1")})


def test_a_sentence_that_cites_nothing_is_judged_by_all_that_was_shown(tmp_path: Path) -> None:
    check = checker(tmp_path)[0]
    shown = [chunk("0.25"), chunk("0.75"), chunk("0.1")]
    text = "The pump hums [1]. It was built by Ada in Paris. Yes. In short:"
    claims = check.check(text, {1: shown[0]}, shown)
    assert [(c.text, c.numbers, c.score, c.is_weak) for c in claims] == [
        ("The pump hums.", (1,), 0.25, True),
        ("It was built by Ada in Paris.", (), 0.75, False),
    ]
    assert check.check(text, {1: shown[0]}, shown[::2])[1].is_weak is True
    assert [one.text for one in check.check(text, {1: shown[0]})] == ["The pump hums."]
