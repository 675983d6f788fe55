"""What people say of answers: whether one was right, and why not."""

from __future__ import annotations

import sqlite3
import time
from enum import StrEnum
from typing import NamedTuple

from kb.errors import ConfigError
from kb.index.ledger.database import Database

__all__ = ["FEEDBACK_COLUMNS", "MAX_NOTE_CHARS", "Feedback", "FeedbackReason", "FeedbackTable"]

MAX_NOTE_CHARS = 2_000
"""What is longer is cut."""

FEEDBACK_COLUMNS = "conversation_id, number, is_good, reason, note, given_ns"


class FeedbackReason(StrEnum):
    """What is amiss with an answer.

    WRONG: it says what is not so. INCOMPLETE: something is left out. WRONG_SOURCE: what it cites
    does not say it. NOT_IN_FILES: no file says it, so that there should be no answer.
    IN_FILES: some file says it, though no answer was found.
    """

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    WRONG_SOURCE = "wrong_source"
    NOT_IN_FILES = "not_in_files"
    IN_FILES = "in_files"


class Feedback(NamedTuple):
    """What somebody said of an answer.

    Attributes:
        is_good: Thumbs up.
        reason: Of thumbs down, where one was chosen.
        note: In words; `MAX_NOTE_CHARS` at most.
    """

    is_good: bool
    reason: FeedbackReason | None = None
    note: str = ""


class FeedbackTable:
    """Feedback by turn, one each. Safe to use from several threads and processes.

    Every method raises StoreError where the ledger can't be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, conversation_id: str, number: int, feedback: Feedback) -> None:
        """Keep what was said of a turn, in place of what was said of it before.

        Raises:
            ConfigError: There is no such turn, or what is good has a reason why it is not.
        """
        if feedback.is_good and feedback.reason is not None:
            raise ConfigError("A good answer has no reason why it is not. Leave the reason out.")
        with self._database.transaction(of_index=False) as db:
            self._require_turn(db, conversation_id, number)
            db.execute(
                f"INSERT OR REPLACE INTO feedback ({FEEDBACK_COLUMNS}) "  # noqa: S608
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    conversation_id,
                    number,
                    int(feedback.is_good),
                    feedback.reason or "",
                    feedback.note.strip()[:MAX_NOTE_CHARS],
                    time.time_ns(),
                ),
            )

    def take_back(self, conversation_id: str, number: int) -> None:
        """Forget what was said of a turn; nothing happens where nothing was.

        Raises:
            ConfigError: There is no such turn.
        """
        with self._database.transaction(of_index=False) as db:
            self._require_turn(db, conversation_id, number)
            db.execute(
                "DELETE FROM feedback WHERE conversation_id = ? AND number = ?",
                (conversation_id, number),
            )

    def of(self, conversation_id: str) -> dict[int, Feedback]:
        """What was said of the turns of a conversation, by their numbers."""
        rows = self._database.rows(
            "SELECT number, is_good, reason, note FROM feedback WHERE conversation_id = ?",
            (conversation_id,),
        )
        return {int(row[0]): _feedback(*row[1:]) for row in rows}

    def turns(self) -> list[tuple[str, int]]:
        """Conversation and number of every turn that has some, in the order in which it was
        given; of no conversation that was deleted."""
        rows = self._database.rows(
            "SELECT conversation_id, number FROM feedback WHERE conversation_id IN "
            "(SELECT id FROM conversations WHERE deleted_ns IS NULL) "
            "ORDER BY given_ns, conversation_id, number"
        )
        return [(str(row[0]), int(row[1])) for row in rows]

    @staticmethod
    def _require_turn(db: sqlite3.Connection, conversation_id: str, number: int) -> None:
        found = db.execute(
            "SELECT 1 FROM turns WHERE number = ? AND conversation_id = "
            "(SELECT id FROM conversations WHERE id = ? AND deleted_ns IS NULL)",
            (number, conversation_id),
        ).fetchone()
        if found is None:
            raise ConfigError("There is no such answer, or it has been deleted.")


def _feedback(is_good: int, reason: str, note: str) -> Feedback:
    known = reason in FeedbackReason.__members__.values()
    return Feedback(bool(is_good), FeedbackReason(reason) if known else None, str(note))
