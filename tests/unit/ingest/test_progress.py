from __future__ import annotations

import pytest

from ingest import progress
from ingest.progress import Progress, ProgressMeter


def test_rate_and_eta_follow_files_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    heard: list[Progress] = []
    meter = ProgressMeter(heard.append)
    meter.stage("scan")
    assert heard[-1].running
    meter.begin([100, 300])
    assert (heard[-1].n_done, heard[-1].n_total, heard[-1].eta_s) == (0, 2, None)
    now_s = 102.0
    meter.done("a.pdf", 100)
    last = heard[-1]
    assert (last.n_done, last.current, last.rate_per_s, last.eta_s) == (1, "a.pdf", 0.5, 6.0)


def test_nothing_is_running_at_rest() -> None:
    assert not Progress().running
