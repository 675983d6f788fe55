"""Conversations in the ledger's file."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_damage import half, not_a_database, zeroed_chunks, zeroed_schema

from kb.errors import ConfigError, IndexMismatchError, StoreError
from kb.index.ledger import Conversations, Feedback, Ledger
from kb.index.ledger.conversations import MAX_TITLE_CHARS, salvage_conversations


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    made = Ledger(path)
    yield made
    made.close()


@pytest.fixture
def kept(ledger: Ledger) -> Conversations:
    return ledger.conversations


def begin(kept: Conversations, *questions: str, title: str = "") -> str:
    made, _ = kept.begin_turn(None, questions[0], title or questions[0])
    for question in questions[1:]:
        kept.begin_turn(made, question, "")
    return made


def titles(kept: Conversations, text: str = "") -> list[str]:
    return [one.title for one in kept.find(text)]


def test_turns_are_there_again_after_a_restart(kept: Conversations, path: Path) -> None:
    made, number = kept.begin_turn(None, "How loud?", "How loud?")
    assert number == 1
    kept.save_turn(made, number, "40 dB [1]", '{"number": 1}')
    assert kept.begin_turn(made, "And how heavy?", "no title")[1] == 2
    again = Ledger(path)
    first, second = again.conversations.turns(made)
    assert first[:4] == (1, "How loud?", "40 dB [1]", '{"number": 1}')
    assert second[:4] == (2, "And how heavy?", "", "")
    assert first.asked_ns <= second.asked_ns
    assert again.conversations.turns(made, n_last=1) == [second]
    assert again.conversations.turn(made, 1) == first
    assert again.conversations.turn(made, 3) is None
    found = again.conversations.get(made)
    assert found is not None
    assert (found.title, found.n_turns, found.is_pinned) == ("How loud?", 2, False)
    assert (found.created_ns, found.changed_ns) == (first.asked_ns, second.asked_ns)
    again.close()


def test_ids_are_not_to_be_guessed(kept: Conversations) -> None:
    made = [begin(kept, "x") for _ in range(50)]
    assert len(set(made)) == 50
    assert all(re.fullmatch("[A-Za-z0-9_-]{22}", one) for one in made)


def test_those_asked_last_stand_first_and_pinned_ones_above_them(kept: Conversations) -> None:
    one, two, three = (begin(kept, title) for title in ("one", "two", "three"))
    assert titles(kept) == ["three", "two", "one"]
    kept.begin_turn(one, "more", "")
    assert titles(kept) == ["one", "three", "two"]
    kept.pin(two, is_pinned=True)
    assert titles(kept) == ["two", "one", "three"]
    kept.pin(two, is_pinned=False)
    kept.rename(three, "  trois \n fois ")
    assert titles(kept) == ["one", "trois fois", "two"]
    assert [one.title for one in kept.find(limit=1, offset=1)] == ["trois fois"]


def test_words_are_found_in_titles_questions_and_answers(kept: Conversations) -> None:
    pump = begin(kept, "How loud is the Pumpe?", "怎么清洗？", title="Geräusch")
    kept.save_turn(pump, 2, "用水冲洗。100% (not_all)", "{}")
    begin(kept, "How heavy is the lamp?")
    for text in ("GERÄUSCH", "pumpe loud", "清洗", "冲洗 pumpe", "100%", "_"):
        assert titles(kept, text) == ["Geräusch"], text
    assert titles(kept, "how") == ["How heavy is the lamp?", "Geräusch"]
    assert titles(kept, "lamp pumpe") == []
    assert titles(kept, "%") == ["Geräusch"]
    assert titles(kept, "' OR 1 --") == []


def test_what_was_deleted_can_be_restored_until_it_is_purged(kept: Conversations) -> None:
    made = begin(kept, "x")
    kept.delete(made)
    assert (kept.get(made), kept.turns(made), kept.find()) == (None, [], [])
    assert kept.turn(made, 1) is None
    for change in (
        lambda: kept.delete(made),
        lambda: kept.rename(made, "y"),
        lambda: kept.pin(made, is_pinned=True),
        lambda: kept.begin_turn(made, "y", ""),
    ):
        with pytest.raises(ConfigError, match="no such conversation"):
            change()
    kept.restore(made)
    assert [turn.question for turn in kept.turns(made)] == ["x"]
    kept.delete(made)
    kept.purge(time.time_ns())
    with pytest.raises(ConfigError, match="no such conversation"):
        kept.restore(made)
    # An answer that comes later is not kept.
    kept.save_turn(made, 1, "late", "{}")
    assert kept.turns(made) == []


def test_what_is_there_is_not_purged(kept: Conversations) -> None:
    made = begin(kept, "x")
    kept.purge(time.time_ns() + 10**9)
    assert len(kept.turns(made)) == 1


def test_a_title_is_a_line(kept: Conversations) -> None:
    made = begin(kept, "x", title="a\nb " + "c" * 1000)
    (found,) = kept.find()
    assert found.title.startswith("a b c")
    assert len(found.title) == MAX_TITLE_CHARS
    with pytest.raises(ConfigError, match="needs a title"):
        kept.rename(made, " \n ")


def test_two_pages_that_ask_at_once_lose_nothing(kept: Conversations, path: Path) -> None:
    made = begin(kept, "first")
    other = Ledger(path)

    def ask(where: Conversations, name: str) -> None:
        for n in range(20):
            _, number = where.begin_turn(made, f"{name} {n}", "")
            where.save_turn(made, number, f"{name} {n}", "")

    threads = [
        threading.Thread(target=ask, args=(where, name))
        for where, name in ((kept, "a"), (other.conversations, "b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns = kept.turns(made)
    other.close()
    assert [turn.number for turn in turns] == list(range(1, 42))
    assert all(turn.question == turn.answer for turn in turns[1:])
    assert {turn.question for turn in turns[1:]} == {f"{n} {i}" for n in "ab" for i in range(20)}


def test_they_are_kept_while_other_vectors_answer(path: Path) -> None:
    def refuse() -> None:
        raise IndexMismatchError("others")

    ledger = Ledger(path)
    ledger.may_write = refuse
    with pytest.raises(IndexMismatchError):
        ledger.add_roots([Path("/root")])
    assert ledger.conversations.get(begin(ledger.conversations, "x")) is not None
    ledger.close()


def test_a_ledger_of_before_conversations_gets_their_place(ledger: Ledger, path: Path) -> None:
    ledger.add_roots([Path("/root")])
    ledger.close()
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE conversations")
        db.execute("DROP TABLE turns")
        db.execute("DROP TABLE feedback")
        db.execute("PRAGMA user_version = 4")
    db.close()
    assert salvage_conversations(path) == ([], [], [])
    again = Ledger(path)
    assert again.conversations.find() == []
    assert begin(again.conversations, "x")
    again.close()


class TestSalvage:
    def test_all_of_a_sound_ledger_go_over(self, ledger: Ledger, path: Path) -> None:
        kept = ledger.conversations
        made = begin(kept, "one", "two")
        gone = begin(kept, "gone")
        kept.save_turn(made, 1, "answer", "{}")
        kept.feedback.give(made, 2, Feedback(is_good=False, note="no"))
        kept.delete(gone)
        other = Ledger(path.with_name("other.sqlite3"))
        other.conversations.put(salvage_conversations(path))
        assert other.conversations.find() == kept.find()
        assert other.conversations.turns(made) == kept.turns(made)
        assert other.conversations.feedback.of(made) == kept.feedback.of(made) != {}
        other.conversations.restore(gone)
        assert other.conversations.get(gone) is not None
        other.close()

    def test_damage_elsewhere_takes_none_away(self, ledger: Ledger, path: Path) -> None:
        made = begin(ledger.conversations, "one", "two")
        ledger.close()
        zeroed_chunks(path)
        saved = salvage_conversations(path)
        assert [row[0] for row in saved.conversations] == [made]
        assert [row[2] for row in saved.turns] == ["one", "two"]

    @pytest.mark.parametrize("damage", [half, zeroed_schema, not_a_database])
    def test_of_a_damaged_one_as_much_as_can_be_read(
        self, ledger: Ledger, path: Path, damage: Callable[[Path], None]
    ) -> None:
        made = {begin(ledger.conversations, f"question {n} " * 20) for n in range(200)}
        ledger.close()
        damage(path)
        saved = salvage_conversations(path)
        other = Ledger(path.with_name("other.sqlite3"))
        other.conversations.put(saved)
        found = other.conversations.find(limit=1000)
        other.close()
        assert {one.id for one in found} == {row[0] for row in saved.conversations} <= made


def test_a_closed_ledger_says_so(ledger: Ledger) -> None:
    ledger.close()
    with pytest.raises(StoreError, match="closed"):
        ledger.conversations.find()
