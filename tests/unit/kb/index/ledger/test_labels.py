"""Which documents the store may have other labels of, from which transaction until when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord
from kb.protocols import DocumentLabels
from kb.types import Chunk, Document, Kind, Locator, Modality

ROOT = "/library"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    yield ledger
    ledger.close()


def at(path: str, sha256: str | None) -> PathRecord:
    return PathRecord(ROOT, path, sha256, 1, 0, 0)


def commit(ledger: Ledger, sha256: str, *paths: str, n_chunks: int = 1, date_ns: int = 7) -> None:
    document = Document(sha256, Kind.TEXT, "text/plain", sha256, 1, (), date_ns, n_chunks)
    chunks = [
        Chunk(f"{sha256} {n}", sha256, n, Kind.TEXT, Modality.TEXT, Locator())
        for n in range(n_chunks)
    ]
    record = DocumentRecord(document, "settings", DocumentStatus.INDEXED)
    ledger.commit([(record, chunks, [at(path, sha256) for path in paths])])


def settle(ledger: Ledger) -> None:
    pending = ledger.pending_labels(99)
    labels = ledger.labels(pending)
    ledger.settle_labels({sha256: labels.get(sha256) for sha256 in pending})
    assert not ledger.has_pending_labels()


def test_labels_are_of_every_path(ledger: Ledger) -> None:
    commit(ledger, "aa", "x/y/one.txt", "one.txt", "z/one.txt")
    commit(ledger, "bb", "two.txt", date_ns=-3)
    commit(ledger, "cc", "x/three.txt", n_chunks=0)
    expected = {"aa": DocumentLabels(("x", "x/y", "z"), 7), "bb": DocumentLabels((), -3)}
    assert ledger.labels() == ledger.labels(["aa", "bb", "cc", "unknown"]) == expected
    assert ledger.labels(["bb"]) == {"bb": expected["bb"]}
    assert ledger.labels([]) == {}


def test_what_was_written_with_its_labels_is_not_pending(ledger: Ledger) -> None:
    commit(ledger, "aa", "x/one.txt")
    assert not ledger.has_pending_labels()
    # Another file with its content is there already: the points know of the one given only.
    ledger.put_paths([at("y/one.txt", "aa")])
    settle(ledger)
    commit(ledger, "aa", "x/one.txt")
    assert ledger.pending_labels(9) == ["aa"]
    settle(ledger)
    commit(ledger, "aa", "x/one.txt", "y/one.txt")
    assert not ledger.has_pending_labels()


def test_a_file_that_comes_goes_or_changes_leaves_its_documents_pending(ledger: Ledger) -> None:
    commit(ledger, "aa", "x/one.txt")
    commit(ledger, "bb", "two.txt", "copy of two.txt")
    ledger.put_paths([at("x/one.txt", "aa")])  # touched
    assert not ledger.has_pending_labels()
    ledger.put_paths([at("y/one.txt", "aa")])  # copied
    assert ledger.pending_labels(9) == ["aa"]
    settle(ledger)
    ledger.remove_paths([(ROOT, "x/one.txt")])
    assert ledger.pending_labels(9) == ["aa"]
    settle(ledger)
    ledger.put_paths([at("copy of two.txt", "aa")])  # has another content now
    assert ledger.pending_labels(9) == ["aa", "bb"]
    assert ledger.pending_labels(1) == ["aa"]
    assert ledger.pending_labels(9, ["aa"]) == ["bb"]
    settle(ledger)
    commit(ledger, "cc", "copy of two.txt")
    assert ledger.pending_labels(9) == ["aa"]
    settle(ledger)
    ledger.put_paths([at("two.txt", None)])  # can't be read any more
    assert ledger.labels().keys() == {"aa", "cc"}
    assert not ledger.has_pending_labels()


def test_a_document_that_goes_is_pending_no_more(ledger: Ledger) -> None:
    commit(ledger, "aa", "x/one.txt")
    ledger.put_paths([at("y/one.txt", "aa")])
    ledger.remove_paths([(ROOT, "x/one.txt"), (ROOT, "y/one.txt")])
    assert not ledger.has_pending_labels()


def test_points_that_answer_are_pending_while_they_are_written_again(ledger: Ledger) -> None:
    commit(ledger, "aa", "x/one.txt")
    ledger.announce(["new point"], ["aa", "not a document yet"])
    assert ledger.pending_labels(9) == ["aa"]
    commit(ledger, "aa", "x/one.txt")
    assert not ledger.has_pending_labels()


def test_what_another_process_changed_meanwhile_is_told_again(ledger: Ledger) -> None:
    commit(ledger, "aa", "x/one.txt")
    commit(ledger, "bb", "x/two.txt")
    ledger.put_paths([at("y/one.txt", "aa"), at("y/two.txt", "bb")])
    told = ledger.labels()
    ledger.put_paths([at("z/one.txt", "aa")])
    settle(ledger)  # the other one has told the store, and this one tells it what was before
    ledger.settle_labels(told)
    assert ledger.pending_labels(9) == ["aa"]
    ledger.remove_paths([(ROOT, path) for path in ("x/two.txt", "y/two.txt")])
    ledger.settle_labels({"bb": told["bb"], "aa": ledger.labels()["aa"]})
    assert not ledger.has_pending_labels()
