from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest

from ingest.clean import clean_text
from ingest.dates import clamp_ns
from ingest.failures import BugLog, ParserBugError, is_of_one_file, of_the_machine, unforeseen
from kb.errors import (
    ConfigError,
    InferenceError,
    KnowledgeBaseError,
    ModelLoadError,
    ParseError,
    StoreError,
    StoreUnavailableError,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("a"), True),
        (TypeError("a"), True),
        (RecursionError(), True),
        (MemoryError(), True),
        (UnicodeDecodeError("utf-8", b"a", 0, 1, "a"), True),
        (FileNotFoundError(errno.ENOENT, "a"), True),
        (OSError("without a number"), True),
        (ParseError("a"), True),
        (StoreError("a"), False),
        (StoreUnavailableError("a"), False),
        (InferenceError("a"), False),
        (ModelLoadError("a"), False),
        (ConfigError("a"), False),
        (KnowledgeBaseError("a"), False),
        (OSError(errno.ENOSPC, "a"), False),
        (OSError(errno.EDQUOT, "a"), False),
        (OSError(errno.EMFILE, "a"), False),
    ],
    ids=repr,
)
def test_the_line_between_one_file_and_all(error: Exception, expected: bool) -> None:
    assert is_of_one_file(error) == expected


def test_what_ends_the_sync_is_an_error_that_is_told() -> None:
    error = StoreError("a")
    assert of_the_machine(error) is error
    told = of_the_machine(OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(told, StoreError)
    assert "free some space" in str(told)


def bug(text: str, source: str = "a.md") -> ParserBugError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return unforeseen(error, source)


def test_a_surprise_is_told_in_a_line_and_survives_the_way_to_another_process() -> None:
    error = bug("bad\n  shape \ud800 " + "x" * 1_000)
    assert "(ValueError: bad shape \ufffd xxx" in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    arrived = pickle.loads(pickle.dumps(error))
    assert (str(arrived), arrived.source, arrived.report) == (str(error), "a.md", error.report)


def test_the_bug_log_holds_what_is_needed_and_is_the_owners(tmp_path: Path) -> None:
    path = tmp_path / "bugs.log"
    log = BugLog(path)
    told = log.told(bug("one", "two\nlines \ud800.md"))
    log.told(bug("another"))
    assert str(path) in told
    assert "report it" in told
    text = path.read_text()
    assert text.count("Traceback") == 2
    assert "file: 'two\\nlines \ufffd.md'" in text
    assert path.stat().st_mode & 0o077 == 0


def test_the_bug_log_does_not_grow_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.failures._MAX_LOG_BYTES", 1_000)
    log = BugLog(tmp_path / "bugs.log")
    for _ in range(50):
        log.told(bug("one"))
    assert (tmp_path / "bugs.log").stat().st_size < 3_000


def test_where_the_bug_log_can_not_be_written_the_failure_is_told_all_the_same(
    tmp_path: Path,
) -> None:
    told = BugLog(tmp_path / "gone" / "bugs.log").told(bug("one"))
    assert "ValueError: one" in told
    assert "report it" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 说明 😀", "plain 说明 😀"),
        ("a\ud83d\ude00b", "a\ufffd\ufffdb"),
        ("\udcff.md", "\ufffd.md"),
        ("", ""),
    ],
)
def test_halves_of_pairs_are_replaced_one_for_one(text: str, expected: str) -> None:
    assert clean_text(text) == expected
    clean_text(text).encode()


@pytest.mark.parametrize("time_ns", [0, -1, 1_700_000_000_000_000_000, -(2**63), 2**63 - 1])
def test_times_that_fit_stay(time_ns: int) -> None:
    assert clamp_ns(time_ns) == time_ns


def test_times_that_do_not_fit_are_the_nearest_that_do() -> None:
    assert clamp_ns(2**63) == 2**63 - 1
    assert clamp_ns(-(2**70)) == -(2**63)
