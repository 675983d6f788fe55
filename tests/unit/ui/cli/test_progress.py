"""Bars on a terminal, lines in a log, on stderr both."""

from __future__ import annotations

import pytest

from ui.cli.progress import BytesDisplay, ProgressBar, SyncDisplay

LOOK = {"stage": "read", "n_done": 3, "n_total": 12, "rate_per_s": 2.0, "eta_s": 4.5}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 120 columns, as Rich understands it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_log_holds_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("Embedding") as bar:
        bar.at(1, 2)
    with SyncDisplay() as display:
        display.show(LOOK | {"current": "a.pdf"})
    assert capsys.readouterr() == ("", "")


def test_a_log_holds_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with BytesDisplay(1000) as display:
        for _ in range(40):
            display.show("model [1].safetensors", 25)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert [line.split()[0] for line in lines] == [str(n) for n in range(10, 101, 10)]
    assert all(line.endswith("model [1].safetensors") for line in lines)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("Embedding") as bar:
        bar.at(30, 1_200)
    with SyncDisplay() as display:
        display.show(LOOK | {"current": "notes [draft].pdf"})
        display.show({"stage": "unknown"})
    with SyncDisplay() as display:
        display.show(LOOK | {"current": "talk.mp3", "heard_s": 3725.0})
    with BytesDisplay(4_000_000) as loading:
        loading.show("a" * 40 + ".safetensors", 1_000_000)
    out, err = capsys.readouterr()
    assert out == ""
    for said in ("Embedding", "30/1200", "Reading", "3/12", "2.0/s", "left", "notes [draft].pdf"):
        assert said in err
    assert "talk.mp3, heard to 1:02:05" in err
    assert "1.0/4.0 MB" in err
    assert "…" + "a" * 19 + ".safetensors" in err
