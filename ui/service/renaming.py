"""Giving files of the library other names and folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from kb.errors import ConfigError
from kb.files import sync_folder
from ui.service.uploads import require_not_ignored, safe_name, take_name

__all__ = ["checked_target", "move_file", "renamed_beside"]


def checked_target(target: str, ignore: Sequence[str]) -> str:
    """A path relative to the library, as somebody wrote it, with safe names.

    Args:
        ignore: Patterns of names that a sync passes over.

    Raises:
        ConfigError: It is none, or a sync would pass over it.
    """
    parts = [part.strip() for part in target.replace("\\", "/").split("/")]
    parts = [part for part in parts if part]
    if not parts or {".", ".."}.intersection(parts):
        raise ConfigError("This is no name of a file. Write a name, or folders and a name.")
    safe = [safe_name(part) for part in parts]
    for part in safe:
        require_not_ignored(part, ignore)
    return "/".join(safe)


def move_file(library: Path, source: str, target: str) -> None:
    """Move a file within the library, onto none that is there.

    Args:
        target: As `checked_target` gives it; its folders are made where there are none.

    Raises:
        ConfigError: It is not there, may not be moved, or something has its new name.
    """
    file, wanted = library / source, library / target
    inside = library.resolve()
    if not all(path.parent.resolve().is_relative_to(inside) for path in (file, wanted)):
        raise ConfigError(f"{source} does not lie in the library folder. Move it where it lies.")
    try:
        wanted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.path.lexists(file):
            raise ConfigError(f"{source} is not there any more. Load the page again.")
        if file.parent == wanted.parent and file.name.casefold() == wanted.name.casefold():
            file.rename(wanted)  # where case makes no other name, that name is the file's own
        elif take_name(file, wanted):
            file.unlink(missing_ok=True)
        else:
            raise ConfigError(f"{target} is there already. Choose another name.")
        sync_folder(wanted.parent)
        sync_folder(file.parent)
    except OSError as error:
        raise ConfigError(f"{source} could not be moved ({error.strerror}).") from error


def renamed_beside(beside: str, source: str, target: str) -> str:
    """Where subtitles go that belong to `source` by their name, when that becomes `target`."""
    old, new = PurePosixPath(source), PurePosixPath(target)
    return (new.parent / (new.stem + PurePosixPath(beside).name[len(old.stem) :])).as_posix()
