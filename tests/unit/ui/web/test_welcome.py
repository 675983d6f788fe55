from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord
from kb.types import Chunk, Document, Kind, Locator, Modality
from ui.web.welcome import Welcome, as_question, best_question


def chunk(ordinal: int, heading: str, text: str, sha256: str = "a" * 64) -> Chunk:
    return Chunk(
        f"{sha256} {ordinal}",
        sha256,
        ordinal,
        Kind.TEXT,
        Modality.TEXT,
        Locator(page=1),
        text,
        title="Breeze 300",
        headings=(heading,) if heading else (),
    )


@pytest.mark.parametrize(
    ("heading", "title", "question"),
    [
        ("Static electricity", "Field test report", "What does “Static electricity” say?"),
        ("What we repaired", "Release notes", "What does “What we repaired” say?"),
        ("What is in the box", "User manual", "What is in the box?"),
        ("Why does it smell?", "FAQ", "Why does it smell?"),
        ("滤网多久更换？", "常见问题", "滤网多久更换？"),
        ("恢复出厂设置", "使用说明书", "《恢复出厂设置》讲了什么？"),
        ("Wi-Fi", "微风 300 空气净化器使用说明书", "《Wi-Fi》讲了什么？"),
    ],
)
def test_heading_becomes_a_question_in_its_language(
    heading: str, title: str, question: str
) -> None:
    assert as_question(heading, title) == question


def test_a_heading_that_is_a_question_comes_first_then_one_that_its_text_is_about() -> None:
    chunks = [
        chunk(0, "", "Breeze 300"),
        chunk(1, "Contents", "Filter ... 3, Noise ... 4"),
        chunk(2, "Breeze", "Words under the title."),
        chunk(3, "Replacing the filter", "Replace it twice a year. The filter is washed before."),
        chunk(4, "Night mode", "The lamp is off."),
    ]
    assert best_question("Breeze 300", chunks) == "What does “Replacing the filter” say?"
    asked = chunk(5, "How do I clean the sensor?", "The sensor is wiped with a cloth.")
    assert best_question("Breeze 300", [*chunks, asked]) == "How do I clean the sensor?"
    assert best_question("Breeze 300", chunks[:3]) == ""
    assert best_question("Breeze 300", []) == ""


def test_suggestions_come_from_the_ledger_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    for name in ("a", "b"):
        sha256 = name * 64
        chunks = [chunk(0, f"Filter {name}", f"The filter {name} is washed.", sha256)]
        document = Document(sha256, Kind.TEXT, "text/markdown", "Manual", 1, (), 0, 1)
        record = DocumentRecord(document, "f", DocumentStatus.INDEXED)
        ledger.commit([(record, chunks, [PathRecord("/r", f"{name}.md", sha256, 1, 1, 1)])])

    def document_of(sha256: str) -> Document | None:
        record = ledger.record(sha256)
        return record.document if record else None

    # It has no model and no search.
    service = SimpleNamespace(
        kb=SimpleNamespace(ledger=ledger),
        syncer=SimpleNamespace(waiting=frozenset),
        document=document_of,
    )
    html = Welcome(service).html()
    assert "What does “Filter a” say?" in html
    assert "What does “Filter b” say?" in html
    assert "a.md" in html
    ledger.close()
