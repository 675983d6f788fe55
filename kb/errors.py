"""Every error the project raises on purpose.

A message says what failed, what was expected and found, and what to do next. Errors of
third-party code are raised ``from`` at the boundary. Only `IngestError` is caught per
file; anything that is not a `KnowledgeBaseError` is a bug and is meant to be seen.

::

    KnowledgeBaseError
    ├── ConfigError
    │   └── MassDeleteError
    ├── IngestError(source, locator)
    │   ├── UnsupportedMediaError
    │   ├── SourceTooLargeError
    │   ├── SourceUnavailableError
    │   ├── ParseError
    │   └── ParseTimeoutError
    ├── ModelError(model_id)
    │   ├── ModelLoadError
    │   └── InferenceError
    ├── StoreError(collection)
    │   ├── StoreUnavailableError
    │   ├── StoreInUseError
    │   └── IndexMismatchError
    ├── ArchiveError
    └── PromptTooLongError
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kb.masking import masked

if TYPE_CHECKING:
    from kb.types import Locator, SourceOutcome

__all__ = [
    "ArchiveError",
    "ConfigError",
    "IndexMismatchError",
    "InferenceError",
    "IngestError",
    "KnowledgeBaseError",
    "MassDeleteError",
    "ModelError",
    "ModelLoadError",
    "ParseError",
    "ParseTimeoutError",
    "PromptTooLongError",
    "SourceTooLargeError",
    "SourceUnavailableError",
    "StoreError",
    "StoreInUseError",
    "StoreUnavailableError",
    "UnsupportedMediaError",
]


class KnowledgeBaseError(Exception):
    """Base of every error the project raises on purpose. Its message shows no secrets, whatever
    third-party words went into it."""

    def __str__(self) -> str:
        return masked(super().__str__())


class ConfigError(KnowledgeBaseError):
    """A profile, an option or a request is not one the project accepts."""


class MassDeleteError(ConfigError):
    """A root is missing, or more than half of it would be removed: somebody has to decide.

    Attributes:
        lost: The files that would leave the index, as ``(root, path)``.
        changes: What the sync would do, by source; what stays as it is is left out.
    """

    def __init__(
        self,
        message: str,
        lost: frozenset[tuple[str, str]] = frozenset(),
        changes: tuple[SourceOutcome, ...] = (),
    ) -> None:
        super().__init__(message)
        self.lost = lost
        self.changes = changes


class IngestError(KnowledgeBaseError):
    """One file could not be read; the others go on.

    Args:
        message: What failed and what to do next.
        source: The file, relative to its root.
        locator: The place in the file, where the parser knows it.
    """

    def __init__(
        self, message: str, *, source: str | None = None, locator: Locator | None = None
    ) -> None:
        super().__init__(message)
        self.source = source
        self.locator = locator

    def __reduce__(self) -> tuple[object, ...]:
        # Parsers run in worker processes: keyword-only arguments must survive pickling.
        return (_rebuild_ingest_error, (type(self), str(self), self.source, self.locator))


def _rebuild_ingest_error(
    kind: type[IngestError], message: str, source: str | None, locator: Locator | None
) -> IngestError:
    return kind(message, source=source, locator=locator)


class UnsupportedMediaError(IngestError):
    """No parser reads this kind of file."""


class SourceTooLargeError(IngestError):
    """The file, or what it unpacks to, is over a cap."""


class SourceUnavailableError(IngestError):
    """The file can't be read: it vanished, is locked, or permission is missing."""


class ParseError(IngestError):
    """The file is damaged, encrypted, or not what its name says."""


class ParseTimeoutError(IngestError):
    """Parsing went over its time or memory limit and was stopped."""


class ModelError(KnowledgeBaseError):
    """A model failed.

    Args:
        message: What failed and what to do next.
        model_id: The model's name or directory.
    """

    def __init__(self, message: str, *, model_id: str | None = None) -> None:
        super().__init__(message)
        self.model_id = model_id


class ModelLoadError(ModelError):
    """A model is missing, damaged, or not the one that was asked for."""


class InferenceError(ModelError):
    """A loaded model failed on an input.

    Args:
        message: What failed and what to do next.
        model_id: The model's name or directory.
        items: Where several inputs were given and the others can be computed without them:
            by index, what is wrong with each.
    """

    def __init__(
        self,
        message: str,
        *,
        model_id: str | None = None,
        items: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(message, model_id=model_id)
        self.items: dict[int, str] = dict(items or {})


class StoreError(KnowledgeBaseError):
    """The vector store failed.

    Args:
        message: What failed and what to do next.
        collection: The collection's name, or the shard's directory.
    """

    def __init__(self, message: str, *, collection: str | None = None) -> None:
        super().__init__(message)
        self.collection = collection


class StoreUnavailableError(StoreError):
    """The store can't be reached or opened."""


class StoreInUseError(StoreError):
    """Another process has the embedded store open."""


class IndexMismatchError(StoreError):
    """The store was written by another encoder than the one that is configured."""


class ArchiveError(KnowledgeBaseError):
    """An export or a backup is damaged, of a newer version, or can't be written or taken in."""


class PromptTooLongError(KnowledgeBaseError):
    """A question is longer than the model's context."""
