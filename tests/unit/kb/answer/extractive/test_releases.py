"""What a release changed, asked for by its version."""

from __future__ import annotations

import pytest

from kb.answer.extractive.releases import release_notes
from kb.types import Chunk, Hit, Kind, Locator, Modality

NOTES = """v3.2.0: The list of ports can be sorted.
v3.2.1: The horn no longer sounds twice.
v3.3.1: Charts open faster."""
CHANGELOG = """## [2.1.0] - 2024-05-02

### Added

- Export as CSV.

### Fixed

- Names with an apostrophe.

## [2.0.9] - 2024-01-15

- Nothing but translations."""
RULES = """3.2.1 Crews may not use the buoy before noon.

3.2.2 They may after."""
CHINESE = """3.2.1 版
新增夜间模式。
3.2.0 版
修复登录错误。"""


def hit(text: str, title: str = "notes", headings: tuple[str, ...] = ()) -> Hit:
    chunk = Chunk(
        "1", "1", 0, Kind.TEXT, Modality.TEXT, Locator(), text, title=title, headings=headings
    )
    return Hit(chunk, "notes.md")


@pytest.mark.parametrize(
    ("question", "text", "said"),
    [
        ("What changed in version 3.2.1?", NOTES, "v3.2.1: The horn no longer sounds twice."),
        ("what's new in v3.2.1", NOTES, "v3.2.1: The horn no longer sounds twice."),
        ("Release notes for 3.3.1", NOTES, "v3.3.1: Charts open faster."),
        ("What did release 3.2.0 add?", NOTES, "v3.2.0: The list of ports can be sorted."),
        ("What was fixed in 2.1.0?", CHANGELOG, CHANGELOG.split("\n\n## [2.0.9]")[0]),
        ("What changed in 2.0.9?", CHANGELOG, CHANGELOG[CHANGELOG.index("## [2.0.9]") :]),
        ("3.2.1 版更新了什么？", CHINESE, "3.2.1 版\n新增夜间模式。"),
        ("版本 3.2.0 改了什么", CHINESE, "3.2.0 版\n修复登录错误。"),
    ],
)
def test_its_notes_are_found(question: str, text: str, said: str) -> None:
    part = release_notes(question, [hit(RULES), hit(text)])
    assert part is not None
    assert (part.hit_index, text[part.start : part.end]) == (1, said)


def test_a_bare_number_heads_a_release_where_the_document_tells_of_releases() -> None:
    text = "3.2.1\n\nThe horn no longer sounds twice."
    assert release_notes("What changed in 3.2.1?", [hit(text, "House rules")]) is None
    assert release_notes("What changed in 3.2.1?", [hit(text, "Changelog")]) is not None


def test_what_stands_under_the_heading_of_a_release_is_its_notes() -> None:
    text = "The horn no longer sounds twice.\n\nCharts open faster."
    part = release_notes("What changed in version 3.2.1?", [hit(text, headings=("Version 3.2.1",))])
    assert part is not None
    assert text[part.start : part.end] == text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What changed in version 3.2?", NOTES),
        ("What changed in version 3.2.9?", NOTES),
        ("What changed in version 3.2.1?", RULES),
        ("What changed in the rota of version 3.2.1 for crews?", NOTES),
        ("What does clause 3.2.1 say?", NOTES),
    ],
)
def test_another_version_and_a_clause_are_no_release(question: str, text: str) -> None:
    assert release_notes(question, [hit(text)]) is None
