"""Folders and files that are their owner's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from kb.config import Home

__all__ = ["make_private", "private_file", "private_folder"]

# What a home holds by itself. A folder with anything else in it is not the project's to close.
_OWN_NAMES: Final = frozenset(
    {"library", "index", "models", "samples", "trash", "kb.yaml", "claims.json", "tokens.json"}
    | {"pdf_passwords.json", "server_keys.json", ".gitignore", ".DS_Store"}
)


def make_private(home: Home) -> None:
    """Make the folders of `home`, readable by their owner alone; close those that are there, and
    the ledger. The user's own files (``kb.yaml``, what lies in the library) stay as they are."""
    is_new = not home.path.exists()
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_new or _is_own(home):
        _close(home.path, 0o700)
    for folder in (home.library, home.index, home.assets):
        private_folder(folder)
    if home.models.parent == home.path:
        _close(home.models, 0o700)


def private_folder(path: Path) -> None:
    """Make a folder that its owner alone may enter, or close one that is there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close(path, 0o700)


def private_file(path: Path) -> None:
    """Make an empty file that its owner alone may read, or close one that is there."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        # Not opened: closing it again would drop the locks that SQLite has on it in this process.
        _close(path, 0o600)


def _is_own(home: Home) -> bool:
    """Whether a folder serves as a home and as nothing else: no project, no ``/tmp``."""
    try:
        return home.index.is_dir() and {path.name for path in home.path.iterdir()} <= _OWN_NAMES
    except OSError:
        return False


def _close(path: Path, mode: int) -> None:
    """Take everybody else's permissions from `path`. What belongs to somebody else is left, and
    what a link leads to, which may be a folder that others work in."""
    if os.name == "nt":
        return
    try:
        about = path.lstat()
    except OSError:
        return
    is_link = stat.S_ISLNK(about.st_mode)
    if not is_link and about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) & 0o077:
        path.chmod(mode)
