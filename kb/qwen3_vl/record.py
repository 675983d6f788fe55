"""``kb-model.json``: what a pull has noted beside a model's files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from kb.qwen3_vl.hubs import Hub, Listing, RemoteFile

__all__ = ["RECORD_NAME", "read_record", "write_record"]

RECORD_NAME = "kb-model.json"


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
    """Note `listing`, wholly or not at all."""
    written = directory / f"{RECORD_NAME}.new"
    written.write_text(json.dumps(asdict(listing), indent=2) + "\n", "utf-8")
    written.replace(directory / RECORD_NAME)
