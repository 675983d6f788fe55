"""What is said of answers, in the ledger's file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kb.errors import ConfigError
from kb.index.ledger import Conversations, Feedback, FeedbackReason, Ledger
from kb.index.ledger.feedback import MAX_NOTE_CHARS

BAD = Feedback(is_good=False, reason=FeedbackReason.WRONG, note="It is 41 dB.")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite3")
    yield made
    made.close()


@pytest.fixture
def kept(ledger: Ledger) -> Conversations:
    return ledger.conversations


def begin(kept: Conversations) -> str:
    return kept.begin_turn(None, "How loud?", "How loud?")[0]


def test_the_last_word_of_an_answer_holds(kept: Conversations) -> None:
    talk = begin(kept)
    kept.feedback.give(talk, 1, Feedback(is_good=True))
    kept.feedback.give(talk, 1, BAD)
    assert kept.feedback.of(talk) == {1: BAD}
    kept.feedback.take_back(talk, 1)
    kept.feedback.take_back(talk, 1)
    assert kept.feedback.of(talk) == {}


def test_there_is_none_of_what_is_not_there(kept: Conversations) -> None:
    talk = begin(kept)
    for where, number in ((talk, 2), ("x" * 22, 1)):
        with pytest.raises(ConfigError, match="no such answer"):
            kept.feedback.give(where, number, BAD)
        with pytest.raises(ConfigError, match="no such answer"):
            kept.feedback.take_back(where, number)
    with pytest.raises(ConfigError, match="has no reason"):
        kept.feedback.give(talk, 1, Feedback(is_good=True, reason=FeedbackReason.WRONG))


def test_it_goes_with_its_conversation(kept: Conversations) -> None:
    talk, other = begin(kept), begin(kept)
    kept.feedback.give(other, 1, BAD)
    kept.feedback.give(talk, 1, BAD)
    assert kept.feedback.turns() == [(other, 1), (talk, 1)]
    kept.delete(talk)
    assert kept.feedback.turns() == [(other, 1)]
    kept.restore(talk)
    assert kept.feedback.of(talk) == {1: BAD}
    kept.delete(talk)
    kept.purge(time.time_ns() + 1)
    assert kept.feedback.of(talk) == {}
    assert kept.feedback.turns() == [(other, 1)]


def test_long_words_are_cut_and_a_reason_of_another_version_is_none(
    kept: Conversations, tmp_path: Path
) -> None:
    talk = begin(kept)
    kept.feedback.give(talk, 1, Feedback(is_good=False, note=" x" * MAX_NOTE_CHARS))
    assert len(kept.feedback.of(talk)[1].note) == MAX_NOTE_CHARS
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as db, db:
        db.execute("UPDATE feedback SET reason = 'too_long'")
    assert kept.feedback.of(talk)[1].reason is None
