from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from kb.errors import StoreError, StoreUnavailableError
from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord
from kb.index.tables import RowPlace, Table, make_column, pack
from kb.types import (
    Box,
    Chunk,
    Document,
    Filters,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Span,
    chunk_id,
)

ROOT = Path("/library")


def path_record(path: str, sha256: str | None, mtime_ns: int = 5) -> PathRecord:
    return PathRecord(str(ROOT), path, sha256, 10, mtime_ns, 9)


def record(sha256: str, date_ns: int = 100, fingerprint: str = "v1") -> DocumentRecord:
    document = Document(sha256, Kind.PDF, "application/pdf", "T", 10, (), date_ns)
    return DocumentRecord(document, fingerprint, DocumentStatus.INDEXED)


def chunk(sha256: str, ordinal: int, version: str = "v1", **fields: object) -> Chunk:
    place = Locator(page=ordinal + 1, boxes=(Box(1, 2, 3, 4.5),))
    return Chunk(
        chunk_id(sha256, place, ordinal, version),
        sha256,
        ordinal,
        Kind.PDF,
        Modality.TEXT,
        place,
        text=f"text {ordinal} 中文",
        spans=(Span(0, 4, place),),
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def test_a_page_is_as_large_as_its_picture_s_place(ledger: Ledger) -> None:
    image = ImageRef("ff", "image/jpeg", 3, 4)
    place = Locator(page=2, boxes=(Box(0, 0, 595.28, 841.89),))
    page = Chunk("p", "aa", 1, Kind.PDF, Modality.IMAGE, place, image=image)
    unplaced = Chunk("q", "aa", 2, Kind.PDF, Modality.IMAGE, Locator(page=3), image=image)
    ledger.commit([(record("aa"), [chunk("aa", 0), page, unplaced], [path_record("a", "aa")])])
    assert ledger.page_size_points("aa", 2) == (595.28, 841.89)
    assert ledger.page_image("aa", 2) == image
    # A page of which there is no picture, or one that an earlier version wrote.
    assert ledger.page_size_points("aa", 1) is None
    assert ledger.page_size_points("aa", 3) is None


def test_chunks_come_back_as_they_were_written(ledger: Ledger) -> None:
    image = ImageRef("ff", "image/jpeg", 3, 4)
    chunks = [chunk("aa", 0, headings=("A", "B"), title="T"), chunk("aa", 1, image=image)]
    ledger.commit([(record("aa"), chunks, [path_record("a.pdf", "aa")])])
    ids = [c.id for c in chunks]
    assert ledger.chunks([*ids, "unknown"]) == dict(zip(ids, chunks, strict=True))
    assert ledger.chunks_of("aa") == chunks
    assert ledger.asset("ff") == image
    assert ledger.sources(["aa"]) == {"aa": "a.pdf"}


def test_replacing_a_document_puts_the_old_points_into_limbo(ledger: Ledger) -> None:
    old, new = [chunk("aa", 0), chunk("aa", 1)], [chunk("aa", 0, "v2")]
    ledger.announce([c.id for c in old])
    assert set(ledger.pending_points()) == {c.id for c in old}
    ledger.commit([(record("aa"), old, [path_record("a.pdf", "aa")])])
    assert ledger.pending_points() == []
    ledger.announce([c.id for c in new])
    stale = ledger.commit([(record("aa", fingerprint="v2"), new, [path_record("a.pdf", "aa")])])
    assert set(stale.point_ids) == {c.id for c in old} == set(ledger.pending_points())
    assert set(ledger.chunks([c.id for c in [*old, *new]])) == {new[0].id}
    ledger.settle(stale.point_ids)
    assert ledger.pending_points() == []


def test_announcing_a_chunk_that_answers_leaves_it_alone(ledger: Ledger) -> None:
    chunks = [chunk("aa", 0)]
    ledger.commit([(record("aa"), chunks, [path_record("a.pdf", "aa")])])
    ledger.announce([chunks[0].id])
    assert ledger.pending_points() == []


def test_a_document_goes_with_its_last_path(ledger: Ledger) -> None:
    chunks = [chunk("aa", 0, image=ImageRef("ff", "image/jpeg", 3, 4))]
    paths = [path_record("a.pdf", "aa"), path_record("copy/a.pdf", "aa")]
    ledger.commit([(record("aa"), chunks, paths)])
    assert ledger.remove_paths([(str(ROOT), "a.pdf")]).point_ids == ()
    assert ledger.sources(["aa"]) == {"aa": "copy/a.pdf"}
    stale = ledger.remove_paths([(str(ROOT), "copy/a.pdf")])
    assert stale.point_ids == (chunks[0].id,)
    assert [ref.sha256 for ref in stale.assets] == ["ff"]
    assert ledger.record("aa") is None
    assert ledger.asset("ff") is None


def test_a_path_that_changes_content_takes_the_old_document_away_at_once(ledger: Ledger) -> None:
    old, new = chunk("aa", 0), chunk("bb", 0)
    ledger.commit([(record("aa"), [old], [path_record("a.pdf", "aa")])])
    stale = ledger.commit([(record("bb"), [new], [path_record("a.pdf", "bb")])])
    assert stale.point_ids == (old.id,)
    assert set(ledger.chunk_ids()) == {new.id}


def test_a_picture_of_two_documents_stays_with_the_other(ledger: Ledger) -> None:
    image = ImageRef("ff", "image/jpeg", 3, 4)
    ledger.commit([(record("aa"), [chunk("aa", 0, image=image)], [path_record("a.pdf", "aa")])])
    ledger.commit([(record("bb"), [chunk("bb", 0, image=image)], [path_record("b.pdf", "bb")])])
    ledger.remove_paths([(str(ROOT), "a.pdf")])
    assert ledger.asset("ff") == image


def test_filters_choose_documents(ledger: Ledger) -> None:
    for sha256, path, date_ns in (
        ("aa", "manuals/en/a.pdf", 100),
        ("bb", "manuals-old/b.pdf", 200),
        ("cc", "c.pdf", 300),
    ):
        ledger.commit([(record(sha256, date_ns), [], [path_record(path, sha256)])])
    assert ledger.documents(Filters()) is None
    assert ledger.documents(Filters(kinds=(Kind.PDF,))) is None
    assert ledger.documents(Filters(folders=("manuals",))) == {"aa"}
    assert ledger.documents(Filters(folders=("manuals/en/", "manuals-old"))) == {"aa", "bb"}
    assert ledger.documents(Filters(folders=("nowhere",))) == frozenset()
    assert ledger.documents(Filters(sources=("c.pdf",))) == {"cc"}
    assert ledger.documents(Filters(after_ns=200)) == {"bb", "cc"}
    assert ledger.documents(Filters(after_ns=200, before_ns=300)) == {"bb"}
    assert ledger.documents(Filters(folders=("manuals",), after_ns=200)) == frozenset()


def test_documents_by_when_their_files_were_changed(ledger: Ledger) -> None:
    ledger.commit([(record("aa", 100), [], [path_record("a/a.pdf", "aa", 5)])])
    ledger.commit([(record("bb", 200), [], [path_record("b.pdf", "bb", 5)])])
    ledger.put_paths([path_record("copy.pdf", "aa", 7)])
    assert ledger.documents(Filters(changed_after_ns=6)) == {"aa"}
    assert ledger.documents(Filters(changed_before_ns=6)) == {"aa", "bb"}
    assert ledger.documents(Filters(changed_before_ns=5)) == frozenset()
    # By the same copy: the one in the folder is older.
    assert ledger.documents(Filters(folders=("a",), changed_after_ns=6)) == frozenset()
    assert ledger.documents(Filters(after_ns=200, changed_after_ns=5)) == {"bb"}


def test_roots_are_remembered(ledger: Ledger) -> None:
    ledger.add_roots([Path("/b"), Path("/a"), Path("/a")])
    assert ledger.roots() == [Path("/a"), Path("/b")]
    ledger.remove_root(Path("/a"))
    assert ledger.roots() == [Path("/b")]


def test_a_failed_transaction_changes_nothing(ledger: Ledger) -> None:
    ledger.commit([(record("aa"), [chunk("aa", 0)], [path_record("a.pdf", "aa")])])
    before = ledger.chunk_ids()
    broken = PathRecord(str(ROOT), "b.pdf", "bb", 10, None, 9)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        ledger.commit([(record("bb"), [chunk("bb", 0)], [broken])])
    assert ledger.chunk_ids() == before
    assert ledger.record("bb") is None


def test_a_damaged_file_says_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreUnavailableError, match="kb sync"):
        Ledger(path)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreUnavailableError, match="Update the program"):
        Ledger(path)


def table(sha256: str, cells: list[str]) -> bytes:
    names = make_column("name", cells, range(len(cells)))
    places = np.array([[0, i, i + 1] for i in range(len(cells))], np.int32)
    return pack(Table(sha256, 0, "Stock", "T", ("H",), (names,), ("chunk",), places))


class TestTables:
    def test_they_come_and_go_with_their_document(self, ledger: Ledger) -> None:
        ledger.commit(
            [(record("aa"), [chunk("aa", 0)], [path_record("a.pdf", "aa")])],
            {"aa": [table("aa", ["x", "中"])]},
        )
        (found,) = ledger.tables_of("aa")
        assert (found.name, found.title, found.headings) == ("Stock", "T", ("H",))
        assert [found.columns[0].text(row) for row in (0, 1)] == ["x", "中"]
        assert found.place(1) == RowPlace("chunk", 1, 2)
        ledger.commit(
            [(record("aa"), [chunk("aa", 0)], [path_record("a.pdf", "aa")])],
            {"aa": [table("aa", ["y"])]},
        )
        assert [one.n_rows for one in ledger.tables_of("aa")] == [1]
        ledger.remove_paths([(str(ROOT), "a.pdf")])
        assert ledger.tables_of("aa") == []

    def test_a_ledger_of_before_tables_gets_their_place(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.sqlite3"
        ledger = Ledger(path)
        ledger.commit([(record("aa"), [chunk("aa", 0)], [path_record("a.pdf", "aa")])])
        ledger.close()
        with sqlite3.connect(path) as db:
            db.execute("DROP TABLE tables")
            db.execute("ALTER TABLE pending_points RENAME TO limbo")
            db.execute("INSERT INTO limbo VALUES ('left')")
            db.execute("DROP TABLE pending_labels")
            db.execute("DROP TABLE conversations")
            db.execute("DROP TABLE turns")
            db.execute("DROP TABLE feedback")
            db.execute("PRAGMA user_version = 1")
        db.close()
        again = Ledger(path)
        assert again.pending_points() == ["left"]
        assert (again.n_chunks(), again.tables_of("aa")) == (1, [])
        # Its points have none yet.
        assert again.pending_labels(9) == ["aa"]
        again.close()

    def test_a_damaged_one_is_told(self, ledger: Ledger, tmp_path: Path) -> None:
        ledger.commit(
            [(record("aa"), [chunk("aa", 0)], [path_record("a.pdf", "aa")])],
            {"aa": [table("aa", ["x"])]},
        )
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as db:
            db.execute("UPDATE tables SET body = x'00'")
        db.close()
        with pytest.raises(StoreError, match="a table is not what was written"):
            ledger.tables_of("aa")
