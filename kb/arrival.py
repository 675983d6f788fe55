"""The last step of an import: what arrived whole is put in its place.

::

    HOME/.importing/     is being unpacked and checked; worth nothing yet
    HOME/.imported/      is whole, on the disk, and only to be moved: whoever opens the home does it

So an import that is ended at any instant has not happened, or is finished by whatever is run next.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from kb.config import Home
from kb.errors import ConfigError
from kb.files import sync_folder

__all__ = ["arrived", "arriving", "finish_import"]


def arriving(home: Home) -> Path:
    """Where an import unpacks to."""
    return home.path / ".importing"


def arrived(home: Home) -> Path:
    """What an import becomes once it is whole."""
    return home.path / ".imported"


def finish_import(home: Home) -> None:
    """Put an import in its place that is whole and was ended before that; else nothing.

    Raises:
        ConfigError: Files were put into the library since.
    """
    if not arrived(home).is_dir():
        return
    # Of two at once, one would take what the other has put in its place for what was there before.
    mark = home.path / ".imported.lock"
    with FileLock(mark, thread_local=False):
        came = Home(arrived(home))
        if came.path.is_dir():
            _put_in_place(came, home)
    with suppress(OSError):
        mark.unlink()


def _put_in_place(came: Home, home: Home) -> None:
    # The library first: an index whose files are missing would be taken for a mass delete.
    if came.library.is_dir():
        if home.library.is_dir():
            try:
                home.library.rmdir()
            except OSError as error:
                raise ConfigError(
                    f"An import into {home.path} is whole but for its last step, for which "
                    f"{home.library} must be empty. Move what is in it elsewhere, run the command "
                    "again, and move it back."
                ) from error
        came.library.replace(home.library)
    if came.index.is_dir():
        # It held nothing when the import began, and nobody has opened the home since.
        shutil.rmtree(home.index, ignore_errors=True)
        came.index.replace(home.index)
    for file in came.path.iterdir():
        file.replace(home.path / file.name)
    came.path.rmdir()
    sync_folder(home.path)
