"""Conversations as the page asks in them: begun, saved turn by turn, and opened again."""

from __future__ import annotations

import logging
import threading
import time

from kb import Conversation, ConversationTurn, Feedback, Ledger
from kb.errors import ConfigError, StoreError
from ui.service.turns import Stage, Turn, read_turn

__all__ = ["N_SHOWN", "KeptConversations", "title_of"]

N_SHOWN = 50
"""So many turns of a conversation are opened, the last ones."""

_N_LISTED = 200
_TITLE_CHARS = 80
# A deletion can be taken back for so long.
_UNDO_S = 3600.0
_log = logging.getLogger(__name__)


class KeptConversations:
    """The conversations of a ledger.

    Args:
        ledger: Where they are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._kept = ledger.conversations
        self._running: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def begin(self, conversation_id: str, turn: Turn) -> str:
        """Keep that a question is being asked, and give its turn a number; returns the
        conversation's id, another one where the one that is meant was deleted meanwhile.

        Args:
            conversation_id: Empty begins a conversation.

        Raises:
            StoreError: It can't be kept.
        """
        title = title_of(turn)
        try:
            kept_in, turn.number = self._kept.begin_turn(
                conversation_id or None, turn.question, title
            )
        except ConfigError:
            kept_in, turn.number = self._kept.begin_turn(None, turn.question, title)
        with self._lock:
            self._running.add((kept_in, turn.number))
        self.save(kept_in, turn)
        return kept_in

    def save(self, conversation_id: str, turn: Turn) -> None:
        """Keep a turn as it is now. That the disk is full, say, takes no answer from who reads it:
        the log tells of it."""
        if turn.stage is not Stage.RUNNING:
            with self._lock:
                self._running.discard((conversation_id, turn.number))
        try:
            self._kept.save_turn(conversation_id, turn.number, turn.text, turn.record())
        except StoreError:
            _log.exception("An answer could not be kept")

    def is_running(self, conversation_id: str, number: int) -> bool:
        """Whether a turn is being answered now."""
        return (conversation_id, number) in self._running

    def get(self, conversation_id: str) -> Conversation | None:
        """A conversation; None where there is none, or no more."""
        return self._kept.get(conversation_id)

    def turns(self, conversation_id: str, n_last: int | None = N_SHOWN) -> list[Turn]:
        """The turns of a conversation, in order; none where there is no such conversation."""
        said = self._kept.feedback.of(conversation_id)
        return [
            _turn(one, said.get(one.number)) for one in self._kept.turns(conversation_id, n_last)
        ]

    def turn(self, conversation_id: str, number: int) -> Turn | None:
        """A turn of a conversation; None where there is none, or no more."""
        kept = self._kept.turn(conversation_id, number)
        if kept is None:
            return None
        return _turn(kept, self._kept.feedback.of(conversation_id).get(number))

    def rate(self, conversation_id: str, number: int, feedback: Feedback | None) -> None:
        """Keep what is said of an answer; None takes it back.

        Raises:
            ConfigError: There is no such answer, or no more.
        """
        if feedback is None:
            self._kept.feedback.take_back(conversation_id, number)
        else:
            self._kept.feedback.give(conversation_id, number, feedback)

    def rated(self) -> list[tuple[str, Turn]]:
        """Every turn of whose answer something was said, and the conversation it is in, in the
        order in which that was said."""
        rated = self._kept.feedback.turns()
        turns = {
            (talk, turn.number): turn
            for talk in dict.fromkeys(talk for talk, _ in rated)
            for turn in self.turns(talk, n_last=None)
        }
        return [(talk, turns[talk, number]) for talk, number in rated if (talk, number) in turns]

    def find(self, text: str = "", limit: int = _N_LISTED, offset: int = 0) -> list[Conversation]:
        """Those that a list shows, best first; see `Conversations.find`."""
        return self._kept.find(text, limit, offset)

    def rename(self, conversation_id: str, title: str) -> None:
        """See `Conversations.rename`."""
        self._kept.rename(conversation_id, title)

    def pin(self, conversation_id: str, *, is_pinned: bool) -> None:
        """See `Conversations.pin`."""
        self._kept.pin(conversation_id, is_pinned=is_pinned)

    def delete(self, conversation_id: str) -> None:
        """Delete a conversation, and for good those that were deleted an hour ago.

        Raises:
            ConfigError: There is no such conversation.
        """
        self._kept.purge(time.time_ns() - int(_UNDO_S * 1e9))
        self._kept.delete(conversation_id)

    def restore(self, conversation_id: str) -> None:
        """See `Conversations.restore`."""
        self._kept.restore(conversation_id)


def title_of(turn: Turn) -> str:
    """What a conversation that begins with a turn is called: its question in a line, else the
    names of what it was asked with."""
    words = " ".join(turn.question.split()) or ", ".join(turn.attachments) or "Question"
    if len(words) <= _TITLE_CHARS:
        return words
    head, space, _ = words[: _TITLE_CHARS + 1].rpartition(" ")
    # Chinese has no spaces to break at.
    is_most = space and len(head) > _TITLE_CHARS // 2
    return f"{head if is_most else words[:_TITLE_CHARS]}…"


def _turn(kept: ConversationTurn, feedback: Feedback | None) -> Turn:
    turn = read_turn(kept.body)
    if turn is None:
        stage = Stage.WHOLE if kept.answer else Stage.RUNNING
        turn = Turn(kept.number, kept.question, text=kept.answer, stage=stage)
    turn.number = kept.number
    turn.feedback = feedback
    return turn
