"""What is indexed: documents, paths and chunks. See `kb.index.ledger.ledger`."""

from kb.index.ledger.conversations import Conversation, Conversations, ConversationTurn
from kb.index.ledger.damage import REBUILD, examine_ledger
from kb.index.ledger.feedback import MAX_NOTE_CHARS, Feedback, FeedbackReason
from kb.index.ledger.ledger import Ledger
from kb.index.ledger.listing import FileCount, FileOrder, FileQuery, FileRow, FolderCount
from kb.index.ledger.records import (
    Companion,
    DocumentRecord,
    DocumentStatus,
    PathRecord,
    Shared,
    Stale,
    Standing,
)

__all__ = [
    "MAX_NOTE_CHARS",
    "REBUILD",
    "Companion",
    "Conversation",
    "ConversationTurn",
    "Conversations",
    "DocumentRecord",
    "DocumentStatus",
    "Feedback",
    "FeedbackReason",
    "FileCount",
    "FileOrder",
    "FileQuery",
    "FileRow",
    "FolderCount",
    "Ledger",
    "PathRecord",
    "Shared",
    "Stale",
    "Standing",
    "examine_ledger",
]
