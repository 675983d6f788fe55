"""The benchmark runs, on few documents, and checks that both ways find the same."""

from __future__ import annotations

import json

import pytest

from benchmarks.filters import cases, main, medians_ms


def test_it_prints_both_ways_of_every_filter(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--documents", "300", "--queries", "3", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report.pop("n_documents") == 300
    assert len(report) == 1 + 2 * len(list(cases(300)))


def test_ways_that_differ_are_told() -> None:
    with pytest.raises(SystemExit, match="not find the same"):
        medians_ms([[]], [lambda _: 1, lambda _: 2])
