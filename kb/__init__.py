"""A multimodal knowledge base: what a Python program imports.

The folders that `kb sync` has indexed answer here as they do in the browser::

    from kb import Query, open_knowledge_base

    with open_knowledge_base("data") as knowledge_base:
        for hit in knowledge_base.search(Query("How do I reset it?")).hits:
            print(hit.source, hit.chunk.locator.page)
        answer = knowledge_base.answer(Query("How do I reset it?"))
        print(answer.text)
        for citation in answer.citations:
            print(citation.number, citation.source, citation.locator.page, citation.quote)

While `kb up` serves the same home, its index is the server's: ask it over HTTP instead.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kb.answer.answerer import Answerer
    from kb.answer.conversation import MAX_TURNS, Turn
    from kb.build import (
        answerer_with,
        open_knowledge_base,
        reembed_library,
        reopen,
        use_generator,
    )
    from kb.config import Config, Home
    from kb.config.loading import load_config
    from kb.device.state import ModelState
    from kb.errors import (
        ArchiveError,
        ConfigError,
        IndexMismatchError,
        InferenceError,
        IngestError,
        KnowledgeBaseError,
        ModelError,
        ModelLoadError,
        StoreError,
        StoreInUseError,
        StoreUnavailableError,
    )
    from kb.index.assets import AssetStore
    from kb.index.ledger import (
        MAX_NOTE_CHARS,
        Conversation,
        Conversations,
        ConversationTurn,
        DocumentStatus,
        Feedback,
        FeedbackReason,
        FileOrder,
        FileQuery,
        FileRow,
        FolderCount,
        Ledger,
        PathRecord,
    )
    from kb.index.tables import Table
    from kb.knowledge_base import KnowledgeBase
    from kb.moving.arrive import Imported, import_library
    from kb.moving.backup import Backup, backup_library, verify_backup
    from kb.moving.export import export_library
    from kb.moving.manifest import Manifest
    from kb.protocols import TextDelta
    from kb.reembed import ReembedProgress
    from kb.retrieve.trace import Loss, LostAt, Margin, SearchTrace, TracedHit, TraceStage
    from kb.types import (
        Answer,
        AnswerStatus,
        Chunk,
        Citation,
        EncodedImage,
        Filters,
        Frame,
        Hit,
        Locator,
        Modality,
        Query,
        SearchResult,
    )

__all__ = [
    "MAX_NOTE_CHARS",
    "MAX_TURNS",
    "Answer",
    "AnswerStatus",
    "Answerer",
    "ArchiveError",
    "AssetStore",
    "Backup",
    "Chunk",
    "Citation",
    "Config",
    "ConfigError",
    "Conversation",
    "ConversationTurn",
    "Conversations",
    "DocumentStatus",
    "EncodedImage",
    "Feedback",
    "FeedbackReason",
    "FileOrder",
    "FileQuery",
    "FileRow",
    "Filters",
    "FolderCount",
    "Frame",
    "Hit",
    "Home",
    "Imported",
    "IndexMismatchError",
    "InferenceError",
    "IngestError",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "Ledger",
    "Locator",
    "Loss",
    "LostAt",
    "Manifest",
    "Margin",
    "Modality",
    "ModelError",
    "ModelLoadError",
    "ModelState",
    "PathRecord",
    "Query",
    "ReembedProgress",
    "SearchResult",
    "SearchTrace",
    "StoreError",
    "StoreInUseError",
    "StoreUnavailableError",
    "Table",
    "TextDelta",
    "TraceStage",
    "TracedHit",
    "Turn",
    "answerer_with",
    "backup_library",
    "export_library",
    "import_library",
    "load_config",
    "open_knowledge_base",
    "reembed_library",
    "reopen",
    "use_generator",
    "verify_backup",
]

# Where a name is not of `kb.types`.
_MODULES = {
    "Answerer": "kb.answer.answerer",
    "AssetStore": "kb.index.assets",
    "Backup": "kb.moving.backup",
    "Config": "kb.config",
    "Conversation": "kb.index.ledger",
    "ConversationTurn": "kb.index.ledger",
    "Conversations": "kb.index.ledger",
    "DocumentStatus": "kb.index.ledger",
    "Feedback": "kb.index.ledger",
    "FeedbackReason": "kb.index.ledger",
    "FileOrder": "kb.index.ledger",
    "FileQuery": "kb.index.ledger",
    "FileRow": "kb.index.ledger",
    "FolderCount": "kb.index.ledger",
    "Home": "kb.config",
    "Imported": "kb.moving.arrive",
    "KnowledgeBase": "kb.knowledge_base",
    "Ledger": "kb.index.ledger",
    "Loss": "kb.retrieve.trace",
    "LostAt": "kb.retrieve.trace",
    "Manifest": "kb.moving.manifest",
    "Margin": "kb.retrieve.trace",
    "MAX_NOTE_CHARS": "kb.index.ledger",
    "MAX_TURNS": "kb.answer.conversation",
    "ModelState": "kb.device.state",
    "PathRecord": "kb.index.ledger",
    "ReembedProgress": "kb.reembed",
    "SearchTrace": "kb.retrieve.trace",
    "Table": "kb.index.tables",
    "TextDelta": "kb.protocols",
    "TraceStage": "kb.retrieve.trace",
    "TracedHit": "kb.retrieve.trace",
    "Turn": "kb.answer.conversation",
    "answerer_with": "kb.build",
    "backup_library": "kb.moving.backup",
    "export_library": "kb.moving.export",
    "import_library": "kb.moving.arrive",
    "load_config": "kb.config.loading",
    "open_knowledge_base": "kb.build",
    "reembed_library": "kb.build",
    "reopen": "kb.build",
    "use_generator": "kb.build",
    "verify_backup": "kb.moving.backup",
}


def __getattr__(name: str) -> Any:
    # At their first use: whoever wants `kb.types` alone, as each worker of a sync does, is not
    # to wait for the store and the models.
    if name not in __all__:
        raise AttributeError(f"module 'kb' has no attribute {name!r}")
    module = _MODULES.get(name, "kb.errors" if name.endswith("Error") else "kb.types")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
