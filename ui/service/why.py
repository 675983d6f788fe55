"""Why an answer is what it is: its question is searched for once more, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

from kb import DocumentStatus, FileQuery, Loss, LostAt, SearchTrace
from kb.errors import ConfigError
from kb.types import Query
from ui.service.service import Service
from ui.service.turns import Turn

__all__ = ["LostPage", "lost_page", "turn_of"]

_MAX_NAMED = 3
# As many files are looked at to tell which of them is meant.
_MAX_MATCHING = 50


@dataclass(frozen=True, slots=True)
class LostPage:
    """What became of a file, or of a page of it, when a question was asked.

    Attributes:
        source: The file.
        page: The page, from 1; None for the whole file.
        reason: Why it, or a part of it, could not be read; empty where all of it was.
        is_cited: Whether the answer cites it.
    """

    source: str
    page: int | None
    loss: Loss
    trace: SearchTrace
    reason: str = ""
    is_cited: bool = False


def turn_of(service: Service, conversation: str, number: int) -> Turn:
    """A turn of a conversation.

    Raises:
        ConfigError: There is none, or no more.
    """
    turn = service.conversations.turn(conversation, number)
    if turn is None:
        raise ConfigError("There is no such answer, or it has been deleted.")
    return turn


def lost_page(service: Service, turn: Turn, query: Query, name: str, page: int | None) -> LostPage:
    """What became of a page when a question was asked, by the library as it is now.

    Args:
        query: Of the turn.
        name: Of a file, or a part of its path that no other file has.
        page: From 1; None for the whole file.

    Raises:
        ConfigError: No file is called so, or several are, or it has not been read.
        InferenceError: A model failed.
        StoreError: The store failed.
    """
    source, sha256, reason = _file(service, name.strip())
    chunks = service.kb.ledger.chunks_of(sha256)
    of_page = [one for one in chunks if page is None or one.locator.page == page]
    trace = service.kb.trace(query)
    loss = service.kb.loss(trace, of_page)
    is_cited = any(one.chunk_id in loss.chunk_ids for one in turn.citations)
    return LostPage(
        source, page, loss, trace, reason if loss.at is LostAt.NOT_READ else "", is_cited
    )


def _file(service: Service, name: str) -> tuple[str, str, str]:
    """The source, the document and what is amiss of the one file that is called so."""
    query = FileQuery(service.syncer.waiting(), service.progress().current, name=name)
    rows = service.kb.ledger.files(query, _MAX_MATCHING) if name else []
    exact = [row for row in rows if row.path == name]
    rows = exact or [row for row in rows if row.path.rpartition("/")[2] == name] or rows
    if not rows:
        raise ConfigError(f"No file of the library is called “{name}”. Write a part of its name.")
    if len({row.sha256 for row in rows}) > 1:
        some = ", ".join(row.path for row in rows[:_MAX_NAMED])
        raise ConfigError(
            f"{len(rows):,} files or more are called so: {some}. Write more of the one you mean."
        )
    row = rows[0]
    if row.status == DocumentStatus.FAILED:
        raise ConfigError(f"{row.path} was not read: {row.reason}")
    if row.sha256 is None:
        raise ConfigError(f"{row.path} has not been read yet. Ask again when it is indexed.")
    return row.path, row.sha256, row.reason
