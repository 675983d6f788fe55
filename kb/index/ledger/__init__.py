"""What is indexed: documents, paths and chunks. See `kb.index.ledger.ledger`."""

from kb.index.ledger.conversations import Conversation, Conversations, ConversationTurn
from kb.index.ledger.damage import REBUILD, examine_ledger
from kb.index.ledger.ledger import Ledger
from kb.index.ledger.listing import FileCount, FileQuery, FileRow
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
    "REBUILD",
    "Companion",
    "Conversation",
    "ConversationTurn",
    "Conversations",
    "DocumentRecord",
    "DocumentStatus",
    "FileCount",
    "FileQuery",
    "FileRow",
    "Ledger",
    "PathRecord",
    "Shared",
    "Stale",
    "Standing",
    "examine_ledger",
]
