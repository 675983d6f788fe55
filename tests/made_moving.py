"""A home with a library and no index: what most tests of exports and backups need."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kb.config import Config, Home
from kb.moving.arrive import Imported, import_library
from kb.moving.export import export_library
from kb.moving.manifest import MANIFEST, Manifest

__all__ = ["FILES", "export", "files_of", "made_home", "rewritten", "take_in"]

FILES = {
    "pump.md": b"# Pump\n\nIt hums.\n",
    "sub/\u6c34\u6cf5 \u00e9.txt": b"x" * 100_000,
    "empty.txt": b"",
}
"""Of the library, by path."""


def made_home(path: Path) -> Home:
    home = Home(path)
    for name, content in FILES.items():
        file = home.library / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        # Older than the clock's grain, and finer than a zip file tells times.
        os.utime(file, ns=(1_700_000_000_123_456_700, 1_700_000_000_123_456_700))
    return home


def export(home: Home, target: Path) -> Manifest:
    return export_library(home, Config(), target, with_vectors=True, listen=_nobody)


def take_in(home: Home, path: Path, *, is_tried: bool = False) -> Imported:
    return import_library(home, path, None, is_tried=is_tried, listen=_nobody)


def files_of(home: Home) -> dict[str, bytes]:
    """Of the library, by path."""
    return {
        path.relative_to(home.library).as_posix(): path.read_bytes()
        for path in home.library.rglob("*")
        if path.is_file()
    }


def rewritten(
    source: Path,
    target: Path,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    members: Mapping[str, bytes | None] | None = None,
) -> Path:
    """A copy of an export with another manifest, and with other members; None for one that is
    left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        held: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
        manifest = json.loads(held.pop(MANIFEST) or b"")
        change(manifest)
        held |= members or {}
        for name, content in held.items():
            if content is not None:
                new.writestr(name, content)
        new.writestr(MANIFEST, json.dumps(manifest))
    return target


def _nobody(_doing: str, _n_done: int, _n_total: int) -> None:
    pass
