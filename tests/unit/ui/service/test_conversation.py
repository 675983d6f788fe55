"""Earlier questions as programs and files give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb.errors import ConfigError, PromptTooLongError
from kb.index.ledger import Ledger
from ui.service.conversation import (
    MAX_TURNS,
    make_turns,
    parse_turns,
    read_conversation,
    turn_json,
)

ANSWER = {
    "query": "And how much is it?",
    "understood": "How much is the pump?",
    "answer": "9 EUR [1]",
    "status": "answered",
    "citations": [{"id": "1", "source": "a/pump.csv", "quote": "9"}],
    "results": [{"rank": 1}],
}


def test_what_is_printed_is_taken(tmp_path: Path) -> None:
    turns = parse_turns(json.dumps([ANSWER, {"query": "thanks"}]))
    first, second = make_turns(turns, Ledger(tmp_path / "ledger.sqlite3"))
    assert (first.question, first.answer, first.titles) == (
        "How much is the pump?",
        "9 EUR [1]",
        ("pump",),
    )
    assert second.question == "thanks"


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"text": "no query"}]', '[{"query": 5}]', "[" * 10_000]
)
def test_what_is_no_conversation_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="earlier questions are not accepted"):
        parse_turns(text)


def test_limits_are_told() -> None:
    with pytest.raises(PromptTooLongError, match="51 earlier questions, over the limit of 50"):
        parse_turns(json.dumps([{"query": "q"}] * (MAX_TURNS + 1)))
    with pytest.raises(ConfigError, match="at most 100000 characters"):
        parse_turns(json.dumps([{"query": "q" * 100_001}]))


def test_a_file_keeps_a_conversation(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    assert read_conversation(path) == "[]"
    path.write_text(turn_json(ANSWER) * 30, "utf-8")
    turns = parse_turns(read_conversation(path))
    assert len(turns) == 10
    assert turns[-1].understood == "How much is the pump?"


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text('{"query": "one"}\nnot json\n', "utf-8")
    with pytest.raises(ConfigError, match=r"Line 2 of .* is no earlier question"):
        read_conversation(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="can't be read"):
        read_conversation(path)
    with path.open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(ConfigError, match="over the limit"):
        read_conversation(path)
