"""``kb-model.json``: what a pull has noted beside a model's files."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kb.files import write_whole
from kb.hub.listing import Hub, Listing, RemoteFile

__all__ = [
    "PULL_LOCK",
    "RECORD_NAME",
    "note_damaged",
    "read_damaged",
    "read_record",
    "write_record",
]

RECORD_NAME = "kb-model.json"
PULL_LOCK = ".kb-pull.lock"  # held by what writes the record
_DAMAGED = "damaged"


def read_record(directory: Path) -> Listing | None:
    """The files that the pull into `directory` has pinned; None where there is no readable
    record: it vouches for nothing then, and a pull asks the hub again."""
    try:
        record = json.loads((directory / RECORD_NAME).read_text("utf-8"))
        files = tuple(RemoteFile(**file) for file in record["files"])
        return Listing(Hub(record["hub"]), record["repository"], record["revision"], files)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(directory: Path, listing: Listing) -> None:
    """Note `listing`, wholly or not at all; what was noted as damaged is forgotten."""
    _write(directory, asdict(listing))


def read_damaged(directory: Path) -> frozenset[str]:
    """Paths of the files in which `note_damaged` has noted damage."""
    try:
        record = json.loads((directory / RECORD_NAME).read_text("utf-8"))
        return frozenset(record.get(_DAMAGED, ()))
    except (OSError, ValueError, AttributeError, TypeError):
        return frozenset()


def note_damaged(directory: Path, paths: Collection[str]) -> None:
    """Note beside the record which of its files have other content than it says. Until the next
    pull the model counts as incomplete."""
    record = json.loads((directory / RECORD_NAME).read_text("utf-8"))
    record.pop(_DAMAGED, None)
    _write(directory, {**record, _DAMAGED: sorted(paths)} if paths else record)


def _write(directory: Path, record: dict[str, Any]) -> None:
    # Whoever may read the model may read what is known of it.
    write_whole(directory / RECORD_NAME, json.dumps(record, indent=2) + "\n", mode=0o666)
