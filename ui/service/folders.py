"""The folders of the library as a tree, open along the one that is looked into."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from kb import FolderCount

__all__ = ["Folder", "open_folders", "root_key"]


@dataclass(frozen=True, slots=True)
class Folder:
    """One line of the tree.

    Attributes:
        path: Relative to `root`, with a slash at its end; empty for the root itself.
        depth: From 0.
        n_files: In it and below.
        is_chosen: Whether it is the one that is looked into.
        has_more: Whether it has folders.
    """

    root: str
    path: str
    name: str
    depth: int
    n_files: int
    is_chosen: bool
    has_more: bool


def root_key(root: str) -> str:
    """What the page calls a root: where it lies is not for everybody who may see its files."""
    return hashlib.sha256(root.encode()).hexdigest()[:16] if root else ""


def open_folders(counts: Iterable[FolderCount], root: str, path: str) -> list[Folder]:
    """The lines of the tree, from top to bottom: what lies beside the folder that is looked into
    and beside those above it, and what lies in it.

    Args:
        root: Of the folder that is looked into; empty for all roots.
        path: As of `Folder`.
    """
    n_files: Counter[tuple[str, str]] = Counter()
    below: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for counted in counts:
        n_files[counted.root, ""] += counted.n_files
        at = counted.folder
        while at:
            n_files[counted.root, at] += counted.n_files
            parent = _parent(at)
            below[counted.root, parent].add(at)
            at = parent
    roots = sorted({at for at, folder in n_files if not folder}, key=str.casefold)
    # A single root is what is seen where nothing is chosen.
    first_depth = int(len(roots) > 1)

    def lines(at: str, folder: str, depth: int) -> Iterator[Folder]:
        for child in sorted(below[at, folder], key=lambda one: (one.casefold(), one)):
            yield Folder(
                root=at,
                path=child,
                name=PurePosixPath(child).name,
                depth=depth,
                n_files=n_files[at, child],
                is_chosen=(root, path) == (at, child),
                has_more=bool(below[at, child]),
            )
            if root in (at, "") and path.startswith(child):
                yield from lines(at, child, depth + 1)

    found: list[Folder] = []
    for at in roots:
        if first_depth:
            name = PurePath(at).name or at
            is_chosen = root == at and not path
            more = bool(below[at, ""])
            found.append(Folder(at, "", name, 0, n_files[at, ""], is_chosen, more))
        if not first_depth or root == at:
            found += lines(at, "", first_depth)
    return found


def _parent(folder: str) -> str:
    """Of a path that ends with a slash; likewise."""
    return folder[: folder.rstrip("/").rfind("/") + 1]
