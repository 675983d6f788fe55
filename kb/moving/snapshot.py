"""What of a home travels, as it is at one moment, while `kb up` may go on writing."""

from __future__ import annotations

import importlib.metadata
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kb.config import Config, Home
from kb.config.loading import own_settings
from kb.errors import StoreError
from kb.files import size_bytes
from kb.index.ledger.damage import ERRORS, damaged, find_damage, told
from kb.index.ledger.schema import SCHEMA_VERSION, bring_up_to_date
from kb.moving.manifest import FORMAT, LEDGER, SETTINGS, Manifest
from kb.moving.settings import without_secrets
from kb.moving.vectors import copy_vectors

__all__ = ["Item", "Snapshot", "take_snapshot"]

_LINK = "a link that leads out of the library"
_NAME = "its name is not valid Unicode"


@dataclass(frozen=True, slots=True)
class Item:
    """A file that travels: `name` in the archive, now at `path`."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that travels.

    Attributes:
        manifest: Whole but for its members.
        items: In the order in which they are written.
        n_bytes: Of all items, about.
    """

    manifest: Manifest
    items: tuple[Item, ...]
    n_bytes: int


def take_snapshot(home: Home, config: Config, work: Path, *, with_vectors: bool) -> Snapshot:
    """Copy what changes while it is read (ledger, vectors, settings) to `work`, an empty folder,
    and list all that travels. The ledger is copied first: what it names is there when its turn
    comes, or is made anew by the next sync.

    Raises:
        StoreError: The ledger is damaged, the vectors are being written, or the disk is full.
        ConfigError: ``kb.yaml`` is not YAML.
    """
    left_out: dict[str, str] = {}
    items: list[Item] = []
    version, n_documents, n_conversations = 0, 0, 0
    outside: tuple[str, ...] = ()
    try:
        if home.ledger.exists():
            copy = work / "ledger.sqlite3"
            version, n_documents, n_conversations, roots = _copy_ledger(home.ledger, copy)
            outside = tuple(root for root in roots if root != str(home.library))
            items.append(Item(LEDGER, copy))
        identity = None
        if with_vectors and n_documents:
            identity = copy_vectors(home, config, work / "qdrant")
        items += _below(work / "qdrant", "index/qdrant", left_out)
        for name in ("claims.json", "index/words.txt", "index/remote_encoder.json"):
            if size_bytes(home.path / name) is not None:
                items.append(Item(name, home.path / name))
        if settings := own_settings(home):
            text, secrets = without_secrets(settings)
            left_out |= dict.fromkeys((f"{SETTINGS}: {name}" for name in secrets), "a secret")
            (work / SETTINGS).write_text(text, "utf-8")
            items.append(Item(SETTINGS, work / SETTINGS))
        items += _below(home.assets, "index/assets", left_out)
        for name in ("ocr", "speech"):
            items += _below(home.index / name, f"index/{name}", left_out)
        items += _below(home.library, "library", left_out, may_lead_out=config.ingest.follow_links)
    except OSError as error:
        raise StoreError(f"{home.path} could not be copied: {error}.") from error
    manifest = Manifest(
        format=FORMAT,
        program=importlib.metadata.version("multimodal-kb"),
        made_ns=time.time_ns(),
        home=str(home.path),
        library=str(home.library),
        profile=home.noted_profile(),
        ledger_version=version,
        n_documents=n_documents,
        n_conversations=n_conversations,
        identity=identity,
        outside=outside,
        left_out=left_out,
        members=(),
    )
    return Snapshot(manifest, tuple(items), sum(size_bytes(item.path) or 0 for item in items))


def _copy_ledger(source: Path, target: Path) -> tuple[int, int, int, list[str]]:
    """Its version, how many documents and conversations it has, and its roots."""
    try:
        with (
            closing(sqlite3.connect(source, timeout=30.0)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("BEGIN")
            version = bring_up_to_date(new, target)
            new.commit()
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"The ledger {source} has version {version}, this program knows up to "
                    f"{SCHEMA_VERSION}. Update the program.",
                    collection=str(source),
                )
            if found := next(find_damage(new, thorough=False), None):
                raise damaged(source, found)
            (n_documents,) = new.execute("SELECT count(*) FROM documents").fetchone()
            (n_conversations,) = new.execute(
                "SELECT count(*) FROM conversations WHERE deleted_ns IS NULL"
            ).fetchone()
            roots = new.execute("SELECT root FROM roots UNION SELECT root FROM paths").fetchall()
            # One file, which a reader may look at without writing beside it.
            new.execute("PRAGMA journal_mode = DELETE")
    except ERRORS as error:
        raise told(error, source) or error from error
    return SCHEMA_VERSION, n_documents, n_conversations, [root for (root,) in roots]


def _below(
    folder: Path, name: str, left_out: dict[str, str], *, may_lead_out: bool = False
) -> Iterator[Item]:
    """Files below a folder, those that links lead to among them, where they lie inside."""
    inside = folder.resolve()
    for place, folders, names in os.walk(folder):
        folders.sort()
        prefix = Path(place).relative_to(folder).as_posix()
        prefix = name if prefix == "." else f"{name}/{prefix}"
        for file in sorted(names):
            path = Path(place, file)
            full = f"{prefix}/{file}"
            if file.startswith(".") and file.endswith((".tmp", ".part")):
                continue  # is being written now
            if not _is_unicode(full):
                left_out[full.encode("utf-8", "backslashreplace").decode()] = _NAME
            elif path.is_symlink() and not (may_lead_out or path.resolve().is_relative_to(inside)):
                left_out[full] = _LINK
            elif path.is_file():
                yield Item(full, path)
        for one in folders:
            if Path(place, one).is_symlink():
                left_out[f"{prefix}/{one}"] = "a link to a folder"


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
