"""What `kb status` shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kb import ModelState

__all__ = ["Failure", "Status"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, or not wholly."""

    source: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """What `kb status` shows.

    Attributes:
        n_unindexed: Vectors outside the HNSW graph; they are searched exactly.
        size_bytes: By part of the index: ``ledger``, ``vectors``, ``assets``, ``ocr``.
        alert: What stopped the last sync, or empty.
    """

    profile: str
    profile_note: str
    encoder: str
    models: tuple[ModelState, ...]
    home: Path
    roots: tuple[Path, ...]
    store: str
    chunking: str
    n_files: int
    n_documents: int
    n_chunks: int
    n_unindexed: int
    counts: dict[str, int]
    kinds: dict[str, int]
    size_bytes: dict[str, int]
    failures: tuple[Failure, ...]
    alert: str
