from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from kb.text.markdown import escape_markdown
from ui.cli.display import (
    plain,
    print_citations,
    print_claims,
    print_evaluation,
    print_results,
    print_status,
    print_sync,
)
from ui.cli.doctor import print_findings
from ui.cli.options import print_json, say
from ui.cli.progress import SyncDisplay
from ui.logs import MaskSecrets
from ui.printable import printable

# Colour, title, clipboard, one byte's CSI, a line over the last one, and turned writing.
ORDERS = (
    "em\x1b[31mpty\x1b]0;t\x07\x1b]52;c;eA==\x1b\\\x9b2J\r\x08\x7f\x85"
    "\u202efdp.md\u2066\u2028\ud800"
)
FORBIDDEN = set(ORDERS) - set(printable(ORDERS)) | {"\x1b"}
STATUS: dict[str, Any] = {
    **dict.fromkeys(("profile", "profile_note", "home", "store", "chunking", "alert"), ORDERS),
    "roots": [ORDERS],
    "models": [],
    "counts": {},
    "size_bytes": {},
    "kinds": {ORDERS: 1},
    "n_files": 1,
    "n_chunks": 1,
    "n_unindexed": 0,
    "failures": [{"status": "failed", "source": ORDERS, "reason": ORDERS}],
}
PLACE = {"source": ORDERS, "modality": "text", "page": 1}
SHOWN: list[Callable[[], None]] = [
    lambda: print_status(STATUS),
    lambda: print_sync(
        {
            "files": [{"outcome": "failed", "source": ORDERS, "reason": ORDERS}],
            "counts": {},
            "total_time_ms": 1.0,
        },
        dry_run=False,
    ),
    lambda: print_results(
        {
            "results": [{"rank": 1, "metadata": PLACE, "rerank_score": 1.0, "content": ORDERS}],
            "total_time_ms": 1.0,
        }
    ),
    lambda: print_citations({"citations": [PLACE | {"number": 1}]}),
    lambda: print_claims(
        {
            "claims": [{"weak": True, "citations": [1], "score": 0.1, "text": ORDERS}],
            "check_error": ORDERS,
        }
    ),
    lambda: print_evaluation({ORDERS: ORDERS}),
    lambda: print_findings(
        {
            "ledger": [],
            "files_to_sync": [ORDERS],
            **dict.fromkeys(("points_without_chunk", "chunks_without_point"), 0),
            **dict.fromkeys(("documents_without_pictures", "pictures_without_chunk"), 0),
            "repaired": False,
            "is_sound": True,
        }
    ),
    lambda: print_findings({"ledger": [ORDERS]}),
    lambda: say(ORDERS),
    lambda: print_json({ORDERS: [ORDERS]}),
]


@pytest.mark.parametrize("show", SHOWN, ids=range(len(SHOWN)))
def test_no_name_gives_the_terminal_an_order(
    show: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    show()
    said = "".join(capsys.readouterr())
    assert not FORBIDDEN.intersection(said)
    assert "em" in said
    assert "fdp.md" in said


def test_a_progress_bar_gives_the_terminal_no_order() -> None:
    display = SyncDisplay()
    display.show(
        {"stage": "read", "rate_per_s": 0, "eta_s": None, "n_done": 1, "n_total": 2}
        | {"current": ORDERS}
    )
    assert not FORBIDDEN.intersection(display._bar.tasks[0].fields["current"])


def test_a_log_gives_the_terminal_no_order() -> None:
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "%s failed", (ORDERS,), None)
    assert MaskSecrets().filter(record)
    assert not FORBIDDEN.intersection(record.getMessage())


def test_json_for_a_terminal_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"source": ORDERS, "n": 1, "text": "手册 ü\n"})
    said = capsys.readouterr().out
    assert json.loads(said) == {"source": ORDERS, "n": 1, "text": "手册 ü\n"}
    assert "手册 ü" in said


def test_what_is_no_order_stays_as_it_is() -> None:
    text = "手册\tmanuel é 👩‍💻 [7] C:\\dir\nعربي"
    assert printable(text) == text
    assert printable("one\r\ntwo\rthree") == "one\ntwo\\x0dthree"
    assert printable("em\x1b[31mpty\u202e") == "em\\x1b[31mpty\\u202e"


def test_a_terminal_shows_marks_as_they_were_written() -> None:
    for text in ("1. Open the lid.", "**bold** [7] <b> a_b C:\\dir |x| # - + !", "如何？ 100%"):
        assert plain(escape_markdown(text)) == text
    assert plain("one  \ntwo") == "one\ntwo"
