"""Files of the ledger, some at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.index.ledger import (
    DocumentRecord,
    DocumentStatus,
    FileCount,
    FileOrder,
    FileQuery,
    FileRow,
    Ledger,
    PathRecord,
)
from kb.types import Document, Kind

ROOT = "/library"


def put(
    ledger: Ledger,
    path: str,
    status: DocumentStatus = DocumentStatus.INDEXED,
    kind: Kind = Kind.TEXT,
    reason: str = "",
    date_ns: int = 1,
) -> None:
    document = Document(f"hash of {path}", kind, "text/plain", path, 10, (), date_ns)
    record = DocumentRecord(document, "v1", status, reason)
    file = PathRecord(ROOT, path, document.sha256, 10, 5, 9)
    ledger.commit([(record, [], [file])])


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.sqlite3")
    for path in ("b.txt", "A.txt", "Über/c.txt"):
        put(made, path)
    put(made, "d.pdf", DocumentStatus.PARTIAL, Kind.PDF, "Page 3 can't be read.")
    put(made, "e.pdf", DocumentStatus.FAILED, Kind.PDF, "It is empty.")
    made.put_paths([PathRecord(ROOT, "locked.txt", None, 7, 5, 9, (), "No permission.")])
    return made


def paths(rows: list[FileRow]) -> list[str]:
    return [row.path for row in rows]


def test_files_come_in_order_and_in_parts(ledger: Ledger) -> None:
    everything = ["A.txt", "b.txt", "d.pdf", "e.pdf", "locked.txt", "Über/c.txt"]
    assert paths(ledger.files(FileQuery())) == everything
    assert paths(ledger.files(FileQuery(), 2)) == everything[:2]
    assert paths(ledger.files(FileQuery(), 4, 4)) == everything[4:]
    assert ledger.files(FileQuery(), 4, 6) == []


def test_each_has_its_status_and_reason(ledger: Ledger) -> None:
    rows = {row.path: row for row in ledger.files(FileQuery())}
    assert rows["A.txt"] == FileRow(
        ROOT, "A.txt", "hash of A.txt", "text", 10, 5, "indexed", "", 0, 1
    )
    assert (rows["d.pdf"].status, rows["d.pdf"].reason) == ("partial", "Page 3 can't be read.")
    assert rows["locked.txt"] == FileRow(
        ROOT, "locked.txt", None, None, 7, 5, "failed", "No permission.", 0, None
    )


def test_files_are_found_by_status_kind_and_name(ledger: Ledger) -> None:
    assert paths(ledger.files(FileQuery(status="failed"))) == ["e.pdf", "locked.txt"]
    assert paths(ledger.files(FileQuery(kind="pdf"))) == ["d.pdf", "e.pdf"]
    assert paths(ledger.files(FileQuery(kind="pdf", status="partial"))) == ["d.pdf"]
    assert paths(ledger.files(FileQuery(name="ÜBER"))) == ["Über/c.txt"]
    assert paths(ledger.files(FileQuery(name="a.TXT"))) == ["A.txt"]
    # No pattern: what SQL would read as one is looked for as it stands.
    assert paths(ledger.files(FileQuery(name="%"))) == []


def test_what_waits_is_waiting_also_where_it_is_known(ledger: Ledger) -> None:
    waiting = [(ROOT, "new.txt"), (ROOT, "b.txt"), (ROOT, "e.pdf"), ("/other", "A.txt")]
    query = FileQuery(waiting, reading="e.pdf")
    rows = {(row.root, row.path): row for row in ledger.files(query)}
    assert rows[ROOT, "new.txt"] == FileRow(
        ROOT, "new.txt", None, None, None, None, "waiting", "", 0, None
    )
    assert rows[ROOT, "b.txt"].status == "waiting"
    assert rows[ROOT, "b.txt"].sha256 is None
    assert (rows[ROOT, "e.pdf"].status, rows[ROOT, "e.pdf"].reason) == ("indexing", "")
    assert rows[ROOT, "A.txt"].status == "indexed"
    assert rows["/other", "A.txt"].status == "waiting"
    only = ledger.files(FileQuery(waiting, "e.pdf", status="waiting"))
    assert paths(only) == ["A.txt", "b.txt", "new.txt"]


def test_files_are_counted_by_status(ledger: Ledger) -> None:
    assert ledger.count_files(FileQuery()) == {
        "indexed": FileCount(3, 30),
        "partial": FileCount(1, 10),
        "failed": FileCount(2, 17),
    }
    waiting = [(ROOT, "new.txt"), (ROOT, "b.txt")]
    assert ledger.count_files(FileQuery(waiting))["waiting"] == FileCount(2, 10)
    assert ledger.count_files(FileQuery(name="nowhere")) == {}


def test_a_long_list_with_much_waiting_is_looked_through_in_no_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    n = 10_000
    ledger.put_paths([PathRecord(ROOT, f"{i}.txt", None, 1, 1, 1, (), "-") for i in range(n)])
    waiting = [(ROOT, f"{i}.txt") for i in range(n // 2, n + n // 2)]
    n_steps = 0

    def step() -> None:
        nonlocal n_steps
        n_steps += 1

    # In thousands of SQLite's own instructions, which do not depend on how busy the machine is;
    # by every pair of rows it would be hundreds of times as many.
    with ledger._database.reading() as db:
        db.set_progress_handler(step, 1000)
    counts = ledger.count_files(FileQuery(waiting))
    assert {status: count.n_files for status, count in counts.items()} == {
        "failed": n // 2,
        "waiting": n,
    }
    assert paths(ledger.files(FileQuery(waiting, name="14999"), 200)) == ["14999.txt"]
    assert n_steps < 5000


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (FileQuery(order=FileOrder.STATUS), ["e.pdf", "locked.txt", "A.txt", "b.txt"]),
        (FileQuery(order=FileOrder.KIND), ["locked.txt", "d.pdf", "e.pdf", "A.txt"]),
        (FileQuery(order=FileOrder.SIZE), ["locked.txt", "A.txt", "b.txt", "d.pdf"]),
        (FileQuery(order=FileOrder.SIZE, is_descending=True), ["A.txt", "b.txt", "d.pdf", "e.pdf"]),
        (FileQuery(is_descending=True), ["Über/c.txt", "locked.txt", "e.pdf", "d.pdf"]),
    ],
)
def test_files_are_sorted(ledger: Ledger, query: FileQuery, wanted: list[str]) -> None:
    assert paths(ledger.files(query, 4)) == wanted


def test_files_are_found_and_sorted_by_the_date_of_their_content(ledger: Ledger) -> None:
    put(ledger, "old.txt", date_ns=-9)
    put(ledger, "new.txt", date_ns=7)
    assert paths(ledger.files(FileQuery(order=FileOrder.DATED)))[:2] == ["locked.txt", "old.txt"]
    newest = FileQuery(order=FileOrder.DATED, is_descending=True)
    assert paths(ledger.files(newest))[0] == "new.txt"
    assert paths(ledger.files(FileQuery(dated_from_ns=2))) == ["new.txt"]
    assert paths(ledger.files(FileQuery(dated_before_ns=1))) == ["old.txt"]
    assert paths(ledger.files(FileQuery(dated_from_ns=-9, dated_before_ns=1))) == ["old.txt"]
    assert ledger.count_files(FileQuery(dated_from_ns=2)) == {"indexed": FileCount(1, 10)}
    # What is still to be read tells no date yet.
    waiting = FileQuery({(ROOT, "new.txt")}, dated_from_ns=2)
    assert ledger.files(waiting) == []


def test_files_of_a_folder_and_of_a_root(ledger: Ledger) -> None:
    put(ledger, "Über/in it/f.txt")
    put(ledger, "Übergang.txt")
    ledger.put_paths([PathRecord("/drive", "Über/c.txt", "hash of Über/c.txt", 10, 5, 9)])
    below = ["Über/c.txt", "Über/c.txt", "Über/in it/f.txt"]
    assert paths(ledger.files(FileQuery(folder="Über/"))) == below
    assert paths(ledger.files(FileQuery(root=ROOT, folder="Über/"))) == below[1:]
    assert paths(ledger.files(FileQuery(root="/drive"))) == ["Über/c.txt"]
    assert ledger.count_files(FileQuery(folder="Über/in it/")) == {"indexed": FileCount(1, 10)}
    assert ledger.folders(FileQuery({(ROOT, "new/g.txt")})) == [
        (ROOT, "", 6),
        (ROOT, "new/", 1),
        ("/drive", "Über/", 1),
        (ROOT, "Über/", 1),
        (ROOT, "Über/in it/", 1),
    ]
