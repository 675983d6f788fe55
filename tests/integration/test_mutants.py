"""240 damaged samples: every one has an outcome, nothing hangs, and nothing else changes.
`make fuzz` tries 1,000 others."""

from __future__ import annotations

from pathlib import Path

from fuzzed import MIB, fuzz

from kb.types import Outcome

SEED = 20_260_314


def test_every_damaged_sample_has_an_outcome_and_nothing_else_changes(tmp_path: Path) -> None:
    fuzzed = fuzz(tmp_path, 240, SEED, time_limit_s=10)
    assert len(fuzzed.outcomes) == 242
    assert fuzzed.wrong == []
    assert fuzzed.bugs == ""
    assert fuzzed.took_s < 240
    assert fuzzed.peak_bytes < 4096 * MIB
    # They are damaged, not ruined: some can be read, some can't.
    found = {file.outcome for file in fuzzed.outcomes.values()}
    assert {Outcome.ADDED, Outcome.FAILED, Outcome.PARTIAL} <= found
