from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kb.answer.claims.calibration import ClaimPair, calibrate, load_claims, pick_threshold
from kb.errors import ConfigError


def lines(n: int = 10, **changes: Any) -> list[dict[str, Any]]:
    made = [
        {"claim": f"c{i}", "evidence": f"e{i}", "supported": supported}
        for i in range(n)
        for supported in (True, False)
    ]
    made[3] |= changes
    return made


def write(folder: Path, items: list[dict[str, Any]]) -> Path:
    path = folder / "claims.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in items) + "\n\n", "utf-8")
    return path


def test_pairs_are_read_with_their_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    pairs = load_claims(write(tmp_path, lines(evidence="", image="a.png")))
    assert len(pairs) == 20
    assert pairs[0] == ClaimPair("c0", "e0", None, True)
    assert pairs[3] == ClaimPair("c1", "", tmp_path / "a.png", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"claim": " "},
        {"claim": 5},
        {"evidence": ""},
        {"evidence": ["x"]},
        {"image": "missing.png"},
        {"image": 1},
        {"supported": "yes"},
        {"supported": 1},
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"Line 4 of .*claims\.jsonl"):
        load_claims(write(tmp_path, lines(**changes)))


@pytest.mark.parametrize("line", ["{", "[]", '"x"', '{"claim": "a", "evidence": "b"}'])
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, lines())
    path.write_text(path.read_text("utf-8").replace("\n", f"\n{line}\n", 1), "utf-8")
    with pytest.raises(ConfigError, match="Line 2 of"):
        load_claims(path)


def test_a_set_must_be_there_and_large_enough(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be read.*claims\.jsonl"):
        load_claims(tmp_path / "claims.jsonl")
    with pytest.raises(ConfigError, match="9 supported and 9 unsupported"):
        load_claims(write(tmp_path, lines(9)))
    with pytest.raises(ConfigError, match="fewer than 5 different"):
        load_claims(write(tmp_path, [item | {"evidence": "one"} for item in lines()]))
    (tmp_path / "claims.jsonl").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_claims(tmp_path / "claims.jsonl")


def pick(scores: list[float], supported: list[int]) -> float | None:
    return pick_threshold(np.array(scores, np.float32), np.array(supported, np.bool_))


def test_the_threshold_lies_between_what_it_parts() -> None:
    assert pick([0.125, 0.25, 0.75, 1.0], [0, 0, 1, 1]) == 0.5


def test_the_most_is_marked_that_the_precision_allows() -> None:
    # Nine right marks of ten are allowed, eighteen of twenty as well, nineteen of 22 not.
    scores = [i / 32 for i in range(24)]
    supported = [0] * 9 + [1] + [0] * 9 + [1] + [1, 1, 0, 1]
    assert pick(scores, supported) == (18 + 19) / 64


def test_equal_scores_are_never_parted() -> None:
    assert pick([0.25, 0.25, 0.5], [0, 1, 1]) is None


def test_without_enough_precision_there_is_no_threshold() -> None:
    assert pick([0.1, 0.2, 0.3, 0.4], [1, 0, 1, 0]) is None
    assert pick([float("nan")] * 4, [0, 0, 1, 1]) is None
    assert pick([], []) is None


def pairs(n: int) -> list[ClaimPair]:
    return [
        ClaimPair(f"c{i}", f"e{i}", None, supported)
        for i in range(n)
        for supported in (True, False)
    ]


def test_scores_that_tell_all_apart_have_precision_and_recall_one() -> None:
    made = pairs(20)
    scores = np.array([0.75 if pair.is_supported else 0.25 for pair in made], np.float32)
    found = calibrate(made, scores, "made")
    assert (found.threshold, found.precision, found.recall) == (0.5, 1.0, 1.0)
    assert (found.n_supported, found.n_unsupported, found.claims_set) == (20, 20, "made")


def test_precision_is_measured_on_evidence_that_had_no_part_in_the_choice() -> None:
    # One evidence alone has false claims with high scores: with it the threshold is higher, but
    # it is judged by the threshold of the others.
    made = pairs(20)
    scores = np.array([0.9 if pair.is_supported else 0.1 for pair in made], np.float32)
    scores[1] = 0.8
    found = calibrate(made, scores, "made")
    assert found.threshold == pytest.approx(0.85)
    assert found.recall == pytest.approx(19 / 20)
    assert found.precision == 1.0


def test_what_cannot_be_judged_counts_as_missed() -> None:
    made = pairs(20)
    scores = np.array([0.75 if pair.is_supported else 0.25 for pair in made], np.float32)
    scores[1:11:2] = np.nan
    found = calibrate(made, scores, "made")
    assert (found.threshold, found.precision, found.recall) == (0.5, 1.0, 0.75)


def test_chance_marks_nothing() -> None:
    made = pairs(100)
    scores = np.random.default_rng(1).random(200).astype(np.float32)
    found = calibrate(made, scores, "made")
    assert found.recall < 0.1


def test_nothing_marked_has_no_precision() -> None:
    made = pairs(20)
    found = calibrate(made, np.full(40, 0.5, np.float32), "made")
    assert (found.threshold, found.precision, found.recall) == (None, None, 0.0)
