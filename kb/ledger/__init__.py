"""What is indexed: documents, paths and chunks. See `kb.ledger.ledger`."""

from kb.ledger.damage import REBUILD, examine_ledger
from kb.ledger.ledger import Ledger
from kb.ledger.listing import FileCount, FileQuery, FileRow
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
    "REBUILD",
    "Companion",
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
