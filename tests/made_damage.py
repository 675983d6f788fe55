"""Ledgers damaged in ways that disks, copies and other programs do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

PAGE = 4096


def pages_of(path: Path, table: str) -> list[int]:
    """The numbers of the pages that a table takes, from 1; its root is among them."""
    with sqlite3.connect(path) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        (n_pages,) = db.execute("PRAGMA page_count").fetchone()
    db.close()
    data = path.read_bytes()
    if data[(root - 1) * PAGE] == 0x05:  # an interior page: its children are the leaves
        n_cells = int.from_bytes(data[(root - 1) * PAGE + 3 : (root - 1) * PAGE + 5], "big")
        at = (root - 1) * PAGE
        cells = [
            int.from_bytes(data[at + 12 + 2 * i : at + 14 + 2 * i], "big") for i in range(n_cells)
        ]
        leaves = [int.from_bytes(data[at + cell : at + cell + 4], "big") for cell in cells]
        return [page for page in leaves if 0 < page <= n_pages]
    return [root]


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def zeroed_chunks(path: Path) -> None:
    for page in pages_of(path, "chunks"):
        overwrite(path, (page - 1) * PAGE, b"\0" * PAGE)


def garbled_chunks(path: Path) -> None:
    for page in pages_of(path, "chunks"):
        overwrite(path, (page - 1) * PAGE, bytes(range(7, 250)) * 10)


def zeroed_paths(path: Path) -> None:
    (page,) = pages_of(path, "paths")
    overwrite(path, (page - 1) * PAGE, b"\0" * PAGE)


def zeroed_schema(path: Path) -> None:
    overwrite(path, 100, b"\0" * 400)


def half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 // PAGE * PAGE])


def broken_bodies(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE chunks SET body = substr(body, 1, 40)")
    db.close()


def not_utf8(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE chunks SET body = CAST(replace(body, 'flies', x'fffe') AS TEXT)")
    db.close()


def not_a_database(path: Path) -> None:
    path.write_bytes(b"This is a letter to the editor.\n" * 400)


def other_schema(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE chunks RENAME COLUMN body TO content")
    db.close()


def no_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 0")
    db.close()


DAMAGES: list[Callable[[Path], None]] = [
    zeroed_chunks,
    garbled_chunks,
    zeroed_paths,
    zeroed_schema,
    half,
    broken_bodies,
    not_utf8,
    not_a_database,
    other_schema,
    no_version,
]
