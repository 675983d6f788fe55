"""What somebody looks at in the list of files: which of them, in which order, which page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from kb import FileOrder, FileQuery
from ui.service.library import FilesPage, list_page
from ui.service.service import Service

__all__ = ["Looked", "files_page"]

_MAX_PAGE_DIGITS = 9
_MAX_NAME_CHARS = 4_096  # No path is longer, and SQLite takes no pattern of any length.
# What is asked for first: the largest, the newest.
_FROM_THE_LAST = frozenset({FileOrder.SIZE, FileOrder.CHUNKS, FileOrder.CHANGED})


@dataclass(frozen=True, slots=True)
class Looked:
    """Beside the status and the name, which components of the page hold.

    Attributes:
        page: From 1.
        root: Of `folder`; empty for all.
        folder: With a slash at its end; empty for the whole root.
    """

    page: int = 1
    root: str = ""
    folder: str = ""
    order: FileOrder = FileOrder.NAME
    is_descending: bool = False

    def turned(self, page: str) -> Self:
        """To a page, as it was written; the first one where that is no number."""
        is_number = page.isdecimal() and len(page) <= _MAX_PAGE_DIGITS
        return replace(self, page=int(page) if is_number else 1)

    def into(self, root: str, folder: str) -> Self:
        """Into a folder, at its first page."""
        return replace(self, page=1, root=root, folder=folder)

    def sorted(self, order: str) -> Self:
        """By an order, or the other way round where it is that already; what is none is passed
        over."""
        if order not in list(FileOrder):
            return self
        is_same = order == self.order
        is_descending = not self.is_descending if is_same else order in _FROM_THE_LAST
        return replace(self, page=1, order=FileOrder(order), is_descending=is_descending)


def files_page(
    service: Service,
    status: str | None = None,
    name: str | None = None,
    looked: Looked | None = None,
) -> FilesPage:
    """A page of the files that have a status and whose names contain `name`. Both are None while
    the page that chooses them has not been opened."""
    looked = looked or Looked()
    query = FileQuery(
        waiting=service.syncer.waiting(),
        reading=service.progress().current,
        status="" if status in {None, "all"} else str(status),
        name=(name or "").strip()[:_MAX_NAME_CHARS],
        root=looked.root,
        folder=looked.folder,
        order=looked.order,
        is_descending=looked.is_descending,
    )
    return list_page(service.kb.ledger, service.home.library, query, looked.page)
