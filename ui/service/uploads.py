"""Files that come in: their names made safe, their bytes put into the library whole."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import secrets
import shutil
import threading
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ingest.scan import UNFINISHED
from kb.errors import ConfigError
from kb.files import sync_folder

__all__ = [
    "add_file",
    "name_free",
    "require_not_ignored",
    "safe_name",
    "sweep_unfinished",
    "take_name",
]

_MAX_NAME_BYTES = 200
# Longer than any that is known: what follows such a dot is no suffix.
_MAX_SUFFIX_BYTES = 32
# Names that Windows gives to devices, whatever the suffix.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=$|[. ])", re.I)
_NOT_ON_WINDOWS = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL}
)
# Where two names can't be told apart by the file system, by us: one process owns a library.
_naming = threading.Lock()


def add_file(library: Path, name: str, content: Path | BinaryIO, ignore: Sequence[str] = ()) -> str:
    """Copy `content` into the library under `name`, made safe and unique.

    The file appears under its name at once and whole, and is on the disk when this returns.
    Several at a time, of one name too, each get a name of their own.

    Args:
        ignore: Patterns of names that a sync passes over.

    Returns:
        The source: its path relative to the library.

    Raises:
        ConfigError: A sync would pass over such a name, or it can't be saved.
    """
    safe = safe_name(name)
    require_not_ignored(safe, ignore)
    temporary: Path | None = None
    try:
        library.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No sync looks at such a name.
        temporary = library / UNFINISHED.replace("*", secrets.token_hex(16))
        with open(temporary, "xb", opener=_owners) as target:
            if isinstance(content, Path):
                with content.open("rb") as file:
                    shutil.copyfileobj(file, target, 1 << 20)
            else:
                shutil.copyfileobj(content, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        kept = name_free(temporary, library / safe)
        sync_folder(library)
    except OSError as error:
        raise ConfigError(
            f"{safe} could not be saved ({error.strerror}). Free some disk space and try again."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return kept.name


def require_not_ignored(name: str, ignore: Sequence[str]) -> None:
    """Make sure that a sync would not pass over a name.

    Raises:
        ConfigError: It would.
    """
    for pattern in ignore:
        if fnmatch.fnmatchcase(name, pattern):
            raise ConfigError(
                f"{name} is a name that is ignored: `ingest.ignore` passes over names like "
                f"{pattern!r}, which unfinished, temporary and hidden files have. Choose another "
                "name, or change `ingest.ignore` in kb.yaml."
            )


def sweep_unfinished(library: Path) -> None:
    """Delete what a process that was killed had begun to copy. Call it before any copying."""
    for path in library.glob(UNFINISHED):
        with suppress(OSError):
            path.unlink()


def safe_name(name: str) -> str:
    """`name` without folders, control characters and what turns the direction of writing, short
    enough for any file system, and no name that means something else there."""
    # Names come from forms, where they may be of any length.
    base = name.replace("\\", "/").rsplit("/", 1)[-1][: 4 * _MAX_NAME_BYTES]
    base = unicodedata.normalize("NFC", "".join(map(_printable, base)))
    if os.name == "nt":
        base = base.translate(_NOT_ON_WINDOWS)
    # Windows drops dots and spaces at the end: another name than the one that was given.
    base = base.strip().lstrip(".").rstrip(". ") or "file"
    base = _DEVICE.sub(r"_\1", base, count=1) if _DEVICE.match(base) else base
    stem, suffix = os.path.splitext(base)  # noqa: PTH122 - Path would normalise the name
    if len(suffix.encode()) > _MAX_SUFFIX_BYTES:
        stem, suffix = base, ""
    room_bytes = _MAX_NAME_BYTES - len(suffix.encode())
    stem = stem.encode()[:room_bytes].decode("utf-8", "ignore").rstrip(". " if not suffix else "")
    return stem + suffix


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    # Line and paragraph separators break a line where a space was meant.
    return " " if category in ("Zl", "Zp") else "" if category[0] == "C" else character


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def name_free(temporary: Path, wanted: Path) -> Path:
    """Give a whole file its name, or the next one that is free, which is returned. It may have
    its former name, too, afterwards."""
    target, n = wanted, 2
    while not take_name(temporary, target):
        target = wanted.with_name(f"{wanted.stem} ({n}){wanted.suffix}")
        n += 1
    return target


def take_name(temporary: Path, target: Path) -> bool:
    """Whether `target` was free, and is the file now. It may have its former name, too."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        return True
    # A file system without hard links, of a camera's card or a network drive.
    with _naming:
        if os.path.lexists(target):
            return False
        temporary.replace(target)
        return True
