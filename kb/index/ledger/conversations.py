"""Conversations: kept in the ledger's file, though nothing of the index hangs on them.

They are the only rows that can't be made anew from the library, so whoever forgets a ledger takes
them along: see `salvage_conversations`.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kb.errors import ConfigError
from kb.index.ledger.damage import ERRORS
from kb.index.ledger.database import Database
from kb.index.ledger.feedback import FEEDBACK_COLUMNS, FeedbackTable

__all__ = [
    "MAX_TITLE_CHARS",
    "Conversation",
    "ConversationTurn",
    "Conversations",
    "SavedConversations",
    "salvage_conversations",
]

MAX_TITLE_CHARS = 200
"""What is longer is cut."""

# 128 bits: an address that was not given to somebody is not found by trying.
_ID_BYTES = 16
_MAX_WORDS = 20
_LISTED = (
    "SELECT id, title, is_pinned, created_ns, changed_ns, "
    "(SELECT count(*) FROM turns WHERE conversation_id = id) FROM conversations "
    "WHERE deleted_ns IS NULL"
)
_CONVERSATION_COLUMNS = "id, title, is_pinned, created_ns, changed_ns, deleted_ns"
_TURN_COLUMNS = "conversation_id, number, question, answer, body, asked_ns"
_TURNS_OF = (
    "SELECT number, question, answer, body, asked_ns FROM turns "
    "WHERE conversation_id = (SELECT id FROM conversations WHERE id = ? AND deleted_ns IS NULL)"
)
# The columns' kinds, but for the last one of conversations, which may be null.
_TABLES: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("conversations", _CONVERSATION_COLUMNS, (str, str, int, int, int)),
    ("turns", _TURN_COLUMNS, (str, int, str, str, str, int)),
    ("feedback", FEEDBACK_COLUMNS, (str, int, int, str, str, int)),
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as a list shows it.

    Attributes:
        id: Of letters, digits, ``-`` and ``_``; not to be guessed.
        title: One line, `MAX_TITLE_CHARS` at most.
        created_ns: When its first question was asked, nanoseconds since the epoch.
        changed_ns: When its last question was asked.
    """

    id: str
    title: str
    is_pinned: bool
    created_ns: int
    changed_ns: int
    n_turns: int


class ConversationTurn(NamedTuple):
    """A question and what came of it.

    Attributes:
        number: From 1, in order.
        question: As it was typed.
        answer: Markdown; empty while it is being answered, and where it could not be.
        body: All of it, in a form of who saved it; empty where it was never saved.
        asked_ns: Nanoseconds since the epoch.
    """

    number: int
    question: str
    answer: str
    body: str
    asked_ns: int


class SavedConversations(NamedTuple):
    """Rows of the tables, as `Conversations.put` takes them."""

    conversations: list[tuple[object, ...]]
    turns: list[tuple[object, ...]]
    feedback: list[tuple[object, ...]]


class Conversations:
    """The conversations of a ledger. Safe to use from several threads and processes.

    Attributes:
        feedback: What was said of their answers.

    Every method raises StoreError where the ledger can't be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.feedback = FeedbackTable(database)

    def begin_turn(self, conversation_id: str | None, question: str, title: str) -> tuple[str, int]:
        """Note that `question` is being asked; returns the conversation's id and the turn's number.

        Args:
            conversation_id: None begins a conversation.
            title: Of a conversation that begins.

        Raises:
            ConfigError: There is no such conversation, or no more.
        """
        now_ns = time.time_ns()
        with self._database.transaction(of_index=False) as db:
            if conversation_id is None:
                conversation_id = secrets.token_urlsafe(_ID_BYTES)
                db.execute(
                    f"INSERT INTO conversations ({_CONVERSATION_COLUMNS}) "  # noqa: S608
                    "VALUES (?, ?, 0, ?, ?, NULL)",
                    (conversation_id, _line(title), now_ns, now_ns),
                )
            else:
                self._change(db, "changed_ns = ?", now_ns, conversation_id)
            (number,) = db.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM turns WHERE conversation_id = ?",
                (conversation_id,),
            ).fetchone()
            db.execute(
                f"INSERT INTO turns ({_TURN_COLUMNS}) VALUES (?, ?, ?, '', '', ?)",  # noqa: S608
                (conversation_id, number, question, now_ns),
            )
        return conversation_id, number

    def save_turn(self, conversation_id: str, number: int, answer: str, body: str) -> None:
        """Keep what came of a question that was begun. Nothing is kept of a conversation that was
        deleted for good meanwhile."""
        with self._database.transaction(of_index=False) as db:
            db.execute(
                "UPDATE turns SET answer = ?, body = ? WHERE conversation_id = ? AND number = ?",
                (answer, body, conversation_id, number),
            )

    def get(self, conversation_id: str) -> Conversation | None:
        """A conversation; None where there is none, or it was deleted."""
        row = self._database.row(f"{_LISTED} AND id = ?", (conversation_id,))
        return None if row is None else _conversation(row)

    def turns(self, conversation_id: str, n_last: int | None = None) -> list[ConversationTurn]:
        """The turns of a conversation, in order; none where it was deleted.

        Args:
            n_last: So many of the last ones at most; None for all.
        """
        rows = self._database.rows(
            f"{_TURNS_OF} ORDER BY number DESC LIMIT ?",
            (conversation_id, -1 if n_last is None else n_last),
        )
        return [ConversationTurn(*row) for row in reversed(rows)]

    def turn(self, conversation_id: str, number: int) -> ConversationTurn | None:
        """A turn of a conversation; None where there is none, or it was deleted."""
        row = self._database.row(f"{_TURNS_OF} AND number = ?", (conversation_id, number))
        return None if row is None else ConversationTurn(*row)

    def find(self, text: str = "", limit: int = 100, offset: int = 0) -> list[Conversation]:
        """Conversations, those that are pinned first, then by when they were last asked in.

        Args:
            text: Words that must all stand in its title, or in one of its questions or answers;
                case aside.
        """
        words = text.casefold().split()[:_MAX_WORDS]
        holds = (
            " AND (instr(casefold(title), ?) OR EXISTS (SELECT 1 FROM turns WHERE "
            "conversation_id = id AND (instr(casefold(question), ?) "
            "OR instr(casefold(answer), ?))))"
        )
        rows = self._database.rows(
            f"{_LISTED}{holds * len(words)} ORDER BY is_pinned DESC, changed_ns DESC, id "
            "LIMIT ? OFFSET ?",
            (*(word for word in words for _ in range(3)), limit, offset),
        )
        return [_conversation(row) for row in rows]

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title.

        Raises:
            ConfigError: The title is empty, or there is no such conversation.
        """
        line = _line(title)
        if not line:
            raise ConfigError("A conversation needs a title. Write at least one character.")
        with self._database.transaction(of_index=False) as db:
            self._change(db, "title = ?", line, conversation_id)

    def pin(self, conversation_id: str, *, is_pinned: bool) -> None:
        """Have a conversation stand above the others, or no more.

        Raises:
            ConfigError: There is no such conversation.
        """
        with self._database.transaction(of_index=False) as db:
            self._change(db, "is_pinned = ?", int(is_pinned), conversation_id)

    def delete(self, conversation_id: str) -> None:
        """Delete a conversation. It can be restored until `purge` is called.

        Raises:
            ConfigError: There is no such conversation.
        """
        with self._database.transaction(of_index=False) as db:
            self._change(db, "deleted_ns = ?", time.time_ns(), conversation_id)

    def restore(self, conversation_id: str) -> None:
        """Take a deletion back.

        Raises:
            ConfigError: It was deleted for good, or never was there.
        """
        with self._database.transaction(of_index=False) as db:
            changed = db.execute(
                "UPDATE conversations SET deleted_ns = NULL WHERE id = ?", (conversation_id,)
            )
            if not changed.rowcount:
                raise _none_such()

    def purge(self, before_ns: int) -> None:
        """Delete for good what was deleted before a time, nanoseconds since the epoch."""
        with self._database.transaction(of_index=False) as db:
            for table in ("turns", "feedback"):
                db.execute(
                    f"DELETE FROM {table} WHERE conversation_id IN "  # noqa: S608
                    "(SELECT id FROM conversations WHERE deleted_ns < ?)",
                    (before_ns,),
                )
            db.execute("DELETE FROM conversations WHERE deleted_ns < ?", (before_ns,))

    def put(self, saved: SavedConversations) -> None:
        """Add rows that were saved from another ledger."""
        with self._database.transaction(of_index=False) as db:
            for (table, columns, _), rows in zip(_TABLES, saved, strict=True):
                db.executemany(
                    f"INSERT OR IGNORE INTO {table} ({columns}) "  # noqa: S608
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    rows,
                )

    @staticmethod
    def _change(db: sqlite3.Connection, what: str, value: object, conversation_id: str) -> None:
        changed = db.execute(
            f"UPDATE conversations SET {what} WHERE id = ? AND deleted_ns IS NULL",  # noqa: S608
            (value, conversation_id),
        )
        if not changed.rowcount:
            raise _none_such()


def salvage_conversations(path: Path) -> SavedConversations:
    """The conversations of a ledger, as far as they can still be read; none where there is no
    ledger, or one of before conversations."""
    saved = SavedConversations([], [], [])
    if not path.exists():
        return saved
    try:
        db = sqlite3.connect(path)
    except ERRORS:
        return saved
    try:
        for (table, columns, kinds), rows in zip(_TABLES, saved, strict=True):
            try:
                for row in db.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
                    if all(map(isinstance, row, kinds)):
                        rows.append(row)
            except ERRORS:
                continue
    finally:
        db.close()
    return saved


def _conversation(row: Sequence[object]) -> Conversation:
    conversation_id, title, is_pinned, created_ns, changed_ns, n_turns = row
    return Conversation(
        str(conversation_id),
        str(title),
        bool(is_pinned),
        int(str(created_ns)),
        int(str(changed_ns)),
        int(str(n_turns)),
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:MAX_TITLE_CHARS].strip()


def _none_such() -> ConfigError:
    return ConfigError(
        "There is no such conversation, or it has been deleted. Choose another, or begin a new one."
    )
