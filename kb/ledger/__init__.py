"""What is indexed: documents, paths and chunks. See `kb.ledger.ledger`."""

from kb.ledger.ledger import Ledger
from kb.ledger.records import (
    Companion,
    DocumentRecord,
    DocumentStatus,
    PathRecord,
    Shared,
    Stale,
    Standing,
)

__all__ = [
    "Companion",
    "DocumentRecord",
    "DocumentStatus",
    "Ledger",
    "PathRecord",
    "Shared",
    "Stale",
    "Standing",
]
