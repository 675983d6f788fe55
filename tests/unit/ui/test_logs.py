from __future__ import annotations

import io
import logging
import sys

import pytest

from ui.logs import mask_logs

SECRET = "s3cr3t-Pa55"


def test_logs_and_tracebacks_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    log = logging.getLogger("kb.test_logs")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    log.addHandler(handler)
    try:
        mask_logs()
        log.error("refused by %s", f"http://me:{SECRET}@host")
        try:
            raise ValueError(f"api_key={SECRET}")
        except ValueError:
            log.exception("It failed with %d%%", 5)
    finally:
        log.removeHandler(handler)
    assert SECRET not in written.getvalue()
    assert "It failed with 5%" in written.getvalue()
    assert "ValueError: api_key=***" in written.getvalue()


def test_a_bug_that_ends_the_process_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    mask_logs()
    error = ValueError(f"http://me:{SECRET}@host")
    sys.excepthook(ValueError, error, None)
    assert capsys.readouterr().err == "ValueError: http://***@host\n"
