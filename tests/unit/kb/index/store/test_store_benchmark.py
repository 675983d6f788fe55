"""The benchmark runs, on few points, and its vectors are what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.store import Corpus, main


def test_it_prints_every_figure_for_both_quantizations(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--n", "300", "--dim", "16", "--queries", "5", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == 300
    assert report["none"].keys() == report["int8"].keys()
    assert report["none"]["recall@100"] == 1.0
    assert report["none"]["disk_bytes_per_chunk"] > 16 * 4


def test_the_dense_vectors_are_unit_length_and_clustered() -> None:
    vectors = Corpus(2_000, 64).dense(500)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(500), abs=1e-5)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1.0)
    # Uniform vectors of 64 dimensions have their nearest neighbour of 500 near 0.4.
    assert float(np.median(cosines.max(axis=1))) > 0.6
