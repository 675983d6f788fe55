"""Conversations as the page keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb import Ledger
from kb.errors import StoreError
from kb.types import AnswerStatus, Citation, Locator
from ui.service.kept import KeptConversations, title_of
from ui.service.turns import Stage, Turn

CITED = Citation(1, "c", "pump.md", Locator(page=2), "40 dB")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite3")
    yield made
    made.close()


@pytest.fixture
def kept(ledger: Ledger) -> KeptConversations:
    return KeptConversations(ledger)


def ask(kept: KeptConversations, talk: str, question: str, answer: str = "40 dB [1]") -> str:
    turn = Turn(1, question)
    talk = kept.begin(talk, turn)
    turn.text, turn.citations, turn.status = answer, [CITED], AnswerStatus.ANSWERED
    turn.stage = Stage.WHOLE
    kept.save(talk, turn)
    return talk


def test_a_turn_is_there_as_it_was_when_the_server_is_started_again(
    kept: KeptConversations, ledger: Ledger
) -> None:
    talk = ask(kept, "", "How loud is the pump?")
    assert ask(kept, talk, "And how heavy?", "9 kg") == talk
    first, second = KeptConversations(ledger).turns(talk)
    assert (first.number, first.question, first.text) == (1, "How loud is the pump?", "40 dB [1]")
    assert first.citations == [CITED]
    assert (second.number, second.stage) == (2, Stage.WHOLE)
    # A follow-up goes on from it as from one that was asked just now.
    assert first.earlier.query == "How loud is the pump?"
    assert [one.source for one in first.earlier.citations] == ["pump.md"]


def test_a_question_that_is_being_asked_is_kept_before_its_answer(
    kept: KeptConversations, ledger: Ledger
) -> None:
    turn = Turn(9, "How loud?")
    talk = kept.begin("", turn)
    assert turn.number == 1
    assert kept.is_running(talk, 1)
    (seen,) = kept.turns(talk)
    assert (seen.question, seen.stage) == ("How loud?", Stage.RUNNING)
    # The server was killed meanwhile.
    assert not KeptConversations(ledger).is_running(talk, 1)
    turn.stage = Stage.STOPPED
    kept.save(talk, turn)
    assert not kept.is_running(talk, 1)


def test_a_question_into_a_deleted_conversation_begins_another(kept: KeptConversations) -> None:
    talk = ask(kept, "", "How loud?")
    kept.delete(talk)
    other = ask(kept, talk, "How heavy?")
    assert other != talk
    assert [turn.question for turn in kept.turns(other)] == ["How heavy?"]
    kept.restore(talk)
    assert {one.title for one in kept.find()} == {"How loud?", "How heavy?"}


def test_an_answer_that_can_t_be_kept_is_no_error_of_who_reads_it(
    kept: KeptConversations, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    turn = Turn(1, "How loud?")
    talk = kept.begin("", turn)
    ledger.close()
    turn.stage = Stage.WHOLE
    kept.save(talk, turn)
    assert "could not be kept" in caplog.text
    with pytest.raises(StoreError):
        kept.begin(talk, Turn(1, "And?"))


def test_only_the_last_turns_are_opened(kept: KeptConversations) -> None:
    talk = ask(kept, "", "0")
    for n in range(1, 60):
        ask(kept, talk, str(n))
    assert [turn.number for turn in kept.turns(talk)] == list(range(11, 61))
    assert len(kept.turns(talk, n_last=None)) == 60


def test_a_turn_of_another_version_keeps_question_and_answer(
    kept: KeptConversations, ledger: Ledger
) -> None:
    talk = ask(kept, "", "How loud?")
    ledger.conversations.save_turn(talk, 1, "40 dB", '{"version": 7}')
    (turn,) = kept.turns(talk)
    assert (turn.question, turn.text, turn.stage) == ("How loud?", "40 dB", Stage.WHOLE)


@pytest.mark.parametrize(
    ("question", "names", "title"),
    [
        ("How loud\n is it?", (), "How loud is it?"),
        ("", ("a.png", "b.mp4"), "a.png, b.mp4"),
        ("", (), "Question"),
        ("word " * 40, (), "word " * 15 + "word…"),
        ("怎么恢复出厂设置" * 20, (), "怎么恢复出厂设置" * 10 + "…"),
    ],
)
def test_a_title_is_the_first_question_in_a_line(
    question: str, names: tuple[str, ...], title: str
) -> None:
    assert title_of(Turn(1, question, attachments=names)) == title
