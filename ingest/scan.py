"""Finding files: a walk with one stat a file, and what changed since the last one."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ingest.clean import clean_text
from ingest.dates import clamp_ns
from ingest.decode.media import MEDIA_TYPES, SUFFIXES
from ingest.parsers.linked_pictures import local_pictures
from kb.errors import SourceUnavailableError
from kb.index.ledger import Companion, PathRecord
from kb.types import Kind

__all__ = [
    "LEADS_OUT",
    "UNFINISHED",
    "Found",
    "cannot_read",
    "check_place",
    "find_companions",
    "is_unchanged",
    "walk",
]

# Names of files that are being written into a root, which no configuration makes visible.
UNFINISHED = ".kb-*.part"
LEADS_OUT = (
    "It is a link that leads out of the folder, and such links are not followed: whoever can put "
    "one there could have any file of this computer indexed. Put the file itself here, add its "
    "folder with `kb sync FOLDER`, or set `ingest.follow_links: true` in kb.yaml."
)
"""Why a link is not followed."""

# Of files that may have subtitles beside them.
_SPOKEN_SUFFIXES = frozenset(
    suffix
    for suffix, media_type in SUFFIXES.items()
    if MEDIA_TYPES[media_type] in (Kind.VIDEO, Kind.AUDIO)
)
_SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt"})
_SUFFIXES_WITH_PICTURES = frozenset({".html", ".htm", ".xhtml", ".md", ".markdown"})
# A file that was written this shortly before it was hashed may have been written again with
# the same size within the clock's resolution (git's "racy" entries): hash it once more.
_RACY_NS = 2_000_000_000
_NO_UNICODE = "Its name is not valid Unicode; rename it, and it will be indexed."


class Found(NamedTuple):
    """One file as the walk saw it. A tuple, since there is one for every file.

    Attributes:
        path: Relative to the root, with forward slashes.
        siblings: For a video or a recording, the names of subtitle files beside it.
    """

    root: str
    path: str
    size_bytes: int
    mtime_ns: int
    siblings: tuple[str, ...] = ()

    @property
    def absolute(self) -> Path:
        """The file itself."""
        return Path(self.root, self.path)


def walk(
    root: Path,
    ignore: Sequence[str],
    unreadable: Callable[[str, str], None],
    prefix: str = "",
    *,
    follow_links: bool = False,
) -> Iterator[Found]:
    """Every regular file below `root`, each folder once. Links are followed to what lies below
    the root itself.

    Args:
        follow_links: Follow those that lead out of it, too.
        root: An existing folder, absolute.
        prefix: A folder below the root to look in alone, ending with a slash.
        ignore: Patterns of names to pass over.
        unreadable: Called with the relative path of a folder or file that can't be looked
            at, and the reason.
    """
    ignored = re.compile(
        "|".join(fnmatch.translate(pattern) for pattern in (*ignore, UNFINISHED))
    ).match
    visited: set[tuple[int, int]] = set()
    root_name = str(root)
    real_root = os.path.realpath(root_name)
    stack = [(prefix, os.path.join(root_name, prefix))]
    while stack:
        prefix, folder = stack.pop()
        files: list[tuple[str, os.stat_result]] = []
        subtitles: dict[str, list[str]] = {}
        try:
            about = os.stat(folder)
            if (about.st_dev, about.st_ino) in visited:
                continue
            visited.add((about.st_dev, about.st_ino))
            entries = list(os.scandir(folder))
        except OSError as error:
            unreadable(prefix.rstrip("/") or ".", cannot_read(error))
            continue
        for entry in entries:
            name = entry.name
            if ignored(name):
                continue
            if not (name.isascii() or _is_unicode(name)):
                unreadable(prefix + clean_text(name), _NO_UNICODE)
                continue
            try:
                is_link = entry.is_symlink()
                if is_link and not (follow_links or _lies_in(entry.path, real_root)):
                    unreadable(prefix + name, LEADS_OUT)
                    continue
                if entry.is_dir():
                    stack.append((f"{prefix}{name}/", entry.path))
                    continue
                about = entry.stat()
            except OSError as error:
                unreadable(prefix + name, cannot_read(error))
                continue
            if not stat.S_ISREG(about.st_mode):
                continue
            files.append((name, about))
            if name[-4:].lower() in _SUBTITLE_SUFFIXES:
                subtitles.setdefault(name.split(".")[0].lower(), []).append(name)
        videos = {
            name: tuple(
                sorted(
                    subtitle
                    for subtitle in subtitles.get(name.split(".")[0].lower(), ())
                    if subtitle.lower().startswith(os.path.splitext(name)[0].lower() + ".")
                )
            )
            for name, _ in files
            if subtitles and os.path.splitext(name)[1].lower() in _SPOKEN_SUFFIXES
        }
        taken = {subtitle for group in videos.values() for subtitle in group}
        for name, about in files:
            if taken and name in taken:
                continue
            siblings = videos.get(name, ())
            mtime_ns = clamp_ns(about.st_mtime_ns)
            yield Found(root_name, prefix + name, about.st_size, mtime_ns, siblings)


def is_unchanged(found: Found, known: PathRecord) -> bool:
    """Whether a file is as it was when it was hashed, by its stat and its companions'."""
    if (
        found.size_bytes != known.size_bytes
        or found.mtime_ns != known.mtime_ns
        or known.mtime_ns > known.seen_ns - _RACY_NS
        or known.reason
    ):
        return False
    if not known.companions:
        return not found.siblings
    if found.siblings or os.path.splitext(found.path)[1].lower() in _SPOKEN_SUFFIXES:
        parent = os.path.dirname(os.path.join(found.root, found.path))
        if {os.path.join(parent, name) for name in found.siblings} != {
            companion.path for companion in known.companions
        }:
            return False
    return all(_look(companion.path) == companion for companion in known.companions)


def find_companions(found: Found) -> tuple[Companion, ...]:
    """The files that are part of `found`'s content, as they are now."""
    parent = found.absolute.parent
    if found.siblings:
        paths = [str(parent / name) for name in found.siblings]
    elif os.path.splitext(found.path)[1].lower() in _SUFFIXES_WITH_PICTURES:
        paths = [
            str(path) for path in local_pictures(found.absolute) if path.is_relative_to(found.root)
        ]
    else:
        paths = []
    return tuple(_look(path) for path in paths)


def check_place(path: Path, root: Path, *, follow_links: bool) -> os.stat_result:
    """Look once more at a file that is about to be read: since the walk something else may
    have been put into its place, so that reading it would never end or tell another's secrets.

    Raises:
        SourceUnavailableError: It is gone, no regular file, or a link that may not be followed.
    """
    try:
        about = os.stat(path)
    except OSError as error:
        raise SourceUnavailableError(
            f"The file can't be read ({error.strerror}): it was moved or locked meanwhile. It will "
            "be read by the next sync."
        ) from error
    if not stat.S_ISREG(about.st_mode):
        raise SourceUnavailableError(
            "It is no file any more, but a folder, a pipe or a device. Put the file back; it will "
            "be read by the next sync."
        )
    if not (follow_links or _lies_in(str(path), os.path.realpath(root))):
        raise SourceUnavailableError(LEADS_OUT)
    return about


def _lies_in(path: str, real_root: str) -> bool:
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.sep) + os.sep)


def _look(path: str) -> Companion:
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return Companion(path, None, None)
    if not stat.S_ISREG(about.st_mode):
        return Companion(path, None, None)
    return Companion(path, about.st_size, clamp_ns(about.st_mtime_ns))


def cannot_read(error: OSError) -> str:
    """Why a file can't be read, and what to do."""
    if error.errno == errno.ELOOP:
        return "It is a link that leads back to itself. Delete it, or make it point at a file."
    hints: Mapping[type[OSError], str] = {
        PermissionError: "It may not be read: give this user permission to read it",
        FileNotFoundError: "It is a link to a file that is not there, or it vanished just now: "
        "put the file back, or delete the link",
    }
    hint = hints.get(type(error), "It can't be read: check the disk or the network drive")
    return f"{hint} ({error.strerror}), then sync again."


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
