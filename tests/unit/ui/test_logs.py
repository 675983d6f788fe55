from __future__ import annotations

import contextvars
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from ui.cli.options import say
from ui.logs import LogFormat, log_as, mask_logs
from ui.request_id import enter_request

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


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, which is left as it was found."""
    root = logging.getLogger()
    handlers, ours = root.handlers[:], [logging.getLogger(name) for name in ("kb", "ingest", "ui")]
    levels = [one.level for one in ours]
    yield root
    root.handlers[:] = handlers
    for one, level in zip(ours, levels, strict=True):
        one.setLevel(level)


def logged(capsys: pytest.CaptureFixture[str], form: LogFormat) -> str:
    """What a warning, a bug and a word to the person are in the log, within a request."""

    def log() -> None:
        enter_request("client-chosen.1")
        logger = logging.getLogger("ui.test_logs")
        logger.warning("at %s", f"http://me:{SECRET}@host", extra={"path": f"/?token={SECRET}"})
        logger.debug("not told")
        try:
            raise ValueError("a\nb\x1b[31m")
        except ValueError:
            logger.exception("It failed")
        say("Ready")

    log_as(form)
    contextvars.copy_context().run(log)
    return capsys.readouterr().err


@pytest.mark.usefixtures("root")
def test_lines_for_programs_are_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    text = logged(capsys, LogFormat.JSON)
    assert SECRET not in text
    warning, bug, word = map(json.loads, text.splitlines())
    assert (warning["level"], warning["logger"]) == ("warning", "ui.test_logs")
    assert (warning["message"], warning["path"]) == ("at http://***@host", "/?token=***")
    assert warning["request_id"] == bug["request_id"] == "client-chosen.1"
    assert bug["exception"].startswith("Traceback")
    assert "\x1b" not in text
    assert (word["level"], word["message"]) == ("info", "Ready")


@pytest.mark.usefixtures("root")
def test_lines_for_people_name_the_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    first, *_, last = logged(capsys, LogFormat.TEXT).splitlines()
    assert first == "WARNING: at http://***@host (request client-chosen.1)"
    assert last == "Ready"
